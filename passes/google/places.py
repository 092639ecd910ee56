"""Where each field of the neutral design stands on Google's card.

Decided by the design alone, never by a customer's values: the layout is part of the class, which all passes share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from passes.google.names import type_of

Field = Mapping[str, Any]

ROWS, COLUMNS = 3, 3
FRONT = ("header", "primary", "secondary", "auxiliary")
# How the places share the rows, from the loosest to the closest; the first that needs three rows at most is taken.
_GROUPINGS = (
    (("header",), ("primary",), ("secondary",), ("auxiliary",)),
    (("header",), ("primary",), ("secondary", "auxiliary")),
    (("header", "primary"), ("secondary", "auxiliary")),
    (FRONT,),
)
_COUNTED = ("primary", "header", "secondary", "auxiliary")  # where the points are looked for first
_NUMBERS = frozenset({"number", "currency"})


@dataclass(frozen=True)
class Places:
    """`header`: of a generic pass. `points`: up to two, of a loyalty card. `balance`: of a gift card.

    `rows`: what the card shows, `left_over`: what its rows have no room for, `modules`: the fields that are text
    modules, those of the details first, because Google shows ten.
    """

    header: Field | None
    points: list[Field]
    balance: Field | None
    rows: list[list[Field]]
    left_over: list[Field]
    modules: list[Field]


def places_of(design: Mapping[str, Any]) -> Places:
    """Of a design, or of the content that was made of it."""
    fields: list[Field] = design["fields"]
    name, front = type_of(design), {place: [f for f in fields if f["place"] == place] for place in FRONT}
    header = next(iter(front["primary"]), None) if name == "generic" else None
    counted = [field for place in _COUNTED for field in front[place] if field.get("format") in _NUMBERS]
    points = counted[:2] if name == "loyalty" else []
    balance = next((f for f in counted if f["format"] == "currency"), None) if name == "giftCard" else None
    titled = [field for field in (header, balance) if field is not None]  # Google shows them above the rows
    shown = {place: [field for field in each if field not in titled] for place, each in front.items()}
    rows, left_over = _rows(shown)
    typed = [*titled, *points]
    back = [field for field in fields if field["place"] not in FRONT]
    modules = [*back, *(f for f in chain.from_iterable(shown.values()) if f not in typed)]
    return Places(header, points, balance, rows, left_over, modules)


def path_of(field: Field, places: Places) -> str:
    """Where a row of the card finds the field. Google shows its label above."""
    for name, typed in zip(("loyaltyPoints", "secondaryLoyaltyPoints"), places.points, strict=False):
        if typed is field:
            return f"object.{name}.balance"
    return f"object.textModulesData['{field['key']}']"


def _rows(shown: Mapping[str, list[Field]]) -> tuple[list[list[Field]], list[Field]]:
    for grouping in _GROUPINGS:
        groups = [[field for place in group for field in shown[place]] for group in grouping]
        rows = [row for group in groups for row in _even(group)]
        if len(rows) <= ROWS:
            return rows, []
    every = list(chain.from_iterable(shown.values()))
    room = ROWS * COLUMNS
    return [every[start : start + COLUMNS] for start in range(0, room, COLUMNS)], every[room:]


def _even(group: list[Field]) -> Iterable[list[Field]]:
    """Four fields are two rows of two."""
    count = -(-len(group) // COLUMNS)
    start = 0
    for number in range(count):
        end = start + -(-(len(group) - start) // (count - number))
        yield group[start:end]
        start = end
