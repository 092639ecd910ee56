"""What the owner of an Android phone is told of a change, and in which way. Pure.

Google notifies of a change by itself where a listed field of some types changed and the call asks for it; otherwise a
message says it. Of each sort it shows three for one pass in 24 hours and drops the rest, so they are counted here.
https://developers.google.com/wallet/retail/loyalty-cards/use-cases/trigger-push-notifications
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from passes.hush import HUSHED
from passes.words import words

MOST, WITHIN = 3, timedelta(hours=24)
LISTED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "loyalty": (("loyaltyPoints", "balance"), ("secondaryLoyaltyPoints", "balance")),
}


class Way(StrEnum):
    SILENT = "silent"
    UPDATE = "update"
    MESSAGE = "message"
    OVER = "over"  # it would be told, but three of its sort were


@dataclass(frozen=True)
class Announcement:
    """`texts`: what a message says, by language; the pass's own comes first."""

    way: Way
    texts: Mapping[str, str] = field(default_factory=dict)


def readings(content: Mapping[str, Any]) -> dict[str, str]:
    """{key: text} of the fields that have a change message, to be compared with the next content."""
    language = content["language"]
    return {each["key"]: words(each, language) for each in content["fields"] if each.get("change_message")}


def announcement(
    content: Mapping[str, Any],
    *,
    told: Mapping[str, str],
    type_: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    used: Mapping[str, int],
) -> Announcement:
    """`told`: the readings of the content before. `before`, `after`: the object as Google has it, and as it is to be.
    `used`: how many of each sort ("update", "message") were asked for in the last 24 hours.
    """
    changed = [each for each in content["fields"] if _is_news(each, content, told)]
    if not changed:
        return Announcement(Way.SILENT)
    listed = any(_part(before, path) != _part(after, path) for path in LISTED.get(type_, ()))
    way = Way.UPDATE if listed else Way.MESSAGE
    if used.get(way, 0) >= MOST:
        return Announcement(Way.OVER)
    return Announcement(way, {} if listed else _texts(changed, content))


def _is_news(each: Mapping[str, Any], content: Mapping[str, Any], told: Mapping[str, str]) -> bool:
    """A field that is new is no change, and an empty one says nothing."""
    if not each.get("change_message") or each.get(HUSHED) or each["key"] not in told:
        return False
    reading = words(each, content["language"])
    return bool(reading) and reading != told[each["key"]]


def _part(body: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _texts(changed: list[Mapping[str, Any]], content: Mapping[str, Any]) -> dict[str, str]:
    languages = [content["language"], *(code for code in content["texts"] if code != content["language"])]
    return {language: "\n".join(_text(each, content, language) for each in changed) for language in languages}


def _text(each: Mapping[str, Any], content: Mapping[str, Any], language: str) -> str:
    texts = content["texts"].get(language, {})
    message, reading = each["change_message"], words(each, language)
    return str(texts.get(message, message)).replace("%@", str(texts.get(reading, reading)))
