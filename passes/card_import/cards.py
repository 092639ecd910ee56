"""One line of another vendor's export as a card: which column is what, and what a card must have. Pure."""

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
VALUE_LIMIT = 10_000
# As they are named with nothing but their letters and digits.
_ALIASES = {
    "serial": ("serialnumber", "serial", "passserialnumber", "passserial", "serienummer", "numerodeserie"),
    "token": ("authenticationtoken", "authtoken", "token"),
    "customer": ("customerkey", "customer", "key", "email", "emailaddress", "mail"),
    "device": ("devicelibraryidentifier", "deviceidentifier", "deviceid", "device"),
    "push_token": ("pushtoken",),
}
NEEDED = {"serial": "serialNumber", "token": "authenticationToken", "customer": "customer"}
SERIAL, CUSTOMER = say("serial number"), say("customer key")
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


def columns_of(names: Sequence[str], shown: frozenset[str]) -> Columns:
    """`shown`: the names of the values that the template shows. Raises NoCards."""
    plain = {_plain(name): name for name in reversed(names)}
    known = {part: plain[found[0]] for part, aliases in _ALIASES.items()
             if (found := [alias for alias in aliases if alias in plain])}  # fmt: skip
    if missing := [name for part, name in NEEDED.items() if part not in known]:
        raise NoCards(
            say("Columns that are missing: %(names)s. The file has: %(found)s.",
                names=missing, found=list(names)[:20])
        )  # fmt: skip
    taken = set(known.values())
    values = {name: name for name in names if name in shown and name not in taken}
    return Columns(known, values, [name for name in names if name not in taken | values.keys()])


def shown_names(design: Any) -> frozenset[str]:
    """The names of the values in a template's design."""
    if isinstance(design, str):
        return names_in(design) if "{{" in design else frozenset()
    parts = design.values() if isinstance(design, Mapping) else design if isinstance(design, list) else ()
    return frozenset[str]().union(*map(shown_names, parts))


def card_of(line: int, cells: Mapping[str, str], columns: Columns) -> Card | Sentence:
    """The card, or why the line makes none."""
    part = {name: cells[column] for name, column in columns.known.items()}
    card = Card(
        line, part["serial"], part["token"], part["customer"], part.get("device", ""), part.get("push_token", ""),
        {name: _value(cells[column]) for name, column in columns.values.items() if cells[column]},
    )  # fmt: skip
    return _problem(card) or card


def _problem(card: Card) -> Sentence | None:
    return next(_problems(card), None)


def _problems(card: Card) -> Iterator[Sentence]:
    for what, text, limit in ((SERIAL, card.serial, SERIAL_LIMIT), (CUSTOMER, card.customer, KEY_LIMIT)):
        if not text:
            yield say("There is no %(what)s.", what=what)
        if len(text) > limit:
            yield say("The %(what)s is longer than %(limit)s signs.", what=what, limit=limit)
        if not text.isprintable():
            yield say("The %(what)s holds a sign that nobody sees.", what=what)
    if not TOKEN_LEAST <= len(card.token) <= TOKEN_MOST:
        yield say("The token has %(found)s signs. Apple's cards have at least %(least)s.",
                  found=len(card.token), least=TOKEN_LEAST)  # fmt: skip
    if not (card.token.isascii() and card.token.isprintable()):
        yield say("The token holds a sign that no phone can send.")
    if bool(card.device) != bool(card.push_token):
        yield say("A phone needs both its device identifier and its push token.")
    if card.device and not (is_device_id(card.device) and is_push_token(card.push_token)):
        yield say("The device identifier or the push token is not one of an iPhone.")


def _value(cell: str) -> Any:
    """A whole number as such, so that the same number from the profile is no change; anything else is text."""
    return int(cell) if _NUMBER.fullmatch(cell) else cell[:VALUE_LIMIT]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower().replace("é", "e"))
