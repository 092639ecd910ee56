"""One line of another vendor's export as a card: which column is what, and what a card must have. Pure.

A line names a card in Apple Wallet, an object in Google Wallet, or both of one customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from passes.apple.service import is_device_id, is_push_token
from passes.expressions import names_in
from portal.customers import KEY_LIMIT
from portal.sentences import Explained, Sentence, say

SERIAL_LIMIT, TOKEN_LEAST, TOKEN_MOST = 255, 16, 1_000
OBJECT_LIMIT = 150
VALUE_LIMIT = 10_000
# As they are named with nothing but their letters and digits.
_ALIASES = {
    "serial": ("serialnumber", "serial", "passserialnumber", "passserial", "serienummer", "numerodeserie"),
    "token": ("authenticationtoken", "authtoken", "token"),
    "customer": ("customerkey", "customer", "key", "email", "emailaddress", "mail"),
    "device": ("devicelibraryidentifier", "deviceidentifier", "deviceid", "device"),
    "push_token": ("pushtoken",),
    "google": ("googleobjectid", "googleobject", "googleid", "googlepassid", "objectid"),
}
_NAMED = {"serial": "serialNumber", "token": "authenticationToken", "google": "googleObjectId", "customer": "customer"}
APPLE, GOOGLE = "apple", "google"
SERIAL, CUSTOMER, OBJECT = say("serial number"), say("customer key"), say("Google object ID")
# An issuer's number before the first dot; what is shorter is taken for a part of a suffix.
_ISSUER = re.compile(r"([0-9]{16,19})\.(.*)", re.DOTALL)
_SUFFIX = re.compile(r"[A-Za-z0-9._-]+")  # developers.google.com/wallet/reference/rest, `id` of objects
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})")


class NoCards(Explained):
    """The file has no column for something that every card must have."""


@dataclass(frozen=True)
class Columns:
    """Which column of the file is what."""

    known: Mapping[str, str]  # "serial" -> the column's name
    values: Mapping[str, str]  # the name of a value that the template shows -> the column's name
    unused: Sequence[str]


@dataclass(frozen=True)
class Card:
    line: int
    serial: str
    token: str = field(repr=False)
    customer: str
    device: str = ""
    push_token: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    google: str = ""  # the whole ID of an object

    @property
    def names(self) -> dict[str, str]:
        """What identifies it, by wallet."""
        return {wallet: name for wallet, name in ((APPLE, self.serial), (GOOGLE, self.google)) if name}

    @property
    def is_for_apple(self) -> bool:
        return not self.google or any((self.serial, self.token, self.device, self.push_token))


@dataclass(frozen=True)
class Home:
    """What of the template concerns cards: whether it has a certificate, and the number of its Google issuer."""

    has_certificate: bool
    issuer_id: str = ""


def columns_of(names: Sequence[str], shown: frozenset[str], home: Home) -> Columns:
    """`shown`: the names of the values that the template shows. Raises NoCards."""
    plain = {_plain(name): name for name in reversed(names)}
    known = {part: plain[found[0]] for part, aliases in _ALIASES.items()
             if (found := [alias for alias in aliases if alias in plain])}  # fmt: skip
    if missing := [_NAMED[part] for part in _needed(known, home) if part not in known]:
        raise NoCards(
            say("Columns that are missing: %(names)s. The file has: %(found)s.",
                names=missing, found=list(names)[:20])
        )  # fmt: skip
    taken = set(known.values())
    values = {name: name for name in names if name in shown and name not in taken}
    return Columns(known, values, [name for name in names if name not in taken | values.keys()])


def _needed(known: Mapping[str, str], home: Home) -> tuple[str, ...]:
    """Serial number and token go together; a file of Google's objects does without."""
    for_apple = "serial" in known or "token" in known or (home.has_certificate and "google" not in known)
    return ("serial", "token", "customer") if for_apple else ("google", "customer")


def shown_names(design: Any) -> frozenset[str]:
    """The names of the values in a template's design."""
    if isinstance(design, str):
        return names_in(design) if "{{" in design else frozenset()
    parts = design.values() if isinstance(design, Mapping) else design if isinstance(design, list) else ()
    return frozenset[str]().union(*map(shown_names, parts))


def card_of(line: int, cells: Mapping[str, str], columns: Columns, home: Home) -> Card | Sentence:
    """The card, or why the line makes none."""
    part = {name: cells[column] for name, column in columns.known.items()}
    card = Card(
        line, part.get("serial", ""), part.get("token", ""), part["customer"],
        part.get("device", ""), part.get("push_token", ""),
        {name: _value(cells[column]) for name, column in columns.values.items() if cells[column]},
        object_id(part.get("google", ""), home.issuer_id),
    )  # fmt: skip
    if "google" in columns.known and not card.names:
        return say("There is neither a serial number nor a Google object ID.")
    return _problem(card) or lacking(card, home) or card


def object_id(given: str, issuer_id: str) -> str:
    """The whole ID of an object, of which the file may have the suffix alone."""
    return given if not given or not issuer_id or _ISSUER.fullmatch(given) else f"{issuer_id}.{given}"


def lacking(card: Card, home: Home) -> Sentence | None:
    """What the template would have to have for the card."""
    if card.serial and not home.has_certificate:
        return say("The template has no Apple certificate, which a serial number needs.")
    if not card.google:
        return None
    if not home.issuer_id:
        return say("The template has no Google issuer, which a Google object needs.")
    issuer_id = card.google.partition(".")[0]
    if issuer_id != home.issuer_id:
        return say("The Google object is of issuer %(found)s, and the template of issuer %(wanted)s.",
                   found=issuer_id, wanted=home.issuer_id)  # fmt: skip
    return None


def _problem(card: Card) -> Sentence | None:
    return next(_problems(card), None)


def _problems(card: Card) -> Iterator[Sentence]:
    yield from _text_problems(CUSTOMER, card.customer, KEY_LIMIT)
    if card.is_for_apple:
        yield from _apple_problems(card)
    if card.google:
        yield from _google_problems(card.google)


def _text_problems(what: Sentence, text: str, limit: int) -> Iterator[Sentence]:
    if not text:
        yield say("There is no %(what)s.", what=what)
    if len(text) > limit:
        yield say("The %(what)s is longer than %(limit)s signs.", what=what, limit=limit)
    if not text.isprintable():
        yield say("The %(what)s holds a sign that nobody sees.", what=what)


def _apple_problems(card: Card) -> Iterator[Sentence]:
    yield from _text_problems(SERIAL, card.serial, SERIAL_LIMIT)
    if not TOKEN_LEAST <= len(card.token) <= TOKEN_MOST:
        yield say("The token has %(found)s signs. Apple's cards have at least %(least)s.",
                  found=len(card.token), least=TOKEN_LEAST)  # fmt: skip
    if not (card.token.isascii() and card.token.isprintable()):
        yield say("The token holds a sign that no phone can send.")
    if bool(card.device) != bool(card.push_token):
        yield say("A phone needs both its device identifier and its push token.")
    if card.device and not (is_device_id(card.device) and is_push_token(card.push_token)):
        yield say("The device identifier or the push token is not one of an iPhone.")


def _google_problems(name: str) -> Iterator[Sentence]:
    yield from _text_problems(OBJECT, name, OBJECT_LIMIT)
    whole = _ISSUER.fullmatch(name)
    if not _SUFFIX.fullmatch(whole[2] if whole else name):
        yield say("Google's object IDs have letters, digits, dots, _ and - only.")


def _value(cell: str) -> Any:
    """A whole number as such, so that the same number from the profile is no change; anything else is text."""
    return int(cell) if _NUMBER.fullmatch(cell) else cell[:VALUE_LIMIT]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower().replace("é", "e"))
