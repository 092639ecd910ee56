"""What is wrong with the lines of a pairing is told by line, and says which other one it is about."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.pairing.findings import Known, Severity, Written, findings
from integrations.pairing.registry import Attribute, Filled, Table
from integrations.pairing.samples import metadata_of, says
from portal.sentences import Sentence, say
from tests.integrations.pairing.sides import told

READ = Table("emailAddress", ["Newsletter", "Promotions"], [Attribute("city")])
UNREAD = Table("emailAddress")


def known(table: Table = READ, *, both_ways: bool = False, filled: dict[str, Filled] | None = None) -> Known:
    def problem(path: str, back: bool) -> Sentence:
        if path.startswith("?"):
            return say("No path.")
        return say("Not back.") if back and path == "user_x" else Sentence()

    return Known(table, filled or {}, both_ways, problem)


def line(key: str = "a", target: str = "Newsletter", path: str = "p", **values: Any) -> Written:
    return Written(key, values.pop("part", "subscriptions"), target, path, **values)


def said(lines: list[Written], what: Known) -> list[tuple[str, str, str]]:
    return [(each.line, each.field, each.severity.value) for each in findings(lines, what)]


def test_lines_that_are_right_have_no_findings() -> None:
    lines = [line(), line("b", "Promotions", "q"), line("c", "city", "user_x", part="attributes")]
    assert said(lines, known(both_ways=True)) == []


@pytest.mark.parametrize(
    ("lines", "what", "expected"),
    [
        ([line(), line("b", path="q")], known(), [("b", "target", "error")]),
        ([line(), line("b", "Promotions")], known(), []),  # one consent may decide about two subscriptions
        ([line(), line("b", "Promotions")], known(both_ways=True), [("b", "path", "error")]),
        ([line(path="a.b__c"), line("b", "Promotions", "a_b_c")], known(both_ways=True), [("b", "path", "error")]),
        ([line(), line("b", "Promotions", "q", value_name="newsletter")], known(), [("b", "value_name", "error")]),
        ([line(target="Catalogue")], known(), [("a", "target", "error")]),
        ([line(target="Catalogue", kept=True)], known(), [("a", "target", "warning")]),
        ([line(target="Catalogue")], known(UNREAD), [("a", "target", "warning")]),
        ([line(target="shoe", part="attributes")], known(), [("a", "target", "error")]),
        ([line(path="?")], known(), [("a", "path", "error")]),
        ([line(path="user_x")], known(both_ways=True), [("a", "path", "error")]),
        ([line()], known(filled={"newsletter": Filled("subscriptions", "Newsletter")}), []),
        ([line()], known(filled={"newsletter": Filled("attributes", "nl")}), [("a", "value_name", "error")]),
        ([line(target="city", part="attributes")], known(filled={"city": Filled("attributes", "town")}), []),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_line_and_field(
    lines: list[Written], what: Known, expected: list[tuple[str, str, str]]
) -> None:
    assert said(lines, what) == expected


def test_two_lines_that_fill_one_value_name_each_other() -> None:
    found = findings([line(), line("b", "Promotions", "q", value_name="newsletter")], known())
    assert found[0].sentence == "“Newsletter” fills the customer value “newsletter” already. Name another one."
    assert found[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("leaves", "part", "expected", "problem"),
    [
        ({"p": True}, "subscriptions", "Would be subscribed.", False),
        ({"p": False}, "subscriptions", "Would be unsubscribed.", False),
        ({"p": None}, "subscriptions", "No choice was made, so it stays as it is.", False),
        ({}, "subscriptions", "This event says nothing of it, so it stays as it is.", False),
        ({"p": "yes"}, "subscriptions", "This is a text, not yes or no, so it stays as it is.", True),
        ({"p": "Ghent"}, "attributes", "Is written to the attribute.", False),
    ],
)
def test_what_an_event_says_on_a_line(leaves: dict[str, Any], part: str, expected: str, problem: bool) -> None:
    found = says(told(**leaves), line(part=part))
    assert (found.happens, found.problem) == (expected, problem)


def test_a_path_of_two_consents_is_not_taken() -> None:
    assert says(told(p=True, ambiguous=["p"]), line()).problem


def test_metadata_without_an_attribute_is_named() -> None:
    event = told(metadata={"city": "Ghent", "shoe": 42})
    assert metadata_of(event, READ) == (["city"], ["shoe"])
    assert metadata_of(event, UNREAD) == (["city", "shoe"], [])
