"""References of a class's template to fields: `object.textModulesData['tier']`, `class.programName`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_STEP = re.compile(r"\.?([A-Za-z]\w*)|\['([^']*)'\]|\[(\d+)\]")
# The labels that Google itself gives, where the class has none of its own.
_LABELS = {
    "accountName": "Member name", "accountId": "Member ID", "rewardsTier": "Tier", "secondaryRewardsTier": "Tier",
    "balance": "Balance", "cardNumber": "Card number", "provider": "Provider", "seat": "Seat", "row": "Row",
    "section": "Section", "gate": "Gate", "start": "Date", "ticketHolderName": "Ticket holder",
}  # fmt: skip


class Shown(NamedTuple):
    """A label, empty where Google shows none, and the text below it."""

    label: str
    text: str


def resolved(facts: Mapping[str, Any], path: str, language: str) -> Shown | None:
    """What a card shows for a path in {"class": …, "object": …}; None for what is empty or not there."""
    steps = list(_STEP.finditer(path))
    if "".join(step[0] for step in steps) != path:
        return None
    holder: Any = None
    found: Any = facts
    for step in steps:
        holder, found = found, _stepped(found, step)
    key = steps[-1][1] or "" if steps else ""
    shown = _shown(facts, holder, key, found, language)
    return shown if shown.text else None


def spoken(text: Any, language: str) -> str:
    """A LocalizedString in the phone's language, or in its default."""
    if not isinstance(text, Mapping):
        return ""
    said = [text.get("defaultValue", {}), *text.get("translatedValues", [])]
    fit = [each for each in said if str(each.get("language", "")).split("-")[0].lower() == language]
    return str((fit or said)[0].get("value", ""))


def translated(holder: Mapping[str, Any], key: str, language: str) -> str:
    """`foo`, or `localizedFoo` where it is given."""
    localised = holder.get(f"localized{key[:1].upper()}{key[1:]}")
    if localised:
        return spoken(localised, language)
    value = holder.get(key)
    return spoken(value, language) if isinstance(value, Mapping) else "" if value is None else str(value)


def _stepped(found: Any, step: re.Match[str]) -> Any:
    name, ident, index = step.groups()
    if isinstance(found, list):
        if ident is not None:
            return next((each for each in found if isinstance(each, Mapping) and each.get("id") == ident), None)
        return found[int(index)] if index is not None and int(index) < len(found) else None
    return found.get(name) if isinstance(found, Mapping) and name else None


def _shown(facts: Mapping[str, Any], holder: Any, key: str, found: Any, language: str) -> Shown:
    if isinstance(found, Mapping) and ("body" in found or "localizedBody" in found):
        return Shown(translated(found, "header", language), translated(found, "body", language))
    if isinstance(found, Mapping) and "balance" in found:
        return Shown(translated(found, "label", language), _value(found["balance"], language))
    text = translated(holder, key, language) if isinstance(found, str) and isinstance(holder, Mapping) else ""
    return Shown(_label(facts["class"], holder, key, language), text or _value(found, language))


def _label(parent: Mapping[str, Any], holder: Any, key: str, language: str) -> str:
    """The label of points stands beside their balance, that of an account or a tier in the class."""
    if key == "balance" and isinstance(holder, Mapping) and "label" in holder:
        return translated(holder, "label", language)
    return translated(parent, f"{key}Label", language) or _LABELS.get(key, "")


def _value(found: Any, language: str) -> str:
    if not isinstance(found, Mapping):
        return "" if found is None or isinstance(found, list) else str(found)
    if "defaultValue" in found:
        return spoken(found, language)
    if "micros" in found:
        return f"{int(found['micros']) / 1_000_000:.2f} {found.get('currencyCode', '')}".strip()
    if "date" in found:
        return str(found["date"])
    return " ".join(
        filter(None, (_value(found[each], language) for each in ("string", "int", "double", "money") if each in found))
    )
