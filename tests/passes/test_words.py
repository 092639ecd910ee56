"""What pages and the admin show of a formatted value."""

from __future__ import annotations

from typing import Any

import pytest

from passes.words import words

NOON = "2027-03-31T12:30:00+02:00"


@pytest.mark.parametrize(
    ("field", "language", "shown"),
    [
        ({"value": 420}, "en", "420"),
        ({"value": "Gold"}, "fr", "Gold"),
        ({"value": "", "format": "currency", "currency": "EUR"}, "en", ""),
        ({"value": 1234.5, "format": "currency", "currency": "EUR"}, "en", "1,234.50 EUR"),
        ({"value": 1234.5, "format": "currency", "currency": "EUR"}, "nl", "1.234,50 EUR"),
        ({"value": 0.15, "format": "percent"}, "en", "15.0 %"),
        ({"value": 12345, "format": "number"}, "nl", "12.345"),
        ({"value": NOON, "format": "date", "date_style": "medium"}, "en", "31 Mar 2027"),
        ({"value": NOON, "format": "date", "date_style": "medium"}, "nl", "31 maart 2027"),
        ({"value": NOON, "format": "date", "time_style": "short"}, "nl", "12:30"),
        ({"value": NOON, "format": "date", "date_style": "short", "time_style": "short"}, "nl", "31-3-2027 12:30"),
        ({"value": NOON, "format": "date"}, "en", "31 Mar 2027"),
    ],
)
def test_a_value_is_written_as_the_reader_is_used_to(field: dict[str, Any], language: str, shown: str) -> None:
    assert words(field, language) == shown
