"""Who matches what a template asks for: numbers, dates and texts, whatever a system sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.conditions import matches
from passes.models import TemplateCondition

OPERATORS = TemplateCondition.Operator.values


def holds(found: Any, operator: str, wanted: str = "") -> bool:
    return matches({"rows": [{"name": "asked", "operator": operator, "value": wanted}]}, {"asked": found})


@pytest.mark.parametrize(
    ("found", "operator", "wanted"),
    [
        ("Gold", "equals", "gold"),
        (" gold ", "equals", "Gold"),
        (10, "equals", "10.0"),
        ("10", "equals", "10"),
        (True, "equals", "true"),
        ("2027-03-31", "equals", "2027-03-31T09:00+02:00"),
        ("2027-03-31T09:00+02:00", "equals", "2027-03-31T07:00Z"),
        (["shoes", "Hats"], "equals", "hats"),
        ("Silver", "is_not", "Gold"),
        (None, "is_not", "Gold"),
        (["shoes"], "is_not", "hats"),
        (100, "greater", "99.5"),
        ("100", "greater", "99"),
        (-1, "less", "0"),
        (1e-7, "less", "1"),
        ("2027-03-31", "greater", "2026-12-31"),
        ("2027-03-31T09:00Z", "less", "2027-03-31T09:00:01"),
        ("beta", "greater", "alpha"),
        ("anna@example.com", "contains", "@EXAMPLE"),
        (["blue shoes"], "contains", "shoe"),
        (471, "contains", "7"),
        (0, "filled", ""),
        (False, "filled", ""),
        ("", "empty", ""),
        ("  ", "empty", ""),
        (None, "empty", ""),
        ([], "empty", ""),
    ],
)
def test_matches(found: Any, operator: str, wanted: str) -> None:
    assert holds(found, operator, wanted)


@pytest.mark.parametrize(
    ("found", "operator", "wanted"),
    [
        ("Silver", "equals", "Gold"),
        (None, "equals", ""),
        ("0123", "equals", "123"),  # a code, not a number
        (True, "equals", "1"),
        ({"tier": "Gold"}, "equals", "Gold"),
        (100, "greater", "many"),
        ("many", "greater", "100"),
        ("many", "less", "100"),
        ("2027-03-31", "greater", "100"),
        ("2027-13-45", "less", "2027-12-31"),
        (None, "less", "5"),
        ("", "greater", "0"),
        ("", "contains", ""),
        ("Gold", "empty", ""),
        (None, "filled", ""),
        ("Gold", "an operator of tomorrow", "Gold"),
    ],
)
def test_does_not_match(found: Any, operator: str, wanted: str) -> None:
    assert not holds(found, operator, wanted)


def test_all_conditions_hold_or_one_is_enough() -> None:
    rows = [
        {"name": "tier", "operator": "equals", "value": "Gold"},
        {"name": "points", "operator": "greater", "value": "99"},
    ]
    assert matches({"rows": rows}, {"tier": "gold", "points": 100})
    assert not matches({"rows": rows}, {"tier": "gold", "points": 99})
    assert matches({"any": True, "rows": rows}, {"tier": "gold"})
    assert not matches({"any": True, "rows": rows}, {})
    assert not matches({"rows": []}, {"tier": "gold"})
    assert not matches({}, {"tier": "gold"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str) | st.datetimes().map(str)
    | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@given(JSON, st.sampled_from(OPERATORS), JSON.map(str))
def test_no_value_breaks_it(found: Any, operator: str, wanted: str) -> None:
    assert holds(found, operator, wanted) in {True, False}
    if operator == "equals":
        assert holds(found, "is_not", wanted) is not holds(found, "equals", wanted)


@given(st.integers(-(10**20), 10**20), st.integers(-(10**20), 10**20))
def test_numbers_keep_their_order_however_they_are_written(one: int, other: int) -> None:
    for found in (one, str(one), f"{one}.0"):
        assert holds(found, "greater", str(other)) is (one > other)
        assert holds(found, "less", str(other)) is (one < other)
        assert holds(found, "equals", str(other)) is (one == other)
