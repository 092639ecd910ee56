"""Silent updates, the pure part: which fields of new content a phone is not to announce.

A phone shows a field's change message when the field reads differently than on the card it has, whichever versions lie
between. So a field that changes silently is stored as `hushed` and goes out without its message, until it changes again
in an update that may be heard. Carried on from content to content, the mark changes no hash by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

HUSHED = "hushed"
# What stands for the fields in a template's additions to pass.json: they are heard or hushed together.
ADDITIONS, ADDITIONS_HUSHED = "apple", "apple_hushed"
_READ_BY = ("value", "format", "currency", "date_style", "time_style", "relative", "fixed_zone")

Fields = Mapping[str, Mapping[str, Any]]


def hushed(
    before: Mapping[str, Any], after: Mapping[str, Any], untold: Collection[str], *, silent: bool
) -> tuple[dict[str, Any], list[str]]:
    """The new content with its marks, and the keys of what changed aloud since a phone last fetched.

    `untold`: those keys so far. What one of them names stays aloud: its owner has not heard of it yet.
    """
    known = {field["key"]: field for field in before.get("fields", ())}
    changed = {key for key, field in _named(after).items() if key in known and _reads_otherwise(key, before, after)}
    if before and before.get(ADDITIONS) != after.get(ADDITIONS):
        changed.add(ADDITIONS)
    marked = {key for key, field in known.items() if field.get(HUSHED)}
    marked |= {ADDITIONS} if before.get(ADDITIONS_HUSHED) else set()
    quiet = marked | (changed - set(untold)) if silent else marked - changed
    fields = [{**field, HUSHED: True} if _is_quiet(field, quiet) else field for field in after["fields"]]
    additions = {ADDITIONS_HUSHED: True} if ADDITIONS in quiet and after.get(ADDITIONS) else {}
    aloud = set(untold) if silent else {*untold, *changed}
    return {**after, "fields": fields, **additions}, sorted(aloud)


def _named(content: Mapping[str, Any]) -> Fields:
    return {field["key"]: field for field in content["fields"]}


def _is_quiet(field: Mapping[str, Any], quiet: Collection[str]) -> bool:
    return bool(field["change_message"]) and field["key"] in quiet


def _reads_otherwise(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return _reading(_named(before)[key], before) != _reading(_named(after)[key], after)


def _reading(field: Mapping[str, Any], content: Mapping[str, Any]) -> list[Any]:
    """What decides how a field reads, in every language."""
    texts = content.get("texts", {})
    translated = {language: texts[language].get(field["value"]) for language in texts}
    return [*(field.get(name) for name in _READ_BY), {name: text for name, text in translated.items() if text}]


def without_messages(additions: Mapping[str, Any]) -> dict[str, Any]:
    """A template's additions to pass.json, none of whose fields is announced."""
    stripped: dict[str, Any] = _stripped(additions)
    return stripped


def _stripped(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _stripped(value) for name, value in part.items() if name != "changeMessage"}
    return [_stripped(each) for each in part] if isinstance(part, list) else part
