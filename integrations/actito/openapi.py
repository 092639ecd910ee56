"""The published description of Actito's webhooks: what they take, in words and as JSON Schema, and what they answer.

tests/integrations/actito/test_contract.py holds it against the contract that senders know.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from integrations.actito.commands import MESSAGE_LIMIT, NAME_LIMIT
from integrations.actito.openapi_examples import ACTIONS, PROFILES
from integrations.actito.pushes import BULK_LIMIT, PROFILE_ID_LIMIT
from portal.models import Scope
from portal.openapi import TENANT, answer_header, body, described, ref, refusal, refusals, secured

TAG = {"name": "Actito", "description": "What Actito calls when profiles change and when a scenario acts."}


def _having(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": [name], "properties": {name: schema}}


# Not blank, as Python and not only JavaScript understands it.
_TEXT = {"type": "string", "pattern": r"[^\s\x1c-\x1f\x85]", "maxLength": NAME_LIMIT}
_NAME = {"anyOf": [_TEXT, {"type": "integer"}]}
_BULK = {
    "type": "array",
    "minItems": 1,
    "maxItems": BULK_LIMIT,
    "items": {},
    "description": "Several at once (BULK). Each element is stored by itself; one that cannot be read is kept as "
    "failed and does not hold up the others.",
}
_ENVELOPES = {**_BULK, "description": "Several envelopes at once. What holds for elements of BULK holds for them."}
# A bare element has no `data`: the same members stand in the body itself.
_BARE = {"properties": {"data": False}}
_WHO: dict[str, dict[str, Any]] = {
    "profileId": {**ref("ProfileId"), "description": "Actito's number of the profile."},
    "businessKey": {"description": "The customer's key in Actito.", **_NAME},
    "emailAddress": {"description": "The customer's address.", **_NAME},
    "email": {"description": "The same.", **_NAME},
    "serialNumber": {"description": "The serial number of one pass.", **_NAME},
}
_GROUPS = {
    "profileAttributes": "Attributes of the profile, for its name.",
    "actionParameters": "The scenario's parameters: values for the pass, by name.",
    "identifiers": "Names of the customer, as other connectors send them.",
    "additionalData": "Values for the pass, as other connectors send them.",
}

COMPONENTS: dict[str, dict[str, Any]] = {
    "ProfileEventType": {
        "type": "string",
        "enum": ["Create", "Update"],
        "description": "Upper or lower case does not matter: `CREATE` and `update` are taken too.",
    },
    "ProfileId": {
        "description": "Actito's number of the profile: an integer, or the same as a string of digits.",
        "anyOf": [
            {"type": "integer", "format": "int64", "minimum": 1, "maximum": PROFILE_ID_LIMIT},
            {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
        ],
    },
    "NewProfile": {
        "type": "object",
        "description": "One profile. Other members are kept and not used: the portal reads the profile from Actito.",
        "properties": {"profileId": ref("ProfileId")},
        "required": ["profileId"],
    },
    "ProfileAttributes": {
        "type": "object",
        "description": "One profile as scenarios push it: in a group, or with the group's name before a dot.",
        "properties": {"profileId": False},
        "anyOf": [
            _having("profileAttributes", {"type": "object", **_having("profileId", ref("ProfileId"))}),
            _having("profileAttributes.profileId", ref("ProfileId")),
        ],
    },
    "NewProfileActitoWrapper": {
        "type": "object",
        "description": "What Actito wraps around a profile. Other members are taken too.",
        "properties": {
            "eventType": {"description": "What happened, such as `UPDATE`. What is no text is not looked at."},
            "operation": {"description": "The operation's name. Not looked at."},
            "data": {"anyOf": [ref("NewProfile"), ref("ProfileAttributes"), _BULK]},
        },
        "required": ["data"],
    },
    "CustomerNames": {
        "type": "object",
        "description": "Who is meant: at least one of these, or an identifier that the connection names. Upper or "
        "lower case of the members' names does not matter.",
        "anyOf": [_having(name, schema) for name, schema in _WHO.items()],
    },
    "CustomAction": {
        "type": "object",
        "description": "What a scenario wants done to a customer's passes.",
        "properties": {
            "message": {"description": "A text for the lock screen. Empty: no text.", "maxLength": MESSAGE_LIMIT},
            "passType": {"description": "Only this template; without it, all of the customer's.", "maxLength": 1000},
            "moveToTemplate": {"description": "Another template for the pass.", "maxLength": 1000},
            "silent": {"description": "true: phones show the change without a line on the lock screen."},
        },
        "anyOf": [
            ref("CustomerNames"),
            *(_having(group, {**ref("CustomerNames"), "description": text}) for group, text in _GROUPS.items()),
            *(
                _having(f"{group}.{name}", schema)
                for group in ("profileAttributes", "actionParameters")
                for name, schema in _WHO.items()
            ),
        ],
    },
    "CustomActionWrapper": {
        "type": "object",
        "description": "Actito's envelope. Other members, such as `id` and `_links`, are taken too.",
        "properties": {"data": {"anyOf": [ref("CustomAction"), _BULK]}},
        "required": ["data"],
    },
}

_EVENT_TYPE = OpenApiParameter(
    "eventType", ref("ProfileEventType"), OpenApiParameter.PATH, description="Create or Update, in any case."
)
_HEADERS = [
    answer_header("WWW-Authenticate", [401, 403], "How to authenticate; with 403, what a bearer token lacks."),
    answer_header("Allow", [405], "The methods that are taken: POST."),
    answer_header("Retry-After", [429, 503], "Seconds after which to try again.", int),
]
_ANSWERS: dict[int, OpenApiResponse] = {
    400: refusal("The body cannot be used; `errors` names the place. Nothing was stored.", validation=True),
    401: refusal("No valid key or token of this tenant. An unknown tenant gets the same answer."),
    403: refusal("The key or token lacks the scope, or it is open which Actito connection it speaks for."),
    405: refusal("The method is not POST. No key is needed to learn that."),
    413: refusal("The body is larger than 256 KiB."),
    415: refusal("The Content-Type is not JSON."),
    429: refusal("Too many calls with this key. Nothing was stored; try again later."),
    500: refusal("Something went wrong in the portal. Try again later."),
    503: refusal(
        "The tenant is suspended, or the issuer of tokens is out of reach. Nothing was stored; try again later."
    ),
}
_STORED = OpenApiResponse(description="Stored. A worker does the rest, whatever happens to this process.")
_REPORTED = OpenApiResponse(
    description="Stored or known already: an earlier event that still waits covers it, or this event came before. "
    "A connection may be set to answer 200 instead."
)


_PROFILE_WEBHOOK = extend_schema(
    operation_id="actitoProfile",
    tags=["Actito"],
    summary="A profile was created or changed",
    description="Actito calls this when a profile comes or changes. The portal stores the call, answers, and then "
    "reads the whole profile from Actito; passes that show a changed value are renewed.\n\n"
    f"Needs the scope `{Scope.ACTITO_LISTENER.value}`.",
    parameters=[TENANT, _EVENT_TYPE, *_HEADERS],
    request=body(
        {
            "anyOf": [
                ref("NewProfileActitoWrapper"),
                {"allOf": [{"anyOf": [ref("NewProfile"), ref("ProfileAttributes")]}, _BARE]},
                _ENVELOPES,
            ]
        },
        PROFILES,
    ),
    responses={
        200: _STORED,
        208: _REPORTED,
        **refusals({**_ANSWERS, 404: refusal("The event type is neither Create nor Update.")}),
    },
    auth=secured(Scope.ACTITO_LISTENER.value),
)
_UPDATE_PASS_WEBHOOK = extend_schema(
    operation_id="actitoUpdatePass",
    tags=["Actito"],
    summary="A scenario updates passes",
    description="A step of an Actito scenario calls this to put values or a message on a customer's passes, or to move "
    "them to another template. The portal stores the call, answers, and then renews the passes.\n\n"
    "Say who is meant by `profileId`, `businessKey`, `emailAddress` or `serialNumber`. All other members of "
    "`actionParameters` or `additionalData` are values for the pass, by name. Names with dots are taken as groups: "
    "`actionParameters.points` is `points` in `actionParameters`.\n\n"
    f"Needs the scope `{Scope.ACTITO_LISTENER.value}`.",
    parameters=[TENANT, *_HEADERS],
    request=body(
        {"anyOf": [ref("CustomActionWrapper"), {"allOf": [ref("CustomAction"), _BARE]}, _ENVELOPES]},
        ACTIONS,
    ),
    responses={200: _STORED, 208: _REPORTED, **refusals(_ANSWERS)},
    auth=secured(Scope.ACTITO_LISTENER.value),
)


class _ProfileWebhook(OpenApiViewExtension):
    target_class = "integrations.actito.webhooks.ProfileWebhook"

    def view_replacement(self) -> Any:
        return described(self.target, post=_PROFILE_WEBHOOK)


class _UpdatePassWebhook(OpenApiViewExtension):
    target_class = "integrations.actito.webhooks.UpdatePassWebhook"

    def view_replacement(self) -> Any:
        return described(self.target, post=_UPDATE_PASS_WEBHOOK)
