"""Mapping: a source document and rules make values, with errors that a marketer can read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.value_readers import PLAIN, TEXT_LIMIT, DateFormat, Format, Unreadable, ValueType, read_value
from portal.sentences import Sentence, say

__all__ = ["TEXT_LIMIT", "DateFormat", "Format", "Mapped", "Rule", "Unreadable", "ValueType", "map_document"]


@dataclass(frozen=True)
class Rule:
    """`source` is a path in the document, such as attributes.loyaltyPoints; `name` is the customer value it fills.

    `default` stands for an empty value, spelled as the source would; without one, the value is emptied or kept.
    """

    source: str
    name: str
    type: str
    keep_if_empty: bool = False
    default: str = ""
    format: Format = PLAIN


@dataclass(frozen=True)
class Mapped:
    values: dict[str, Any]
    errors: list[Sentence]


def map_document(document: Mapping[str, Any], rules: Iterable[Rule]) -> Mapped:
    """The values that the rules find. A value that cannot be read is left out, so the customer keeps the old one."""
    values: dict[str, Any] = {}
    errors: list[Sentence] = []
    for rule in rules:
        found = document.get(rule.source)
        if found is None or found == "":
            found = rule.default
        if found == "":
            if not rule.keep_if_empty:
                values[rule.name] = None
            continue
        try:
            values[rule.name] = read_value(found, rule.type, rule.format)
        except Unreadable as error:
            errors.append(say("“%(name)s” was kept as it was: %(error)s", name=rule.name, error=error.sentence))
    return Mapped(values, errors)
