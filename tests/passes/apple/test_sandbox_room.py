"""What a phone leaves out without a word is noticed: what a layout has no room for, and what has no effect."""

from __future__ import annotations

from typing import Any

import pytest

from passes.apple.sandbox import inspect
from tests.passes.apple import test_sandbox_kit as kit
from tests.passes.apple.test_sandbox_kit import authority, build, document

FIELD = {"key": "points", "value": 1}


def notices(style: str, body: dict[str, int], *images: str, **more: Any) -> list[str]:
    """`body`: how many fields there are in each group."""
    groups = {
        group: [{"key": f"{group}{number}", "value": number} for number in range(count)]
        for group, count in body.items()
    }
    card = document(**{"storeCard": None, style: groups, **more})
    return inspect(build(card, {f"{name}.png": kit.png() for name in images}), authority().root).notices


@pytest.mark.parametrize(
    ("style", "body", "notice"),
    [
        ("storeCard", {"primaryFields": 2}, "storeCard shows 1 of 2 primaryFields."),
        ("coupon", {"headerFields": 4}, "coupon shows 3 of 4 headerFields."),
        ("generic", {"secondaryFields": 3, "auxiliaryFields": 2}, "generic shows 4 of 5 secondaryFields and auxiliary"),
        ("eventTicket", {"auxiliaryFields": 9}, "eventTicket shows 8 of 9 auxiliaryFields."),
    ],
)
def test_fields_beyond_the_room_are_noticed(style: str, body: dict[str, int], notice: str) -> None:
    [found] = notices(style, body)

    assert found.startswith(notice)


def test_an_event_ticket_has_two_rows_of_auxiliary_fields() -> None:
    assert notices("eventTicket", {"secondaryFields": 4, "auxiliaryFields": 8}) == []


def test_a_poster_has_room_for_four_fields_and_one_at_its_foot() -> None:
    poster = {"primaryFields": [{"key": f"p{number}", "value": "x"} for number in range(5)],
              "footerFields": [{"key": f"f{number}", "value": "x"} for number in range(2)]}  # fmt: skip

    assert notices("generic", {}, posterGeneric=poster) == [
        "posterGeneric shows 4 of 5 primaryFields.",
        "posterGeneric shows 1 of 2 footerFields.",
    ]


@pytest.mark.parametrize(
    ("style", "images", "found"),
    [
        ("storeCard", ("strip", "logo"), []),
        ("storeCard", ("thumbnail",), ["The image thumbnail is not shown in this style."]),
        ("generic", ("strip", "thumbnail"), ["The image strip is not shown in this style."]),
        ("eventTicket", ("background", "thumbnail"), []),
        (
            "eventTicket",
            ("strip", "background"),
            ["An event ticket with a strip shows neither background nor thumbnail."],
        ),
    ],
)
def test_images_that_a_style_does_not_show_are_noticed(style: str, images: tuple[str, ...], found: list[str]) -> None:
    assert notices(style, {}, *images) == found


def test_a_poster_shows_a_background_beside_the_style_of_older_phones() -> None:
    assert notices("generic", {}, "background", posterGeneric={}) == []


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        ({"locations": [{"latitude": 1, "longitude": 1}] * 11}, "locations has more than 10 entries"),
        ({"beacons": [{"proximityUUID": "u"}] * 11}, "beacons has more than 10 entries"),
        (
            {"relevantDates": [{"startDate": "2030-01-01T10:00Z", "endDate": "2030-01-02T10:01Z"}]},
            "relevantDates has an interval that does not end within 24 hours",
        ),
        (
            {"relevantDates": [{"startDate": "2030-01-01T10:00Z", "endDate": "2030-01-01T09:00Z"}]},
            "relevantDates has an interval that does not end within 24 hours",
        ),
    ],
)
def test_what_a_phone_leaves_out_is_noticed(changes: dict[str, Any], notice: str) -> None:
    [found] = inspect(build(document(**changes)), authority().root).notices

    assert found.startswith(notice)


@pytest.mark.parametrize(
    ("group", "changes", "notice"),
    [
        ("backFields", {"textAlignment": "PKTextAlignmentLeft"}, "textAlignment has no effect in backFields."),
        ("headerFields", {"dataDetectorTypes": []}, "dataDetectorTypes has no effect in headerFields."),
        ("auxiliaryFields", {"row": 1}, "row has no effect in storeCard.auxiliaryFields."),
        ("backFields", {"numberStyle": "PKNumberStyleDecimal", "currencyCode": "EUR"},
         "currencyCode and numberStyle exclude each other."),
        ("backFields", {"attributedValue": "<b>10</b>"}, "attributedValue may hold links (<a href>) and"),
        ("backFields", {"attributedValue": "<a href='javascript:x' onclick='y'>10</a>"}, "attributedValue may"),
    ],
)  # fmt: skip
def test_what_a_phone_ignores_in_a_field_is_noticed(group: str, changes: dict[str, Any], notice: str) -> None:
    [found] = inspect(build(document(storeCard={group: [{**FIELD, **changes}]})), authority().root).notices

    assert found.startswith(f"Field 'points': {notice}")


def test_a_link_is_the_markup_that_a_field_may_have() -> None:
    linked = {**FIELD, "attributedValue": '<a href="https://example.com/?a=1&amp;b=2">Your card</a> &lt;3'}

    assert inspect(build(document(storeCard={"backFields": [linked]})), authority().root).notices == []
