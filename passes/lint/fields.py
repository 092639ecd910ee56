"""What no wallet can make a field of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from passes.addresses import LINKS
from passes.findings import Facts, Finding, error, warning
from passes.lint.texts import constant
from passes.models import TemplateField
from portal.sentences import say


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    for key, count in Counter(field["key"] for field in design["fields"]).items():
        if count > 1:
            yield error("fields.key", say("Two fields have this key."), key)
    for field in design["fields"]:
        row = field["label"] or field["key"]
        if field.get("format") == TemplateField.Format.CURRENCY and not field.get("currency"):
            yield error("fields.currency", say("Which currency is the amount in?"), row)
        yield from _linked(field, row)


def _linked(field: Mapping[str, Any], row: str) -> Iterator[Finding]:
    link = field.get("link", "")
    if not link:
        return
    if field.get("format"):
        yield warning("fields.link", say("A value with a format has no link."), row)
    if not str(constant(link) or link).startswith((*LINKS, "{{")):
        yield error("fields.link", say("A link begins with https://, mailto: or tel:."), row)
