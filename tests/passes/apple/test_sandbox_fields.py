"""What a person reads in a field on the virtual iPhone, and on its lock screen."""

from __future__ import annotations

from typing import Any

import pytest

from passes.apple.sandbox.fields import text_of

NOON = "2027-03-31T12:30:00+02:00"
NONE, SHORT = "PKDateStyleNone", "PKDateStyleShort"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"value": "Gold"}, "Or"),
        ({"value": 420}, "420"),
        ({"value": 12.5, "currencyCode": "EUR"}, "12.50 EUR"),
        ({"value": 0.15, "numberStyle": "PKNumberStylePercent"}, "15%"),
        ({"value": NOON, "dateStyle": SHORT, "timeStyle": NONE}, "31 Mar 2027"),
        ({"value": NOON, "dateStyle": NONE, "timeStyle": SHORT}, "12:30"),
        ({"value": NOON, "dateStyle": SHORT, "timeStyle": SHORT}, "31 Mar 2027 12:30"),
        ({"value": NOON, "dateStyle": NONE, "timeStyle": NONE}, NOON),
        ({"value": "soon", "dateStyle": SHORT}, "soon"),
        ({"value": ""}, ""),
    ],
)
def test_a_value_is_read_in_its_format(entry: dict[str, Any], text: str) -> None:
    assert text_of(entry, {"Gold": "Or"}) == text
