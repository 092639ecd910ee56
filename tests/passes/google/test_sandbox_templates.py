"""What the portal makes of each kind of template, the sandbox takes as Google would, and a phone lays out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passes.content import render
from passes.google.resources import Resources
from passes.google.sandbox import GoogleSandbox
from tests.passes.google.sandbox_kit import Account, save_token
from tests.passes.google.test_resources import GOLDEN, ISSUER, made

# Customers without a value that their card has a place for, and how many places.
EMPTY = {"generic": 1, "voided_loyalty_without_values": 2}


def found_for(path: Path) -> Resources:
    known = json.loads(path.read_text())
    return made(render(known["design"], known["values"], voided=known.get("voided", False)).data)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_kind_of_template_reaches_a_phone(google: GoogleSandbox, path: Path) -> None:
    account, made_of_it = Account(google, ISSUER), found_for(path)
    sent: dict[str, Any] = {"Class": made_of_it.class_, "Object": made_of_it.object_}
    for what, body in sent.items():
        taken = account.call("POST", f"{made_of_it.type}{what}", body)
        assert taken.status_code == 200, taken.text
        again = account.call("PATCH", f"{made_of_it.type}{what}/{body['id']}", body)
        assert again.status_code == 200, again.text

    named = {f"{made_of_it.type}Objects": [{"id": made_of_it.object_["id"], "classId": made_of_it.class_["id"]}]}
    google.phone("anna").add(f"{google.save_url}/{save_token(account.file, named)}")

    [card] = google.phone("anna").cards()
    assert card.title
    assert card.issuer == "Verdi" or path.stem in {"generic", "flight"}
    assert len([each for each in card.notices if "names nothing" in each]) == EMPTY.get(path.stem, 0)
    assert card.barcode is None or card.barcode.text == made_of_it.object_["barcode"]["value"]
