"""Rows for the tests of Google Wallet: a brand with an issuer whose account is known to the sandbox."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from passes.google.asking import ask
from passes.google.sandbox import GoogleSandbox, VirtualAndroid
from passes.links import token_of
from passes.models import GoogleIssuer, GoogleObject, PassTemplate, TemplateImage, WalletPass
from passes.moving import move
from passes.voiding import void
from portal.models import Event, Tenant
from portal.sentences import say
from tests.passes import world as passes
from tests.passes.google.sandbox_kit import ISSUER, private_key

TIER = ("primary", "tier", "Tier", "{{ tier }}", "Welcome to %@")


def issuer(google: GoogleSandbox, owner: Tenant | None = None, number: str = ISSUER, **changes: Any) -> GoogleIssuer:
    file = google.issue_key(number, "Verdi", key=private_key())
    return GoogleIssuer.objects.create(
        **{
            "tenant": owner or passes.tenant(),
            "name": "Verdi",
            "issuer_id": number,
            "key_file": json.dumps(file),
            "client_email": file["client_email"],
            "api_url": google.url,
            "save_url": google.url,
            **changes,
        }
    )


def template(account: GoogleIssuer, **changes: Any) -> PassTemplate:
    """A published one for both wallets: points with a message, a tier with one."""
    given = {"fields": (passes.POINTS, TIER, passes.NAME), **changes}
    made = passes.template(account.tenant, google=account, **given)
    TemplateImage.objects.create(template=made, role="logo", scale=1, data=passes.png(9))
    return passes.published(made)


def wallet_pass(account: GoogleIssuer, **changes: Any) -> WalletPass:
    return passes.wallet_pass(template(account, **changes), passes.customer(account.tenant, tier="Silver"))


def asked(held: WalletPass) -> GoogleObject:
    """The owner asks for it, and a worker gives it to Google."""
    assert ask(held)
    work()
    return GoogleObject.objects.get(wallet_pass=held)


def added(google: GoogleSandbox, held: WalletPass, name: str = "anna") -> VirtualAndroid:
    """A phone that has it, of which Google has told."""
    asked(held)
    phone = google.phone(name)
    phone.add(Client().get(address(held))["Location"])
    heard(google)
    return phone


def address(held: WalletPass) -> str:
    """What the button on the pass's page leads to."""
    return f"/p/{token_of(held)}/google"


def heard(google: GoogleSandbox) -> list[str]:
    """What became of Google's callbacks."""
    google.callbacks.drain()
    return work()


def body(google: GoogleSandbox, held: WalletPass | GoogleObject) -> dict[str, Any]:
    """What Google has of a pass."""
    row = held if isinstance(held, GoogleObject) else GoogleObject.objects.get(wallet_pass=held)
    return google.store.resources[f"{row.type}Object"][row.object_id]


def voided(held: WalletPass) -> None:
    with transaction.atomic():
        void(held, say("Voided."))


def moved(held: WalletPass, other: PassTemplate) -> None:
    with transaction.atomic():
        move(held, other, say("Moved."))


def outcomes(kind: str) -> list[str]:
    return [str(each.outcome) for each in Event.objects.filter(kind=kind).order_by("pk")]


def work() -> list[str]:
    """Does what is due, and what waits for its class, which takes a worker a moment."""
    said = passes.work()
    while Event.objects.filter(status="waiting", kind="google.pass", outcome__contains="is sent first").update(
        due_at=timezone.now(), outcome=""
    ):
        said += passes.work()
    return said
