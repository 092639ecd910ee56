"""Rows for the tests of passes: a brand with a template, a customer and a signed pass. Keys are made once a session."""

from __future__ import annotations

import io
import json
import struct
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client

from passes.apple.sandbox import Authority, Credentials
from passes.design import design_of
from passes.models import AppleCredentials, Device, PassTemplate, TemplateField, TemplateImage, WalletPass
from passes.refresh import issue, refresh_customer
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event, Tenant

PASS_TYPE, TEAM = "pass.com.example.loyalty", "TEAM123456"
PUSH_TOKEN = "ab" * 32
PAYLOADS = Path(__file__).parents[1] / "payloads" / "passes"


@cache
def authority() -> Authority:
    return Authority(None)


@cache
def credentials(pass_type: str = PASS_TYPE, version: int = 1) -> Credentials:
    """Apple's files for a pass type; another `version` is a renewed certificate."""
    return authority().issue_pass_certificate(pass_type, TEAM, "Example Coffee", 365 + version)


def png(shade: int = 0) -> bytes:
    """A small real PNG; another shade is another image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes([0, shade, shade] * 2)))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


def tenant(slug: str = "brand") -> Tenant:
    return Tenant.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0]


def apple(owner: Tenant | None = None, pass_type: str = PASS_TYPE, **changes: Any) -> AppleCredentials:
    owner, issued = owner or tenant(), credentials(pass_type)
    known = AppleCredentials.objects.filter(tenant=owner, pass_type_identifier=pass_type).first()
    return known or AppleCredentials.objects.create(
        **{
            "tenant": owner,
            "name": pass_type,
            "pass_type_identifier": pass_type,
            "team_identifier": TEAM,
            "certificate": issued.certificate_pem,
            "private_key": issued.private_key_pem,
            "intermediate": issued.intermediate_pem,
            "apns_authority": authority().root_pem,
            **changes,
        }
    )


POINTS = ("header", "points", "Points", "{{ points }}", "You now have %@ points")
NAME = ("secondary", "member", "Member", "{{ first_name }} {{ last_name }}", "")


def template(
    owner: Tenant | None = None,
    fields: Iterable[tuple[str, str, str, str, str]] = (POINTS, NAME),
    icon: bool = True,
    **changes: Any,
) -> PassTemplate:
    """`fields` are (place, key, label, expression, change message)."""
    owner = owner or tenant()
    made = PassTemplate.objects.create(
        **{
            "tenant": owner,
            "name": "Loyalty card",
            "issue": PassTemplate.Issue.EVERY_CUSTOMER,
            "apple": apple(owner) if "apple" not in changes else None,
            "organization_name": "Example Coffee",
            "description": "Loyalty card",
            "carries_messages": False,
            **changes,
        }
    )
    for position, (place, key, label, expression, message) in enumerate(fields):
        TemplateField.objects.create(
            template=made, position=position, place=place, key=key, label=label, expression=expression,
            change_message=message,
        )  # fmt: skip
    if icon:
        for scale in (1, 2, 3):
            TemplateImage.objects.create(template=made, role="icon", scale=scale, data=png(scale))
    return published(made)


def published(design: PassTemplate) -> PassTemplate:
    """The template with its saved design published; passes that exist are left as they are."""
    fresh = PassTemplate.objects.get(pk=design.pk)
    fresh.published = design.published = design_of(fresh)
    fresh.save()
    return design


def customer(owner: Tenant | None = None, **values: Any) -> Customer:
    known = {"points": 10, "first_name": "Anna", "last_name": "Peeters", "card_number": "C-1", **values}
    return Customer.objects.create(tenant=owner or tenant(), key="anna@example.com", language="en", values=known)


def cause(owner: Tenant | None = None, **payload: Any) -> Event:
    """An Event that stands for what brought a change."""
    owner = owner or tenant()
    return Event.objects.create(
        tenant=owner, lane_id=ledger.lane_id_for(owner.pk), kind="customer.changed/passes", subject=f"{uuid.uuid4()}",
        payload=payload, source="test",
    )  # fmt: skip


def wallet_pass(design: PassTemplate | None = None, holder: Customer | None = None) -> WalletPass:
    design = published(design or template())
    with transaction.atomic():
        made = issue(design, holder or customer(design.tenant), cause=cause(design.tenant))
    assert made
    return made


def change(holder: Customer, **values: Any) -> Result:
    """The customer's values change, and the passes follow, as the handler of `customer.changed` has it."""
    holder.values = {**holder.values, **values}
    holder.save()
    return effects(refresh_customer, cause(holder.tenant, customer=holder.pk))


def republish(held: WalletPass) -> Result:
    """The saved design is published, and the customer's passes follow."""
    published(held.template)
    return change(held.customer)


def effects(handler: Callable[[Work], Callable[[], Result]], event: Event) -> Result:
    """Runs a handler to its end, the effects in one transaction as the ledger's finish has it."""
    with transaction.atomic():
        return handler(Work(event, SilentTrail()))()


@dataclass
class SilentTrail:
    """Keeps the calls in memory, as the ledger keeps Attempts."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def open(self, **call: Any) -> int:
        self.calls.append(call)
        return len(self.calls)

    def close(self, call: int, **end: Any) -> None:
        self.calls[call - 1].update(end)


def pushes() -> list[Event]:
    return list(Event.objects.filter(kind="apple.push").order_by("pk"))


def work() -> list[str]:
    """Does what is due, as a worker does, save what customers' changes would do; gives what became of each."""
    Event.objects.filter(kind="customer.changed/passes").delete()
    said = []
    while events := ledger.claim(8, "test"):
        for event in events:
            ledger.run(event)
            event.refresh_from_db()
            said.append(event.outcome)
    return said


def files(pkpass: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pkpass)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def document(pkpass: bytes) -> dict[str, Any]:
    return dict(json.loads(files(pkpass)["pass.json"]))


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


class Phone:
    """A device that calls the web service through Django's test client, one method per call of the protocol."""

    def __init__(self, device: str = "device-1", push_token: str = PUSH_TOKEN) -> None:
        self.device, self.push_token, self.http = device, push_token, Client(raise_request_exception=False)

    def register(self, held: WalletPass, token: str | None = None, body: bytes | None = None) -> Any:
        return self.http.post(
            self._registration(held),
            body if body is not None else json.dumps({"pushToken": self.push_token}).encode(),
            content_type="application/json",
            headers=self._authorization(held, token),
        )

    def unregister(self, held: WalletPass, token: str | None = None) -> Any:
        return self.http.delete(self._registration(held), headers=self._authorization(held, token))

    def updates(self, tag: str | None = None, pass_type: str = PASS_TYPE) -> Any:
        query = {"passesUpdatedSince": tag} if tag is not None else {}
        return self.http.get(f"/wallet/apple/v1/devices/{self.device}/registrations/{pass_type}", query)

    def fetch(self, held: WalletPass, since: str = "", token: str | None = None, method: str = "get") -> Any:
        conditional = {"If-Modified-Since": since} if since else {}
        address = f"/wallet/apple/v1/passes/{held.template.apple.pass_type_identifier}/{held.serial_number}"
        return getattr(self.http, method)(address, headers={**self._authorization(held, token), **conditional})

    def row(self) -> Device:
        return Device.objects.get(library_identifier=self.device)

    def _registration(self, held: WalletPass) -> str:
        kind = held.template.apple.pass_type_identifier
        return f"/wallet/apple/v1/devices/{self.device}/registrations/{kind}/{held.serial_number}"

    def _authorization(self, held: WalletPass, token: str | None) -> dict[str, str]:
        return {"Authorization": f"ApplePass {held.authentication_token if token is None else token}"}


def seconds(moment: datetime | None) -> int:
    assert moment
    return int(moment.timestamp())


def quoted(device: str) -> str:
    """An identifier as it stands in a path."""
    return device.replace("\0", "%00").replace("\n", "%0a")


def news(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()
