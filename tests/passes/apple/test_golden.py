"""Golden passes: what a template and a customer's values make, as a phone gets it. One file for each style and feature.

A file holds the template's own options, the rows of its parts by name, the customer's values, pass.json without what
says which pass it is, and what the virtual iPhone ignores of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from passes.apple.bundle import build
from passes.apple.sandbox import inspect
from passes.findings import Severity
from passes.inspection import inspect_template
from tests.passes import world
from tests.passes.apple.golden_kit import GOLDEN, case_of, pass_of, template_of

pytestmark = pytest.mark.django_db

IDENTITY = {
    "formatVersion", "passTypeIdentifier", "teamIdentifier", "serialNumber", "authenticationToken", "webServiceURL",
    "organizationName", "description", "backgroundColor", "foregroundColor", "labelColor",
}  # fmt: skip


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_pass_is_as_it_was_agreed(path: Path, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://wallet.example.com"
    case = case_of(path)
    template = template_of(case)
    held = pass_of(case, template)
    findings = inspect_template(template)
    assert [finding for finding in findings if finding.severity == Severity.ERROR] == []

    checked = inspect(build(held), world.authority().root)

    assert {key: value for key, value in checked.document.items() if key not in IDENTITY} == case["pass"]
    assert checked.notices == case.get("ignored", [])
    assert findings or not checked.notices, "what a phone leaves out, the linter has told"
