"""What a virtual phone keeps: cards, lock-screen entries, and the file that carries both over a restart."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from cryptography import x509

from passes.apple.sandbox.checks import CheckedPass, PassRefused, inspect
from passes.apple.sandbox.fields import flat_values
from passes.apple.sandbox.webservice import Registered

CardId = tuple[str, str]
SCREEN_LIMIT = 200


class ScreenEntry(TypedDict):
    """One notification on the lock screen; `at` is in seconds since the epoch."""

    at: float
    serial: str
    title: str
    text: str


@dataclass
class Card:
    """An added pass. `last_modified` is what the web service last said; `registered` whether it knows this phone."""

    checked: CheckedPass
    fetched_at: float
    last_modified: str | None = None
    registered: bool = False

    @property
    def document(self) -> dict[str, Any]:
        return self.checked.document

    @property
    def identity(self) -> CardId:
        return self.document["passTypeIdentifier"], self.document["serialNumber"]

    @property
    def registration(self) -> Registered | None:
        """None for a pass without a web service: it never changes."""
        url = self.document.get("webServiceURL")
        return Registered(url, *self.identity, self.document["authenticationToken"]) if url else None

    def summary(self) -> dict[str, Any]:
        """{"pass_type", "serial", "organization", "fields": {key: value}, "voided", "fetched_at", "registered", …}"""
        return {
            "pass_type": self.identity[0],
            "serial": self.identity[1],
            "organization": self.document["organizationName"],
            "fields": flat_values(self.document),
            "voided": bool(self.document.get("voided")),
            "fetched_at": self.fetched_at,
            "registered": self.registered,
            "notices": self.checked.notices,
        }


@dataclass
class Wallet:
    """The whole memory of one phone. `tags` is the web service's last update tag by (address, pass type)."""

    device: str = field(default_factory=lambda: secrets.token_hex(16))
    push_token: str = field(default_factory=lambda: secrets.token_hex(32))
    language: str = "en"
    cards: dict[CardId, Card] = field(default_factory=dict)
    tags: dict[CardId, str] = field(default_factory=dict)
    screen: list[ScreenEntry] = field(default_factory=list)


def load(path: Path, root: x509.Certificate, *, allow_http: bool) -> Wallet:
    """The stored wallet, or a new phone's. Cards that a phone would no longer accept are left out."""
    if not path.exists():
        return Wallet()
    stored = json.loads(path.read_text())
    wallet = Wallet(stored["device"], stored["push_token"], stored["language"], screen=stored["screen"])
    wallet.tags = {(url, pass_type): tag for url, pass_type, tag in stored["tags"]}
    for entry in stored["cards"]:
        try:
            checked = inspect(base64.b64decode(entry.pop("data")), root, allow_http=allow_http)
        except PassRefused:
            continue
        card = Card(checked, **entry)
        wallet.cards[card.identity] = card
    return wallet


def save(path: Path, wallet: Wallet) -> None:
    """Written beside and moved into place, so that a kill leaves the old file or the new one."""
    stored = {
        "device": wallet.device,
        "push_token": wallet.push_token,
        "language": wallet.language,
        "screen": wallet.screen,
        "tags": [[*where, tag] for where, tag in wallet.tags.items()],
        "cards": [_stored_card(card) for card in wallet.cards.values()],
    }
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(stored))
    os.replace(draft, path)


def _stored_card(card: Card) -> dict[str, Any]:
    return {
        "data": base64.b64encode(card.checked.data).decode(),
        "fetched_at": card.fetched_at,
        "last_modified": card.last_modified,
        "registered": card.registered,
    }
