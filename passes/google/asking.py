"""A pass comes to Google when its owner first asks for it: most customers never do, and each object costs calls."""

from __future__ import annotations

from django.db import transaction

from passes.delivery import GOOGLE_PASS
from passes.google.names import type_of
from passes.models import GoogleIssuer, GoogleObject, WalletPass
from portal import ledger

GOOGLE_CLASS, GOOGLE_MESSAGE = "google.class", "google.message"
GOOGLE_RETIRE, GOOGLE_CALLBACK = "google.retire", "google.callback"


def ask(wallet_pass: WalletPass) -> GoogleObject | None:
    """What Google has of the pass, asked for now where it has nothing; None where the template is not for Google."""
    issuer = wallet_pass.template.google
    if issuer is None:
        return None
    held = GoogleObject.objects.filter(wallet_pass=wallet_pass).select_related("issuer").first()
    if held is not None:
        return held
    with transaction.atomic():
        type_ = type_of(wallet_pass.content)
        held, created = GoogleObject.objects.get_or_create(
            wallet_pass=wallet_pass,
            defaults={
                "tenant_id": wallet_pass.tenant_id,
                "issuer": issuer,
                "type": type_,
                "object_id": object_id(issuer, wallet_pass, 1),
            },
        )
        if created:
            ledger.record(
                tenant_id=wallet_pass.tenant_id, lane_id=issuer.lane_id, kind=GOOGLE_PASS,
                subject=held.subject, payload={"pass": wallet_pass.pk}, source="portal",
            )  # fmt: skip
    return held


def object_id(issuer: GoogleIssuer, wallet_pass: WalletPass, generation: int) -> str:
    """The serial number says nothing of the customer, and no other installation makes the same."""
    counted = f"-{generation}" if generation > 1 else ""
    return f"{issuer.issuer_id}.{wallet_pass.serial_number.hex}{counted}"


def next_generation(held: GoogleObject, issuer: GoogleIssuer, type_: str) -> None:
    """The pass has a new object from now on, which Google does not know yet."""
    held.generation += 1
    held.issuer, held.type = issuer, type_
    held.object_id = object_id(issuer, held.wallet_pass, held.generation)
    held.class_id, held.sent, held.sent_hash, held.sent_at, held.told = "", None, "", None, {}
    held.imported = held.keeps_class = False
    held.save()
