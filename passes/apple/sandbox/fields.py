"""Fields of a pass: checks, what a person reads in them, and which of them changed between two versions.

Source: developer.apple.com/documentation/walletpasses/passfieldcontent
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passes.apple.sandbox import keys
from passes.apple.sandbox.semantics import check_semantics

Document = dict[str, Any]
Strings = dict[str, str]
UNNAMED_CHANGE = "Pass updated"
_NO_STYLE = "PKDateStyleNone"
_CURRENCY = re.compile(r"[A-Z]{3}")
_LINKED = re.compile(r"(?:[^<>]|<a\s+href=(?:'[^'<>]*'|\"[^\"<>]*\")\s*>|</a>)*")


@dataclass(frozen=True)
class ShownField:
    """One field as a person reads it; `group` is the key of its group, such as primaryFields."""

    group: str
    key: str
    label: str
    text: str


def style_of(document: Document) -> str:
    """The style a current iPhone would lay out: the classic one, or posterGeneric where it stands alone."""
    return next((style for style in (*keys.CLASSIC_STYLES, keys.POSTER) if style in document), "")


def fields_of(document: Document, style: str) -> Iterator[tuple[str, Document]]:
    """(group, field) in reading order; anything malformed is left out."""
    body = document.get(style)
    for group in keys.GROUPS:
        entries = body.get(group) if isinstance(body, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                yield group, entry


def flat_values(document: Document) -> dict[str, Any]:
    """Every field's raw value by its key, whatever its group."""
    return {str(entry.get("key")): entry.get("value") for _, entry in fields_of(document, style_of(document))}


def shown_fields(document: Document, strings: Strings) -> list[ShownField]:
    return [
        ShownField(group, str(entry.get("key")), _translated(entry.get("label", ""), strings), text_of(entry, strings))
        for group, entry in fields_of(document, style_of(document))
    ]


def _translated(text: str, strings: Strings) -> str:
    return strings.get(text, text)


def text_of(entry: Document, strings: Strings) -> str:
    """The value as text: looked up in pass.strings when it is one, in the format that it has."""
    value = entry.get("value")
    if isinstance(value, str):
        return _moment(entry) or _translated(value, strings)
    if keys.is_number(value) and entry.get("currencyCode"):
        return f"{value:.2f} {entry['currencyCode']}"
    if keys.is_number(value) and entry.get("numberStyle") == "PKNumberStylePercent":
        return f"{value:.0%}"
    return str(value)


def _moment(entry: Document) -> str:
    """A date as this phone writes it: its day, its time or both; empty for any other value."""
    styles = {key for key in ("dateStyle", "timeStyle") if entry.get(key, _NO_STYLE) != _NO_STYLE}
    if not styles or not keys.is_date(entry["value"]):
        return ""
    moment = datetime.fromisoformat(re.sub(r"\.\d+", "", entry["value"]))
    day = [f"{moment.day} {moment:%b %Y}"] if "dateStyle" in styles else []
    return " ".join([*day, *([f"{moment:%H:%M}"] if "timeStyle" in styles else [])])


def change_texts(old: Document, old_strings: Strings, new: Document, new_strings: Strings) -> list[str]:
    """One lock-screen text per field that both versions have, that reads differently now and has a changeMessage."""
    before = {entry.get("key"): text_of(entry, old_strings) for _, entry in fields_of(old, style_of(old))}
    texts = []
    for _, entry in fields_of(new, style_of(new)):
        now, message = text_of(entry, new_strings), entry.get("changeMessage")
        if message and entry.get("key") in before and before[entry.get("key")] != now:
            wording = _translated(message, new_strings)
            texts.append(wording.replace("%@", now) if "%@" in wording else UNNAMED_CHANGE)
    return texts


def check_fields(document: Document) -> Iterator[str]:
    for style in (*keys.CLASSIC_STYLES, keys.POSTER):
        body = document.get(style)
        if not isinstance(body, dict):
            continue
        for group in keys.GROUPS:
            entries = body.get(group, [])
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                yield f"{style}.{group} must be a list of fields."
        counts = Counter(str(entry.get("key")) for _, entry in fields_of(document, style))
        for key, count in counts.items():
            if count > 1:
                yield f"The field key {key!r} is used {count} times; keys are unique across the whole pass."
        for group, entry in fields_of(document, style):
            for said in (*_malformed(entry), *_unreadable(entry)):
                yield f"{style}.{group} {entry.get('key')!r}: {said}"


def _malformed(entry: Document) -> Iterator[str]:
    """What has the wrong type."""
    if not keys.is_text(entry.get("key")):
        yield "a field needs a key."
    value = entry.get("value")
    if not isinstance(value, str) and not keys.is_number(value):
        yield f"the value must be a text or a number, not {value!r}."
    for key in ("label", "changeMessage", "attributedValue"):
        if not isinstance(entry.get(key, ""), str):
            yield f"{key} must be a text."
    for key in sorted(keys.FIELD_BOOLEANS & set(entry)):
        if not isinstance(entry[key], bool):
            yield f"{key} must be true or false, not {entry[key]!r}."
    if not isinstance(entry.get("semantics", {}), dict):
        yield "semantics must be an object."
    yield from check_semantics(entry.get("semantics"), "semantics")


def _unreadable(entry: Document) -> Iterator[str]:
    """What iOS does not know, or cannot show with this value."""
    value = entry.get("value")
    for key, known in keys.FIELD_VALUES.items():
        if key in entry and str(entry[key]) not in known:
            yield f"{key} {entry[key]!r} is not one that iOS knows."
    detectors = entry.get("dataDetectorTypes", [])
    if not isinstance(detectors, list) or not {str(kind) for kind in detectors} <= keys.DETECTORS:
        yield f"dataDetectorTypes {detectors!r} is not a list of those that iOS knows."
    if ("dateStyle" in entry or "timeStyle" in entry) and not keys.is_date(value):
        yield f"{value!r} is not a date with a time zone."
    if "currencyCode" in entry and not keys.is_number(value):
        yield f"currencyCode needs a number as value, not {value!r}."
    if not _CURRENCY.fullmatch(str(entry.get("currencyCode", "EUR"))):
        yield f"currencyCode {entry['currencyCode']!r} is no ISO 4217 code."


def field_notices(document: Document) -> Iterator[str]:
    for style in (*keys.CLASSIC_STYLES, keys.POSTER):
        for group, entry in fields_of(document, style):
            for said in (*_ignored(entry), *_misplaced(style, group, entry)):
                yield f"Field {entry.get('key')!r}: {said}"


def _ignored(entry: Document) -> Iterator[str]:
    message = entry.get("changeMessage")
    if isinstance(message, str) and "%@" not in message:
        yield "changeMessage has no %@, so the lock screen shows a general text instead."
    if "numberStyle" in entry and not keys.is_number(entry.get("value")):
        yield "numberStyle has no effect on a value that is not a number."
    if {"currencyCode", "numberStyle"} <= set(entry):
        yield "currencyCode and numberStyle exclude each other."
    if "attributedValue" in entry and not _LINKED.fullmatch(str(entry["attributedValue"])):
        yield "attributedValue may hold links (<a href>) and no other markup."
    for key in sorted(set(entry) - keys.FIELD_KEYS):
        yield f"iOS ignores the unknown key {key!r}."


def _misplaced(style: str, group: str, entry: Document) -> Iterator[str]:
    if "textAlignment" in entry and group in {"primaryFields", "backFields"}:
        yield f"textAlignment has no effect in {group}."
    if "dataDetectorTypes" in entry and group != "backFields":
        yield f"dataDetectorTypes has no effect in {group}."
    if "row" in entry and (style, group) != ("eventTicket", "auxiliaryFields"):
        yield f"row has no effect in {style}.{group}."
    elif "row" in entry and entry["row"] not in (0, 1):
        yield f"row must be 0 or 1, not {entry['row']!r}."
