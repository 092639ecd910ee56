"""The card that is measured: five pictures of 120 KB together, a pass.json of 1.7 KB, a key of RSA-2048."""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passes.apple.sandbox import Authority, Credentials
    from passes.models import PassTemplate, WalletPass

PASS_TYPE, TEAM = "pass.com.example.bench", "TEAM123456"
# Noise, which no compression makes smaller: sides in pixels, 120 KB in all.
PICTURES = {
    ("icon", 1): (38, 38),
    ("icon", 2): (76, 76),
    ("logo", 1): (160, 50),
    ("logo", 2): (200, 64),
    ("strip", 1): (288, 108),
}
FIELDS = (
    ("header", "points", "Points", "{{ points }}", "You now have %@ points"),
    ("primary", "tier", "Tier", "{{ tier }}", "Welcome to %@"),
    ("secondary", "member", "Member", "{{ first_name }} {{ last_name }}", ""),
    ("secondary", "since", "Member since", "{{ since }}", ""),
    ("auxiliary", "balance", "Balance", "{{ balance }}", "Your balance is now %@"),
    ("back", "number", "Card number", "{{ card_number }}", ""),
    ("back", "terms", "Terms", "Points are valid for two years after the purchase that they were given for.", ""),
    ("back", "service", "Service", "Call +32 2 555 01 23, on working days from nine to five.", ""),
)
VALUES = {
    "points": 1200, "tier": "Gold", "first_name": "Anna", "last_name": "Peeters", "since": "2021", "balance": "12.50",
    "card_number": "4006381333931",
}  # fmt: skip


@cache
def authority() -> Authority:
    from passes.apple.sandbox import Authority  # noqa: PLC0415 - after setup

    return Authority(None)


@cache
def credentials() -> Credentials:
    return authority().issue_pass_certificate(PASS_TYPE, TEAM, "Example Coffee", 365)


def picture(width: int, height: int) -> bytes:
    """A grey PNG of noise."""
    noise = random.Random(width * height)
    rows = b"".join(b"\0" + noise.randbytes(width * 2) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def template() -> PassTemplate:
    """A published template, with its brand and its certificate. Django must be set up, the database migrated."""
    from passes.design import design_of  # noqa: PLC0415 - after setup
    from passes.models import AppleCredentials, PassTemplate, TemplateField, TemplateImage  # noqa: PLC0415
    from portal.models import Tenant  # noqa: PLC0415

    brand = Tenant.objects.create(slug="bench", name="Bench")
    made = PassTemplate.objects.create(
        tenant=brand, name="Card", organization_name="Example Coffee", description="Loyalty card",
        carries_messages=False,
        barcode_format="qr", barcode_message="{{ card_number }}", barcode_text="{{ card_number }}",
        apple=AppleCredentials.objects.create(
            tenant=brand, name="Cards", pass_type_identifier=PASS_TYPE, team_identifier=TEAM,
            certificate=credentials().certificate_pem, private_key=credentials().private_key_pem,
            intermediate=credentials().intermediate_pem, apns_authority=authority().root_pem,
        ),
    )  # fmt: skip
    for position, (place, key, label, expression, message) in enumerate(FIELDS):
        TemplateField.objects.create(
            template=made, position=position, place=place, key=key, label=label, expression=expression,
            change_message=message,
        )  # fmt: skip
    for (role, scale), sides in PICTURES.items():
        TemplateImage.objects.create(template=made, role=role, scale=scale, data=picture(*sides))
    made.published = design_of(made)
    made.save()
    return made


def card(design: PassTemplate, key: str = "anna@example.com") -> WalletPass:
    from django.db import transaction  # noqa: PLC0415 - after setup

    from passes.refresh import issue  # noqa: PLC0415
    from portal import ledger  # noqa: PLC0415
    from portal.models import Customer, Event  # noqa: PLC0415

    holder = Customer.objects.create(tenant=design.tenant, key=key, values=VALUES)
    cause = Event.objects.create(
        tenant=design.tenant, lane_id=ledger.lane_id_for(design.tenant_id), kind="customer.changed/passes", subject=key,
        source="bench",
    )  # fmt: skip
    with transaction.atomic():
        made = issue(design, holder, cause=cause)
    if made is None:
        raise RuntimeError("The customer has a pass already.")
    return made
