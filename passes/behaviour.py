"""What a pass does beside showing fields: how long it is valid, when it appears, what it offers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from passes.apple.additions import fitted
from passes.filling import ContentError, Filling
from passes.google.additions import filled as google_additions
from portal.sentences import say

NFC_BYTES = 64  # iOS cuts a longer message without a word, and the terminal reads another number


def behaviour(design: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    """The parts of a design that hold expressions, filled in. What is empty for this customer is left out."""
    filled = {name: fill(design[name], filling) for name, fill in _FILLS.items() if name in design}
    filled["google"] = google_additions(design, filling)
    return {name: value for name, value in filled.items() if value}


def _expires(expression: str, filling: Filling) -> str:
    return filling.moment(say("Valid until"), expression, end=True)[0]


def _grouping(expression: str, filling: Filling) -> str:
    return filling.text(say("Group"), expression)


def _app_link(expression: str, filling: Filling) -> str:
    return filling.text(say("Link into the app"), expression)


def _moments(rows: list[Mapping[str, str]], filling: Filling) -> list[dict[str, str]]:
    return [moment for row in rows if (moment := _moment(row, filling))]


def _moment(row: Mapping[str, str], filling: Filling) -> dict[str, str]:
    """A day lasts to its end."""
    starts, day = filling.moment(say("Time"), row["starts"])
    ends, _ = filling.moment(say("Time"), row.get("ends") or (row["starts"] if day else ""), end=True)
    return {name: moment for name, moment in (("starts", starts), ("ends", ends)) if moment} if starts else {}


def _actions(rows: list[Mapping[str, str]], filling: Filling) -> list[dict[str, str]]:
    filled = ({"kind": row["kind"], "target": filling.text(say("Button"), row["target"])} for row in rows)
    return [action for action in filled if action["target"]]


def _nfc(nfc: Mapping[str, Any], filling: Filling) -> dict[str, Any] | None:
    message = filling.text(say("NFC message"), nfc["message"])
    if len(message.encode()) > NFC_BYTES:
        raise ContentError(say("“%(part)s”: the value is longer than 64 bytes.", part=say("NFC message")))
    return {**nfc, "message": message} if message else None


def _additions(additions: Any, filling: Filling) -> Any:
    part = say("Additions to pass.json")
    return fitted(part, filling.tree(part, additions), "Pass", filling.zone)


_FILLS: dict[str, Callable[[Any, Filling], Any]] = {
    "expires": _expires,
    "grouping": _grouping,
    "app_link": _app_link,
    "moments": _moments,
    "actions": _actions,
    "nfc": _nfc,
    "apple": _additions,
}
EXPRESSED = frozenset({*_FILLS, "google"})
