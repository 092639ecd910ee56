"""Golden passes: what a template and a customer's values make, as a phone gets it. One file for each style and feature.

A file holds the template's own options, the rows of its parts by name, the customer's values, pass.json without what
says which pass it is, and what the virtual iPhone ignores of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from passes.apple.bundle import build
from passes.apple.sandbox import inspect
from passes.findings import Severity
from passes.inspection import inspect_template
from passes.models import PassTemplate
from tests.passes import world

pytestmark = pytest.mark.django_db

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
IDENTITY = {
    "formatVersion", "passTypeIdentifier", "teamIdentifier", "serialNumber", "authenticationToken", "webServiceURL",
    "organizationName", "description", "backgroundColor", "foregroundColor", "labelColor",
}  # fmt: skip


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


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_pass_is_as_it_was_agreed(path: Path, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://wallet.example.com"
    case = json.loads(path.read_text())
    template = template_of(case)
    held = world.wallet_pass(template, world.customer(**case.get("values", {})))
    findings = inspect_template(template)
    assert [finding for finding in findings if finding.severity == Severity.ERROR] == []

    checked = inspect(build(held), world.authority().root)

    assert {key: value for key, value in checked.document.items() if key not in IDENTITY} == case["pass"]
    assert checked.notices == case.get("ignored", [])
    assert findings or not checked.notices, "what a phone leaves out, the linter has told"
