"""The published description of the API for passes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from passes.api.wishes import KEY_LIMIT, MESSAGE_LIMIT, PAGE, PAGE_LIMIT, TEXT_LIMIT, VALUE_NAME, VALUES_LIMIT
from passes.values import SUM_LIMIT
from portal.models import Scope
from portal.openapi import TENANT, answer_header, body, described, ref, refusal, refusals, secured

TAG = {"name": "Passes", "description": "For a shop's till or site: find, make and change customers' passes."}
_TEMPLATE = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_CUSTOMER = {"type": "string", "minLength": 1, "maxLength": KEY_LIMIT, "description": "The customer's key."}
_MESSAGE = {
    "type": "string",
    "maxLength": MESSAGE_LIMIT,
    "description": "A text for the lock screen, kept on the back of the pass. Empty: takes the last one back.",
}
_SILENT = {
    "type": "boolean",
    "description": "true: phones show the change without a line on the lock screen.",
    "default": False,
}
_MOMENT = {"type": "string", "format": "date-time"}

COMPONENTS: dict[str, dict[str, Any]] = {
    "PassValue": {
        "description": "A value of a pass. null takes back what was put on this pass.",
        "anyOf": [
            {"type": "string", "maxLength": TEXT_LIMIT},
            {"type": "number", "minimum": -SUM_LIMIT, "maximum": SUM_LIMIT},
            {"type": "boolean"},
            {"type": "null"},
        ],
    },
    "PassValues": {
        "type": "object",
        "description": "Values by name, for this pass alone. The newest one counts, wherever it comes from.",
        "propertyNames": {"pattern": f"^{VALUE_NAME}$", "not": {"const": "message"}},
        "additionalProperties": ref("PassValue"),
        "maxProperties": VALUES_LIMIT,
    },
    "PassCreation": {
        "type": "object",
        "properties": {
            "template": {**_TEMPLATE, "description": "The template's number, as at the end of its page's address."},
            "customer": _CUSTOMER,
            "values": ref("PassValues"),
            "message": _MESSAGE,
            "silent": _SILENT,
        },
        "required": ["template", "customer"],
        "additionalProperties": False,
    },
    "PassChange": {
        "type": "object",
        "properties": {
            "values": ref("PassValues"),
            "message": _MESSAGE,
            "silent": _SILENT,
            "template": {**_TEMPLATE, "description": "The number of the template that the pass moves to."},
        },
        "minProperties": 1,
        "anyOf": [{"required": ["values"]}, {"required": ["message"]}, {"required": ["template"]}],
        "additionalProperties": False,
    },
    "Pass": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "The portal's number of the pass."},
            "serialNumber": {"type": "string", "description": "On the card: the id, or what another vendor gave it."},
            "template": _TEMPLATE,
            "templateName": {"type": "string"},
            "customer": _CUSTOMER,
            "values": {"type": "object", "description": "What the pass is worked out from: the customer's values too."},
            "message": {"type": "string", "description": "The last message."},
            "voided": {"type": "boolean"},
            "phones": {"type": "integer", "description": "How many phones hold it."},
            "link": {"type": "string", "format": "uri", "description": "The page on which it is added to a phone."},
            "googleLink": {
                "anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}],
                "description": "Leads into Google Wallet; null where the template is not for it.",
            },
            "createdAt": _MOMENT,
            "changedAt": {"anyOf": [_MOMENT, {"type": "null"}], "description": "When what it shows last changed."},
        },
        "required": ["id", "serialNumber", "template", "templateName", "customer", "values", "message", "voided",
                     "phones", "link", "googleLink", "createdAt", "changedAt"],
    },
    "PassPage": {
        "type": "object",
        "properties": {
            "passes": {"type": "array", "items": ref("Pass"), "maxItems": PAGE_LIMIT},
            "next": {"type": ["string", "null"], "description": "The address of the next page; null on the last one."},
        },
        "required": ["passes", "next"],
    },
    "LinkPage": {
        "type": "object",
        "properties": {
            "links": {
                "type": "array",
                "maxItems": PAGE_LIMIT,
                "items": {
                    "type": "object",
                    "properties": {
                        "customer": _CUSTOMER,
                        "link": {"type": "string", "format": "uri", "description": "For this customer alone."},
                    },
                    "required": ["customer", "link"],
                },
            },
            "next": {"type": ["string", "null"], "description": "The address of the next page; null on the last one."},
        },
        "required": ["links", "next"],
    },
    "PassChangeAccepted": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "event": {"type": "integer", "description": "The event's number, by which staff find it."},
        },
        "required": ["id", "event"],
    },
}  # fmt: skip

_PASS = OpenApiParameter(
    "passId",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.PATH,
    description="The portal's number of the pass.",
)
_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,100}$"},
    OpenApiParameter.HEADER,
    description="A name of your own for this change. Sent again with the same body, it is done once.",
)


def _filter(name: str, schema: dict[str, Any], text: str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=text)


_FILTERS = [
    _filter("customer", {"type": "string", "minLength": 1, "maxLength": KEY_LIMIT}, "Only this customer's, by key."),
    _filter("template", _TEMPLATE, "Only those of this template."),
    _filter("voided", {"type": "boolean"}, "Only those that are void, or only those that are not."),
    _filter("after", {"type": "string", "format": "uuid"}, "The last pass of the page before."),
    _filter("limit", {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE}, "How many at most."),
]
_SECURITY = {
    401: refusal("No valid key or token of this tenant. An unknown tenant gets the same answer."),
    403: refusal("The key or token lacks the scope."),
    405: refusal("The method is not taken here. No key is needed to learn that."),
    429: refusal("Too many calls with this key; try again later."),
    500: refusal("Something went wrong in the portal. Try again later."),
    503: refusal("The tenant is suspended, or the database is away. Try again later."),
}
_WRITING = {
    **_SECURITY,
    400: refusal("The body cannot be used; `errors` names the places. Nothing was stored.", validation=True),
    413: refusal("The body is larger than 256 KiB."),
    415: refusal("The Content-Type is not JSON."),
    422: refusal("The Idempotency-Key came before with another body."),
}
_NO_PASS = {404: refusal("The tenant has no such pass.")}
_HEADERS = [
    answer_header("WWW-Authenticate", [401, 403], "How to authenticate; with 403, what a bearer token lacks."),
    answer_header("Allow", [405], "The methods that are taken."),
    answer_header("Retry-After", [429, 503], "Seconds after which to try again.", int),
]
_CREATION = {
    "usual": ("As a till sends it", {"template": 3, "customer": "anna@example.com", "values": {"points": 450}})
}
_CHANGE = {"usual": ("As a till sends it", {"values": {"points": 450}, "message": "30 points more"})}


def _answer(name: str, text: str) -> OpenApiResponse:
    return OpenApiResponse(ref(name), text)


_READ, _WRITE = (f"\n\nNeeds the scope `{scope.value}`." for scope in (Scope.PASS_READ, Scope.PASS_WRITE))
_LIST = extend_schema(
    operation_id="listPasses", tags=["Passes"], summary="Passes, newest first",
    description="A page of the tenant's passes; `next` leads to the following one. A filter that does not exist is "
    "refused." + _READ,
    parameters=[TENANT, *_FILTERS, *_HEADERS],
    responses={200: _answer("PassPage", "A page."), **refusals({
        **_SECURITY, 400: refusal("A filter cannot be used; `errors` names it.", validation=True)})},
    auth=secured(Scope.PASS_READ.value),
)  # fmt: skip
_CREATE = extend_schema(
    operation_id="createPass", tags=["Passes"], summary="A customer's pass of a template",
    description="Makes the pass, or answers 200 with the one that is there: a customer has one pass of a template. "
    "Values and a message are put on it by a worker, a moment later." + _WRITE,
    parameters=[TENANT, _KEY, *_HEADERS, answer_header("Location", [200, 201], "The address of the pass.")],
    request=body(ref("PassCreation"), _CREATION),
    responses={201: _answer("Pass", "Made."), 200: _answer("Pass", "It was there."), **refusals(_WRITING)},
    auth=secured(Scope.PASS_WRITE.value),
)  # fmt: skip
_LINKS = extend_schema(
    operation_id="listLinks", tags=["Passes"], summary="Customers' links to get a pass",
    description="A page of customers, each with the link on which they get a pass of the template; nothing is made "
    "before they ask. Whoever has a link gets the card, so send it to its customer alone. Oldest customers first."
    + _READ,
    parameters=[TENANT, OpenApiParameter("template", _TEMPLATE, OpenApiParameter.QUERY, required=True,
                                         description="The template's number."),
                _filter("customer", {"type": "string", "minLength": 1, "maxLength": KEY_LIMIT},
                        "Only this customer's, by key."),
                _filter("after", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
                        "Where the page before ended; `next` holds it."),
                _filter("limit", {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE},
                        "How many at most."), *_HEADERS],
    responses={200: _answer("LinkPage", "A page."), **refusals({
        **_SECURITY, 400: refusal("A filter cannot be used; `errors` names it.", validation=True)})},
    auth=secured(Scope.PASS_READ.value),
)  # fmt: skip
_RETRIEVE = extend_schema(
    operation_id="readPass", tags=["Passes"], summary="One pass", description="The pass as it is now." + _READ,
    parameters=[TENANT, _PASS, *_HEADERS],
    responses={200: _answer("Pass", "The pass."), **refusals({**_SECURITY, **_NO_PASS})},
    auth=secured(Scope.PASS_READ.value),
)  # fmt: skip
_CHANGE_ONE = extend_schema(
    operation_id="changePass", tags=["Passes"], summary="Change a pass",
    description="Puts values or a message on the pass, or moves it to another template. The change is stored, then "
    "answered; a worker carries it out, and phones are told when something that they show changed." + _WRITE,
    parameters=[TENANT, _PASS, _KEY, *_HEADERS],
    request=body(ref("PassChange"), _CHANGE),
    responses={202: _answer("PassChangeAccepted", "Stored. A worker does the rest, whatever happens to this process."),
               **refusals({**_WRITING, **_NO_PASS})},
    auth=secured(Scope.PASS_WRITE.value),
)  # fmt: skip


class _Passes(OpenApiViewExtension):
    target_class = "passes.api.views.PassesView"

    def view_replacement(self) -> Any:
        return described(self.target, get=_LIST, post=_CREATE)


class _Links(OpenApiViewExtension):
    target_class = "passes.api.links.LinksView"

    def view_replacement(self) -> Any:
        return described(self.target, get=_LINKS)


class _Pass(OpenApiViewExtension):
    target_class = "passes.api.views.PassView"

    def view_replacement(self) -> Any:
        return described(self.target, get=_RETRIEVE, patch=_CHANGE_ONE)
