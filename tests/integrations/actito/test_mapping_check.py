"""What is wrong with the lines of a mapping: told by line, all at once, in words."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.actito.mapping_check import Finding, Known, Line, Severity, findings, fits
from integrations.actito.tables import Change, parse_structure

TABLE = parse_structure({
    "attributes": [
        {"name": "emailAddress", "type": "EMAIL_ADDRESS", "unique": True},
        {"name": "points", "valueType": "INTEGER"}, {"name": "tier", "valueType": "STRING"},
        {"name": "cardNumber", "valueType": "STRING", "unique": True}, {"name": "since", "valueType": "TIMESTAMP"},
        {"name": "vip", "valueType": "BOOLEAN"}, {"name": "odd", "valueType": "GEOMETRY"},
    ],
    "subscriptions": ["Newsletter"], "segmentations": ["Club"],
})  # fmt: skip
KNOWN = Known(TABLE, (), "emailAddress")


def line(attribute: str, value: str = "", kind: str = "text", part: str = "attributes", **more: Any) -> Line:
    return Line(f"mappings-{attribute}-{value}", part, attribute, value or attribute.lower(), kind, **more)


def told(*lines: Line, known: Known = KNOWN) -> list[tuple[str, str]]:
    return [(finding.field, finding.sentence) for finding in findings(lines, known)]


def test_lines_that_are_right_are_told_nothing() -> None:
    assert told(line("points", kind="number"), line("points", "shown"), line("Newsletter", kind="yes_no",
                part="subscriptions"), line("Club", kind="text", part="segmentations"),
                line("cardNumber", "card", identifies=True)) == []  # fmt: skip
    assert told(line("anything", kind="money"), known=Known()) == []  # the table was not read yet


def test_two_lines_to_one_value_are_both_told_which_the_other_is() -> None:
    found = findings([line("points", "value"), line("tier", "other"), line("vip", "value")], KNOWN)
    assert [(each.line, each.severity) for each in found] == [
        ("mappings-points-value", Severity.ERROR), ("mappings-vip-value", Severity.ERROR),
    ]  # fmt: skip
    assert found[0].sentence.startswith("“value” is filled by “vip” as well.")


@pytest.mark.parametrize("second", [line("cardNumber", "b", identifies=True), line("a", "c", identifies=True)])
def test_a_name_that_means_two_lines_names_the_customer_twice(second: Line) -> None:
    found = findings([line("cardNumber", "a", identifies=True), second], Known())
    assert [each.field for each in found] == ["identifies", "identifies"]
    assert all("named twice" in each.sentence and each.severity == Severity.ERROR for each in found)


def test_a_line_that_names_the_customer_takes_no_default_and_what_is_one_persons() -> None:
    assert told(line("cardNumber", identifies=True, default="x"))[0][0] == "default"
    assert "is not unique in Actito" in told(line("tier", identifies=True))[0][1]
    assert "names the customer anyway" in told(line("emailAddress", identifies=True))[0][1]
    assert "Only an attribute" in told(line("vip", kind="yes_no", identifies=True))[0][1]


def test_unknown_names_are_told_with_what_may_have_been_meant() -> None:
    assert told(line("pionts"))[0] == ("attribute", "The table has no attribute “pionts”. Is it “points”?")
    assert told(line("Points"))[0] == ("attribute", "The table has no attribute “Points”. Is it “points”?")
    assert told(line("xyz"))[0] == ("attribute", "The table has no attribute “xyz”.")
    assert told(line("Newsletter"))[0][1] == "“Newsletter” is a subscription: choose that part."
    assert told(line("tier", part="segmentations"))[0][1] == "“tier” is an attribute: choose that part."


def test_an_attribute_that_was_renamed_is_told_with_its_new_name() -> None:
    gone = Change("gone", "attributes", "score", "INTEGER", "", 7, "")
    new = Change("new", "attributes", "points", "", "INTEGER", 7, "")
    known = Known(TABLE, (gone, new), "emailAddress")
    assert told(line("score"), known=known)[0][1].endswith("Perhaps it is called “points” now.")
    assert told(line("score"), known=Known(TABLE, (gone,)))[0][1].endswith("Customers keep the value they have.")


@pytest.mark.parametrize(("attribute", "kind", "form", "right"), [
    ("points", "number", "", True), ("points", "money", "", True), ("points", "yes_no", "", True),
    ("points", "date", "", False), ("points", "date", "milliseconds", True), ("since", "date", "", True),
    ("since", "number", "", False), ("since", "text", "", True), ("vip", "yes_no", "", True),
    ("vip", "money", "", False),
    ("tier", "number", "", True), ("tier", "date", "", True), ("emailAddress", "number", "", False),
    ("odd", "date", "", True),
])  # fmt: skip
def test_a_type_that_can_never_fit_is_told(attribute: str, kind: str, form: str, right: bool) -> None:
    found = told(line(attribute, kind=kind, date_format=form))
    assert (found == []) is right
    item = TABLE.item(("attributes", attribute))
    assert item
    assert fits(item.type, kind, form) is right


def test_a_subscription_is_yes_or_no() -> None:
    assert told(line("Newsletter", kind="number", part="subscriptions")) == [
        ("value_type", "Subscriptions and segmentations are yes or no."),
    ]  # fmt: skip


def test_everything_is_told_at_once_in_the_order_of_the_lines() -> None:
    lines = [line("pionts", "value", "number"), line("since", "value", "number"), line("nope", "other")]
    found: list[Finding] = findings(lines, KNOWN)
    assert [(lines.index(next(one for one in lines if one.key == each.line)), each.field) for each in found] == [
        (0, "value_name"), (0, "attribute"), (1, "value_name"), (1, "value_type"), (2, "attribute"),
    ]  # fmt: skip
