"""Fields of a pass: checks, what a person reads in them, and which of them changed between two versions.

Source: developer.apple.com/documentation/walletpasses/passfieldcontent
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from passes.apple.sandbox import keys

Document = dict[str, Any]
Strings = dict[str, str]
UNNAMED_CHANGE = "Pass updated"


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
    """The value as text: looked up in pass.strings when it is one, with its currency when it has one."""
    value = entry.get("value")
    if isinstance(value, str):
        return _translated(value, strings)
    if keys.is_number(value) and entry.get("currencyCode"):
        return f"{value:.2f} {entry['currencyCode']}"
    return str(value)


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
            yield from _check_field(entry, f"{style}.{group} {entry.get('key')!r}")


def _check_field(entry: Document, name: str) -> Iterator[str]:
    if not keys.is_text(entry.get("key")):
        yield f"{name}: a field needs a key."
    value = entry.get("value")
    if not isinstance(value, str) and not keys.is_number(value):
        yield f"{name}: the value must be a text or a number, not {value!r}."
    for key in ("label", "changeMessage", "attributedValue"):
        if not isinstance(entry.get(key, ""), str):
            yield f"{name}: {key} must be a text."
    for key, known in keys.FIELD_VALUES.items():
        if key in entry and str(entry[key]) not in known:
            yield f"{name}: {key} {entry[key]!r} is not one that iOS knows."
    if ("dateStyle" in entry or "timeStyle" in entry) and not keys.is_date(value):
        yield f"{name}: {value!r} is not a date with a time zone."
    if "currencyCode" in entry and not keys.is_number(value):
        yield f"{name}: currencyCode needs a number as value, not {value!r}."


def field_notices(document: Document) -> Iterator[str]:
    for style in (*keys.CLASSIC_STYLES, keys.POSTER):
        for _, entry in fields_of(document, style):
            name = f"Field {entry.get('key')!r}"
            message = entry.get("changeMessage")
            if isinstance(message, str) and "%@" not in message:
                yield f"{name}: changeMessage has no %@, so the lock screen shows a general text instead."
            if "numberStyle" in entry and not keys.is_number(entry.get("value")):
                yield f"{name}: numberStyle has no effect on a value that is not a number."
            for key in sorted(set(entry) - keys.FIELD_KEYS):
                yield f"{name}: iOS ignores the unknown key {key!r}."
