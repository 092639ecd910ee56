"""Mapping: whatever a vendor sends becomes a value or a sentence, never an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.mapping import TEXT_LIMIT, Mapped, Rule, ValueType, map_document

TEXT, NUMBER, YES_NO, DATE = ValueType.TEXT, ValueType.NUMBER, ValueType.YES_NO, ValueType.DATE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NEARLY = (
    st.from_regex(r"[+-]?[0-9  ]{0,20}[.,]?[0-9]{0,20}([eE][+-]?[0-9]{0,5})?")
    | st.from_regex(r"[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}([ T][0-9:.]{0,15}(Z|[+-][0-9:]{2,6})?)?")
    | st.sampled_from(
        ["NaN", "Infinity", "-inf", "sNaN", "٣", "²", "1_000", "0x10", "1e999999999", "-0", "\0", "\ud800"]
    )
)


def read(kind: str, value: Any) -> Mapped:
    return map_document({"attributes.x": value}, [Rule("attributes.x", "x", kind)])


def value_of(kind: str, value: Any) -> Any:
    mapped = read(kind, value)
    assert not mapped.errors
    return mapped.values["x"]


def complaint(kind: str, value: Any) -> str:
    mapped = read(kind, value)
    assert mapped.values == {}
    (sentence,) = mapped.errors
    return sentence


@given(st.sampled_from(ValueType.values), JSON | NEARLY)
def test_anything_becomes_a_value_that_can_be_stored_or_a_sentence(kind: str, value: Any) -> None:
    mapped = read(kind, value)
    assert bool(mapped.values) != bool(mapped.errors)
    for sentence in mapped.errors:
        assert sentence.startswith("“x” was kept as it was: “")
        assert sentence.endswith(".")
        assert len(sentence) < 150
        assert "\0" not in sentence
        sentence.encode()
    stored = json.dumps(mapped.values, allow_nan=False)
    assert "\\u0000" not in stored
    assert "\\ud800" not in stored


@given(st.sampled_from([NUMBER, YES_NO, DATE]), JSON | NEARLY)
def test_a_value_that_was_read_reads_as_itself(kind: str, value: Any) -> None:
    once = read(kind, value)
    for found in once.values.values():
        again = value_of(kind, found)
        assert (type(again), again) == (type(found), found)


@given(st.integers(-(10**15), 10**15))
def test_a_whole_number_is_read_alike_as_number_and_as_text(number: int) -> None:
    assert value_of(NUMBER, number) == value_of(NUMBER, str(number)) == number


@given(st.decimals(-(10**9), 10**9, places=2))
def test_a_decimal_comma_and_a_point_mean_the_same(number: Any) -> None:
    assert value_of(NUMBER, str(number)) == value_of(NUMBER, str(number).replace(".", ",")) == float(number)


@pytest.mark.parametrize(
    ("given_", "number"),
    [
        (420, 420),
        ("420", 420),
        (" 420 ", 420),
        ("+420", 420),
        ("-1,5", -1.5),
        ("12,50", 12.5),
        ("1 234,5", 1234.5),
        ("1\u00a0234\u202f567", 1234567),
        (12.0, 12),
        ("12.0", 12),
        ("1e3", 1000),
        (".5", 0.5),
        ("-0", 0),
        (10**15, 10**15),
    ],
)
def test_numbers(given_: Any, number: float) -> None:
    found = value_of(NUMBER, given_)
    assert (type(found), found) == (type(number), number)


@pytest.mark.parametrize(
    "given_",
    [
        *("many", True, False, [1], {"a": 1}, "1.234,56", "1,234,567", "1_000", "٣", "²", "NaN", "Infinity", "--1"),
        *(float("nan"), float("inf"), 10**16, "1e16", "9" * 5000, "1e999999999", 10**4000, "12 34", "0x10", "1-1"),
    ],
    ids=lambda value: repr(value)[:15],
)
def test_what_is_not_a_number(given_: Any) -> None:
    assert complaint(NUMBER, given_).endswith(("is not a number.", "is too large a number."))


@pytest.mark.parametrize(
    ("given_", "iso"),
    [
        ("2026-01-31", "2026-01-31"),
        ("31/01/2026", "2026-01-31"),
        ("31/01/2026 10:05", "2026-01-31T10:05:00"),
        ("31/01/2026 10:05:06", "2026-01-31T10:05:06"),
        ("2026-01-31 10:05:06", "2026-01-31T10:05:06"),
        ("2026-01-31T10:05:06Z", "2026-01-31T10:05:06+00:00"),
        ("2026-01-31T10:05:06+02:00", "2026-01-31T10:05:06+02:00"),
        ("2026-01-31T10:05:06.123456", "2026-01-31T10:05:06.123456"),
        (" 2026-01-31 ", "2026-01-31"),
        ("29/02/2024", "2024-02-29"),
        ("01/02/2026", "2026-02-01"),
    ],
)
def test_dates(given_: str, iso: str) -> None:
    assert value_of(DATE, given_) == iso


@pytest.mark.parametrize(
    "given_",
    [
        *("2026-02-30", "30/02/2026", "29/02/2025", "31/13/2026", "13/31/2026", "2026-01-31T25:00:00", "soon"),
        *("x" * 10_000, True, 7, 1.5, [], {}, "0000-01-01", "2026-1", "31/01/26"),
    ],
    ids=lambda value: repr(value)[:15],
)
def test_what_is_not_a_date(given_: Any) -> None:
    assert complaint(DATE, given_).endswith("is not a date.")


@pytest.mark.parametrize("given_", [True, "true", "TRUE", " yes ", "1", 1, 1.0, "on", "oui", "ja"])
def test_yes(given_: Any) -> None:
    assert value_of(YES_NO, given_) is True


@pytest.mark.parametrize("given_", [False, "false", "No", "0", 0, 0.0, "off", "non", "nee"])
def test_no(given_: Any) -> None:
    assert value_of(YES_NO, given_) is False


@pytest.mark.parametrize("given_", ["maybe", 2, "10", [], [True], {}, "t"])
def test_neither_yes_nor_no(given_: Any) -> None:
    assert complaint(YES_NO, given_).endswith("is neither yes nor no.")


@pytest.mark.parametrize(
    ("given_", "text"),
    [("Gold", "Gold"), (420, "420"), (420.0, "420"), (1.5, "1.5"), (True, "true"), (["a", 1, True], "a, 1, true")],
)
def test_texts(given_: Any, text: str) -> None:
    assert value_of(TEXT, given_) == text


def test_a_huge_text_is_cut() -> None:
    assert value_of(TEXT, "é" * 1_000_000) == "é" * TEXT_LIMIT


def test_an_object_is_no_text() -> None:
    assert complaint(TEXT, {"a": 1}).endswith("is not text.")


@pytest.mark.parametrize("empty", [None, "", "missing"])
@pytest.mark.parametrize("kind", ValueType.values)
def test_an_empty_source_empties_the_value_unless_the_rule_keeps_it(kind: str, empty: Any) -> None:
    document = {} if empty == "missing" else {"a": empty}
    assert map_document(document, [Rule("a", "x", kind)]) == Mapped({"x": None}, [])
    assert map_document(document, [Rule("a", "x", kind, keep_if_empty=True)]) == Mapped({}, [])


def test_a_wrong_value_does_not_stop_the_others() -> None:
    rules = [Rule("a", "a", NUMBER), Rule("b", "b", NUMBER), Rule("c", "c", DATE)]
    mapped = map_document({"a": "x", "b": "2", "c": "31/12/2025"}, rules)
    assert mapped.values == {"b": 2, "c": "2025-12-31"}
    assert mapped.errors == ["“a” was kept as it was: “x” is not a number."]
