"""The golden passes as rows: a template with what its file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from passes.models import PassTemplate, WalletPass
from tests.passes import world

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def case_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def pass_of(case: dict[str, Any], template: PassTemplate) -> WalletPass:
    return world.wallet_pass(template, world.customer(**case.get("values", {})))


def template_of(case: dict[str, Any]) -> PassTemplate:
    made = world.template(fields=[], **case.get("template", {}))
    for name, rows in case.get("parts", {}).items():
        for position, row in enumerate(rows):
            ordered = {"position": position} if name == "fields" else {}
            getattr(made, name).create(**ordered, **row)
    if made.nfc_message:
        allow_nfc(made)
    if made.poster:
        made.images.create(role="background", data=world.png())
    return made


def allow_nfc(template: PassTemplate) -> None:
    """Gives the template a certificate of the kind that Apple grants on request."""
    issued = world.authority().issue_pass_certificate(world.PASS_TYPE, world.TEAM, "Example Coffee", nfc=True)
    assert template.apple
    template.apple.certificate, template.apple.private_key = issued.certificate_pem, issued.private_key_pem
    template.apple.save()
