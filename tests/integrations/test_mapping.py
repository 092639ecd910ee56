"""Mapping: whatever a vendor sends becomes a value or a sentence, never an exception."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import value_readers
from integrations.mapping import TEXT_LIMIT, DateFormat, Format, Mapped, Rule, ValueType, map_document

TEXT, NUMBER, YES_NO, DATE = ValueType.TEXT, ValueType.NUMBER, ValueType.YES_NO, ValueType.DATE
MONEY, CHOICE = ValueType.MONEY, ValueType.CHOICE

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


def read(kind: str, value: Any, **form: Any) -> Mapped:
    return map_document({"attributes.x": value}, [Rule("attributes.x", "x", kind, format=Format(**form))])


def value_of(kind: str, value: Any, **form: Any) -> Any:
    mapped = read(kind, value, **form)
    assert not mapped.errors
    return mapped.values["x"]


def complaint(kind: str, value: Any, **form: Any) -> str:
    mapped = read(kind, value, **form)
    assert mapped.values == {}
    (sentence,) = mapped.errors
    return sentence


FORMATS = st.fixed_dictionaries({
    "decimals": st.none() | st.integers(0, 6), "currency": st.sampled_from(["", "EUR"]),
    "dates": st.sampled_from(DateFormat.values),
    "answers": st.sampled_from([None, {"Gold": "G"}, {"a": "1", "A": "2"}]),
})  # fmt: skip


@given(st.sampled_from(ValueType.values), JSON | NEARLY, FORMATS)
def test_anything_becomes_a_value_that_can_be_stored_or_a_sentence(kind: str, value: Any, form: dict[str, Any]) -> None:
    mapped = read(kind, value, **form)
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


# Formats


@pytest.mark.parametrize(("value", "form", "amount"), [
    (12.5, {}, 12.5), ("12,50", {}, 12.5), ("12.505", {"decimals": 3}, 12.505), ("1 234,56", {}, 1234.56),
    ("€ 1.234,56", {"currency": "EUR"}, 1234.56), ("1,234.56 EUR", {"currency": "EUR"}, 1234.56),
    ("1.234.567", {}, 1234567), ("eur 5", {"currency": "EUR"}, 5), ("- 3,20 €", {}, -3.2), ("$7", {}, 7),
    (0.125, {}, 0.13), ("0,125", {}, 0.13), (19.99, {"decimals": 0}, 20), ("1.000", {"decimals": 3}, 1),
])  # fmt: skip
def test_amounts_are_read_as_exports_and_shops_write_them(value: Any, form: dict[str, Any], amount: float) -> None:
    found = value_of(MONEY, value, **form)
    assert (found, type(found)) == (amount, type(amount))


@pytest.mark.parametrize(("value", "said"), [
    ("1.234", "can be read two ways"), ("1,234", "can be read two ways"), ("12 USD", "is not in EUR"),
    ("$12", "is not in EUR"), ("1.23.456", "is not a number"), ("1,2.3,4", "is not a number"), ("€", "is not a number"),
    ("EUR EUR 5", "is not a number"), (True, "is not a number"), ([5], "is not a number"),
])  # fmt: skip
def test_an_amount_that_could_mean_another_is_left_alone(value: Any, said: str) -> None:
    assert said in complaint(MONEY, value, currency="EUR")


def test_a_number_is_rounded_where_the_line_says_so() -> None:
    assert [value_of(NUMBER, 2.345, decimals=n) for n in (None, 2, 1, 0)] == [2.345, 2.35, 2.3, 2]


@pytest.mark.parametrize(("form", "value", "day"), [
    ("", "12/11/2026", "2026-11-12"), ("%d/%m/%Y", "12/11/2026", "2026-11-12"),
    ("%m/%d/%Y", "12/11/2026", "2026-12-11"),
    ("%d.%m.%Y", "31.12.2026 18:30", "2026-12-31T18:30:00"), ("%d-%m-%Y", "31-12-2026", "2026-12-31"),
    ("%Y%m%d", "20261231", "2026-12-31"), ("%Y%m%d", 20261231, "2026-12-31"),
    ("%m/%d/%Y", "2026-11-12", "2026-11-12"),  # ISO 8601 cannot be taken for another form
    ("seconds", 1769853600, "2026-01-31T10:00:00+00:00"),
    ("milliseconds", "1769853600000", "2026-01-31T10:00:00+00:00"),
])  # fmt: skip
def test_dates_are_read_in_the_form_of_the_line(form: str, value: Any, day: str) -> None:
    assert value_of(DATE, value, dates=form) == day


@pytest.mark.parametrize("form", [each for each in DateFormat.values if each.startswith("%")])
@given(day=st.from_regex(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1([0-9]{4}|[0-9]{2})", fullmatch=True))
def test_the_short_way_to_a_day_finds_what_the_long_one_does(form: str, day: str) -> None:
    short = read(ValueType.DATE, day, dates=form)
    with mock.patch.object(value_readers, "_DAYS", {}):
        assert read(ValueType.DATE, day, dates=form) == short


@pytest.mark.parametrize("decimals", [None, 0, 2])
@given(digits=st.from_regex(r"[0-9]{1,15}", fullmatch=True))
def test_the_short_way_to_a_whole_number_finds_what_the_long_one_does(decimals: int | None, digits: str) -> None:
    assert read(NUMBER, digits, decimals=decimals) == read(NUMBER, f" {digits}", decimals=decimals)


@pytest.mark.parametrize(("form", "value"), [
    ("%m/%d/%Y", "31/12/2026"), ("%d.%m.%Y", "31/12/2026"), ("seconds", "soon"), ("seconds", 1e15), ("%Y%m%d", "2026"),
])  # fmt: skip
def test_a_date_in_another_form_is_not_guessed(form: str, value: Any) -> None:
    assert "is not a date" in complaint(DATE, value, dates=form)


def test_a_choice_takes_its_known_answers_alone() -> None:
    answers = {"G": "Gold", "S": "Silver", "1": "One"}
    read = [value_of(CHOICE, value, answers=answers) for value in ("G", " s ", ["G", "S"], 1, 1.0)]
    assert read == ["Gold", "Silver", "Gold, Silver", "One", "One"]
    assert "“Platinum” is not one of the known answers." in complaint(CHOICE, "Platinum", answers=answers)
    assert "not one of the known" in complaint(CHOICE, ["G", "P"], answers=answers)
    assert "not one of the known" in complaint(CHOICE, "gOLD", answers={"Gold": "1", "GOLD": "2"})


def test_a_default_stands_for_what_is_empty_and_for_nothing_else() -> None:
    rule = Rule("a", "x", MONEY, default="1,50", format=Format(currency="EUR"))
    assert [map_document(each, [rule]).values for each in ({}, {"a": None}, {"a": ""}, {"a": 0}, {"a": "2"})] == [
        {"x": 1.5}, {"x": 1.5}, {"x": 1.5}, {"x": 0}, {"x": 2},
    ]  # fmt: skip
    assert map_document({"a": "no"}, [rule]).values == {}
