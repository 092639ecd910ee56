"""Values as what a field is to show: numbers and moments."""

from __future__ import annotations

import math
import re
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.conversions import moment, number

BRUSSELS = ZoneInfo("Europe/Brussels")
# What Apple's own decoder takes for a date (github.com/apple/pass-builder, PassDateTimeFormatter).
TAKEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")


@pytest.mark.parametrize(
    ("value", "found"),
    [(12, 12), (12.5, 12.5), ("12.50", 12.5), (" 7 ", 7), ("1e3", 1000), ("", None), ("12,50", None), ("twelve", None),
     (True, None), ("nan", None), ("Infinity", None), ("1" * 400, None), ({}, None)],
)  # fmt: skip
def test_a_number_may_come_as_text(value: Any, found: Any) -> None:
    assert number(value) == found
    assert not isinstance(number(value), bool)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2027-03-31", ("2027-03-31T00:00:00+02:00", True)),
        ("2027-01-31T09:30", ("2027-01-31T09:30:00+01:00", False)),
        ("2027-01-31T09:30:00Z", ("2027-01-31T09:30:00+00:00", False)),
        ("2027-01-31 09:30:00+0530", ("2027-01-31T09:30:00+05:30", False)),
        ("31/01/2027", None),
        ("2027-02-30", None),
        ("soon", None),
        (20270131, None),
        ("", None),
    ],
)
def test_a_moment_without_a_zone_is_the_brands(value: Any, found: Any) -> None:
    assert moment(value, BRUSSELS) == found


@given(st.dates(min_value=date(1000, 1, 1)), st.none() | st.times())
def test_every_moment_is_one_that_phones_take_and_the_day_stays(day: date, at: time | None) -> None:
    found = moment(f"{day.isoformat()}T{at.isoformat()}" if at else day.isoformat(), BRUSSELS)

    assert found
    assert TAKEN.fullmatch(found[0])
    assert found[0][:10] == day.isoformat()


@given(st.floats() | st.text() | st.integers())
def test_whatever_comes_is_a_finite_number_or_none(value: Any) -> None:
    found = number(str(value))

    assert found is None or math.isfinite(found)
