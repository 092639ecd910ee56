"""What Google describes of its API, and what the portal says of a document that does not keep to it."""

from __future__ import annotations

from typing import Any

import pytest

from passes.google import schema
from tests import discovery

MICROS = "loyaltyPoints.balance.money.micros"
CARD = {"id": "3388.card", "classId": "3388.gold", "state": "ACTIVE"}


def told(name: str, body: Any, **how: bool) -> list[str]:
    return [problem.told for problem in schema.findings(name, body, **how)]


def nested(path: str, value: Any) -> Any:
    """`a.0.b` and a value as {"a": [{"b": value}]}"""
    for part in reversed(path.split(".")):
        value = [value] if part.isdecimal() else {part: value}
    return value


def test_the_reduced_copy_is_what_googles_own_client_brings_along() -> None:
    """When this fails: `make discovery`, and read the difference."""
    assert discovery.REDUCED.read_text(encoding="utf-8") == discovery.written(discovery.reduced(discovery.document()))
    assert schema.REVISION >= "20260806"


def test_every_property_of_googles_document_is_told_by_its_type() -> None:
    whole = discovery.document()["schemas"]
    for name, found in schema.SCHEMAS.items():
        assert set(found["properties"]) == set(whole[name].get("properties", {})), name


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("LoyaltyClass", ["id", "issuerName", "programLogo", "programName", "reviewStatus"]),
        ("OfferClass", ["id", "issuerName", "provider", "redemptionChannel", "reviewStatus", "title"]),
        ("GiftCardClass", ["id", "issuerName", "reviewStatus"]),
        ("EventTicketClass", ["eventName", "id", "issuerName", "reviewStatus"]),
        ("GenericClass", ["id"]),
        ("LoyaltyObject", ["classId", "id", "state"]),
        ("GenericObject", ["cardTitle", "classId", "header", "id"]),
        ("GiftCardObject", ["cardNumber", "classId", "id", "state"]),
    ],
)
def test_what_google_calls_required_is_asked_for(name: str, required: list[str]) -> None:
    assert told(name, {}) == [f"{key} is required." for key in required]
    assert told(name, {}, partial=True) == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("loyaltyPoints.balance.points", 3, "loyaltyPoints.balance.points is no key that Google Wallet knows here."),
        ("accountId", 7, "accountId must be a text in quotes."),
        ("hasUsers", "true", "hasUsers must be true or false, no quotes."),
        ("loyaltyPoints.balance.int", "450", "loyaltyPoints.balance.int must be a whole number, no quotes."),
        ("loyaltyPoints.balance.int", 2**31, "loyaltyPoints.balance.int must be a whole number, no quotes."),
        ("loyaltyPoints.balance.int", True, "loyaltyPoints.balance.int must be a whole number, no quotes."),
        ("loyaltyPoints.balance.double", "1.5", "loyaltyPoints.balance.double must be a number, no quotes."),
        ("loyaltyPoints.balance.double", float("inf"), "loyaltyPoints.balance.double must be a number, no quotes."),
        (MICROS, 10, f"{MICROS} must be a whole number in quotes."),
        (MICROS, "9" * 19, f"{MICROS} must be a whole number in quotes."),
        ("textModulesData", {"id": "a"}, "textModulesData must be a list."),
        ("textModulesData.0", "tier", "textModulesData.0 must be an object."),
        ("textModulesData.0.title", "Tier", "textModulesData.0.title is no key that Google Wallet knows here."),
        ("messages.0.message_type", "TEXT", "messages.0.message_type is no key that Google Wallet knows here."),
        ("state", "GONE", "state must be one of ACTIVE, COMPLETED, EXPIRED, INACTIVE."),
        ("state", None, "state must be one of ACTIVE, COMPLETED, EXPIRED, INACTIVE."),
    ],
)  # fmt: skip
def test_a_marketer_reads_where_it_is_wrong_and_what_belongs_there(path: str, value: Any, sentence: str) -> None:
    assert told("LoyaltyObject", {**CARD, **nested(path, value)}) == [sentence]


def test_values_are_taken_in_googles_older_spelling_too() -> None:
    assert told("LoyaltyObject", {**CARD, "state": "active", "barcode": {"type": "qrCode", "value": "1"}}) == []


def test_generic_passes_have_neither_a_preference_for_notices_nor_a_review() -> None:
    assert told("GenericObject", {"notifyPreference": "NOTIFY_ON_UPDATE"}, partial=True)
    assert told("GenericClass", {"reviewStatus": "UNDER_REVIEW"}, partial=True)
    assert not told("LoyaltyObject", {"notifyPreference": "NOTIFY_ON_UPDATE"}, partial=True)


def test_what_a_customer_fills_in_may_become_of_any_type_but_must_be_filled_in_when_it_is_sent() -> None:
    points = nested("loyaltyPoints.balance.int", "{{ points }}")
    assert told("LoyaltyObject", points, partial=True) == []
    assert told("LoyaltyObject", {**CARD, **points}) == ["loyaltyPoints.balance.int must be a whole number, no quotes."]


def test_a_body_that_is_no_object_is_told() -> None:
    assert told("LoyaltyObject", []) == ["{ … } must be an object."]
