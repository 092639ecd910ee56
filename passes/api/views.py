"""Finding, making and changing passes. What is written becomes an Event; the work on a change is done by workers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import path, reverse
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from passes.api.links import LinksView
from passes.api.wishes import Creation, Search, change_of, creation_of, search_of
from passes.content import ContentError
from passes.design import MESSAGE
from passes.issuing import Refused, Way, make
from passes.links import google_link, link
from passes.models import PassTemplate, WalletPass, phones_count
from passes.refresh import values_of
from passes.update import Update, arrive
from portal.access import Caller, caller_of
from portal.ledger import Receipt
from portal.models import Customer, Scope
from portal.problems import BadBody, BadQuery, Conflict
from portal.sentences import say
from portal.text import fingerprint
from portal.webhook import Endpoint, read_json

PASS_MADE = "pass.made"
_KEY = re.compile(r"[!-~]{1,100}")


class PassEndpoint(Endpoint):
    @property
    def required_scope(self) -> Scope:
        return Scope.PASS_READ if self.request.method in SAFE_METHODS else Scope.PASS_WRITE

    def passes(self, request: Request) -> QuerySet[WalletPass]:
        found: QuerySet[WalletPass] = WalletPass.objects.for_tenant(caller_of(request).tenant_id)
        return found.select_related("template", "customer").annotate(phones=phones_count())


class PassesView(PassEndpoint):
    """`GET passes`: a page of them, newest first. `POST passes`: the customer's pass of a template."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: Request, tenant: str) -> Response:
        search = search_of(request.query_params.dict())
        found = list(self._found(request, search)[: search.limit + 1])
        page = found[: search.limit]
        following = _address(tenant, request, page[-1]) if len(found) > search.limit else None
        return Response({"passes": [shown(each) for each in page], "next": following})

    def _found(self, request: Request, search: Search) -> QuerySet[WalletPass]:
        passes = self.passes(request).order_by("-pk")
        asked = {"customer__key": search.customer, "template": search.template, "voided": search.voided}
        passes = passes.filter(**{name: value for name, value in asked.items() if value is not None})
        if search.after is None:
            return passes
        last = self.passes(request).filter(serial_number=search.after).values_list("pk", flat=True).first()
        if last is None:
            raise BadQuery({"after": ["There is no such pass."]})
        return passes.filter(pk__lt=last)

    def post(self, request: Request, tenant: str) -> Response:
        caller, key, body = caller_of(request), _key_of(request), read_json(request)
        wanted = creation_of(body)
        with transaction.atomic():
            made = _make(caller.tenant_id, wanted)
            one = self.passes(request).get(template=wanted.template, customer__key=wanted.customer)
            if wanted.update != Update(silent=wanted.update.silent):
                _arrive(one, wanted.update, caller, key, body)
        answer = Response(shown(one), status=201 if made else 200)
        answer["Location"] = _address_of(tenant, one)
        return answer


class PassView(PassEndpoint):
    """`GET passes/{id}`, `PATCH passes/{id}`; the id is our own number of the pass."""

    http_method_names = ["get", "head", "patch"]

    def get(self, request: Request, tenant: str, serial: UUID) -> Response:
        return Response(shown(self._one(request, serial)))

    def patch(self, request: Request, tenant: str, serial: UUID) -> Response:
        caller, key, body = caller_of(request), _key_of(request), read_json(request)
        update = change_of(body)
        one = self._one(request, serial)
        if update.template_id is not None and not _templates(caller.tenant_id).filter(pk=update.template_id).exists():
            raise BadBody({"$.template": [NO_TEMPLATE]})
        receipt = _arrive(one, update, caller, key, body)
        return Response({"id": str(one.serial_number), "event": receipt.event_id}, status=202)

    def _one(self, request: Request, serial: UUID) -> WalletPass:
        one = self.passes(request).filter(serial_number=serial).first()
        if one is None:
            raise NotFound("There is no such pass.")
        return one


NO_TEMPLATE = "There is no active, published template with this number."
NO_CUSTOMER = "There is no customer with this key. Customers come from the systems that are connected."


def shown(one: WalletPass) -> dict[str, Any]:
    values = values_of(one)
    return {
        "id": str(one.serial_number),
        "serialNumber": one.card_serial,
        "template": one.template_id,
        "templateName": one.template.name,
        "customer": one.customer.key,
        "values": {name: value for name, value in values.items() if name != MESSAGE},
        "message": values.get(MESSAGE) or "",
        "voided": one.voided,
        "phones": getattr(one, "phones", 0),
        "link": link(one),
        "googleLink": google_link(one),
        "createdAt": one.created_at.isoformat(),
        "changedAt": one.changed_at.isoformat() if one.changed_at else None,
    }


def _templates(tenant_id: int) -> QuerySet[PassTemplate]:
    found: QuerySet[PassTemplate] = PassTemplate.objects.for_tenant(tenant_id)
    return found.filter(active=True, published__isnull=False)


def _make(tenant_id: int, wanted: Creation) -> bool:
    """Whether the pass is new. Raises BadBody."""
    template = _templates(tenant_id).select_related("apple").filter(pk=wanted.template).first()
    customers = Customer.objects.for_tenant(tenant_id).filter(key=wanted.customer).order_by("pk")
    customer = customers.first()
    if template is None or customer is None:
        missing = {"$.template": None if template else NO_TEMPLATE, "$.customer": None if customer else NO_CUSTOMER}
        raise BadBody({place: [sentence] for place, sentence in missing.items() if sentence})
    said = say("%(template)s was made for another system.", template=template)
    try:
        return make(template, customer, Way.API, kind=PASS_MADE, said=said)
    except Refused as error:
        raise BadBody({"$.template": [str(error)]}) from error
    except ContentError as error:
        raise BadBody({"$.customer": [f"The pass cannot be made: {error}"]}) from error


def _arrive(one: WalletPass, update: Update, caller: Caller, key: str | None, body: Any) -> Receipt:
    """Commits the change. Raises Conflict for a key that came before with another body."""
    receipt = arrive(
        one,
        update,
        source=f"api:{caller.key_id or caller.client}"[:60],
        source_id=key and f"{one.serial_number}:{key}",
        body_hash=fingerprint(body),
    )
    if receipt.repeats and not receipt.same_body:
        raise Conflict
    return receipt


def _key_of(request: Request) -> str | None:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise BadQuery({"Idempotency-Key": ["Send 1 to 100 printable characters without spaces."]})
    return key


def _address(tenant: str, request: Request, last: WalletPass) -> str:
    query = urlencode({**request.query_params.dict(), "after": str(last.serial_number)})
    return f"{settings.PUBLIC_URL}{reverse('api-passes', args=[tenant])}?{query}"


def _address_of(tenant: str, one: WalletPass) -> str:
    return str(settings.PUBLIC_URL) + reverse("api-pass", args=[tenant, one.serial_number])


urlpatterns = [
    path("links", LinksView.as_view(), name="api-links"),
    path("passes", PassesView.as_view(), name="api-passes"),
    path("passes/<uuid:serial>", PassView.as_view(), name="api-pass"),
]
