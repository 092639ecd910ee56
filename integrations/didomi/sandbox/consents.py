"""How events become a person's status: pure functions over Didomi's consents.

Consents are `{"channels": [{"id", "enabled"}], "purposes": [{"id", "enabled", "values", …}], "vendors": {…}, "tcfcs"}`.
An event is a partial update: what it does not name stays as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
VENDOR_LISTS = (("enabled", "disabled"), ("enabled_li", "disabled_li"))
_FLAGS = ("enabled", "enabled_li")
_LISTS = ("channels", "preferences")


def nothing() -> Json:
    vendors: Json = {"enabled": [], "disabled": [], "enabled_li": [], "disabled_li": []}
    return {"channels": [], "purposes": [], "vendors": vendors, "tcfcs": None}


def status(updates: Iterable[Mapping[str, Any]], null_clears: bool) -> Json:
    """The status that updates lead to, the oldest first."""
    found = nothing()
    for update in updates:
        merge(found, update, null_clears)
    return found


def merge(found: Json, update: Mapping[str, Any], null_clears: bool) -> None:
    """Lays an event's consents over a status, in place."""
    for part in ("channels", "purposes"):
        _merge_list(found[part], update.get(part) or [], null_clears)
    _merge_vendors(found["vendors"], update.get("vendors") or {})
    if update.get("tcfcs") is not None:
        found["tcfcs"] = update["tcfcs"]


def _merge_list(found: list[Json], update: Iterable[Mapping[str, Any]], null_clears: bool) -> None:
    known = {item["id"]: item for item in found}
    for each in update:
        if each["id"] not in known:
            known[each["id"]] = {"id": each["id"], "enabled": None}
            found.append(known[each["id"]])
        _merge_item(known[each["id"]], each, null_clears)


def _merge_item(found: Json, update: Mapping[str, Any], null_clears: bool) -> None:
    for name, value in update.items():
        if name in _FLAGS:
            if value is not None or null_clears:
                found[name] = value
        elif name in _LISTS:
            _merge_list(found.setdefault(name, []), value or [], null_clears)
        elif name in {"values", "metadata"}:
            found[name] = {**found.get(name, {}), **copy.deepcopy(dict(value or {}))}
        else:
            found[name] = copy.deepcopy(value)


def _merge_vendors(found: Json, update: Mapping[str, Any]) -> None:
    """A vendor stands in one of two lists that exclude each other."""
    for pair in VENDOR_LISTS:
        for name, other in (pair, pair[::-1]):
            for vendor in update.get(name) or []:
                found[other] = [each for each in found[other] if each != vendor]
                if vendor not in found[name]:
                    found[name].append(vendor)
