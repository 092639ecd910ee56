"""What a pass does beside showing fields: how long it is valid, when it appears, what it offers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.apple.additions import fitted
from passes.filling import ContentError, Filling
from portal.sentences import say

EXPRESSED = frozenset({"expires", "grouping", "app_link", "moments", "actions", "nfc", "apple"})
NFC_BYTES = 64  # iOS cuts a longer message without a word, and the terminal reads another number


def behaviour(design: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    """The parts of a design that hold expressions, filled in. What is empty for this customer is left out."""
    return {name: value for name, value in _parts(design, filling) if value}


def _parts(design: Mapping[str, Any], filling: Filling) -> Iterator[tuple[str, Any]]:
    yield "expires", filling.moment(say("Valid until"), design.get("expires", ""), end=True)[0]
    yield "grouping", filling.text(say("Group"), design.get("grouping", ""))
    yield "app_link", filling.text(say("Link into the app"), design.get("app_link", ""))
    yield "moments", [moment for row in design.get("moments", []) if (moment := _moment(row, filling))]
    yield "actions", [action for row in design.get("actions", []) if (action := _action(row, filling))["target"]]
    yield "nfc", _nfc(design.get("nfc"), filling)
    yield "apple", _additions(design.get("apple"), filling)


def _additions(additions: Any, filling: Filling) -> Any:
    part = say("Additions to pass.json")
    return fitted(part, filling.tree(part, additions), "Pass", filling.zone) if additions else None


def _moment(row: Mapping[str, str], filling: Filling) -> dict[str, str]:
    """A day lasts to its end."""
    starts, day = filling.moment(say("Time"), row["starts"])
    ends, _ = filling.moment(say("Time"), row.get("ends") or (row["starts"] if day else ""), end=True)
    return {name: moment for name, moment in (("starts", starts), ("ends", ends)) if moment} if starts else {}


def _action(row: Mapping[str, str], filling: Filling) -> dict[str, str]:
    return {"kind": row["kind"], "target": filling.text(say("Button"), row["target"])}


def _nfc(nfc: Mapping[str, Any] | None, filling: Filling) -> dict[str, Any] | None:
    message = filling.text(say("NFC message"), nfc["message"]) if nfc else ""
    if len(message.encode()) > NFC_BYTES:
        raise ContentError(say("“%(part)s”: the value is longer than 64 bytes.", part=say("NFC message")))
    return {**nfc, "message": message} if nfc and message else None
