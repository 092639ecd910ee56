"""What the class and the object of each kind have of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from passes.google.barcodes import number_of
from passes.google.places import Field
from passes.google.shared import LOGO, Making, Parts, appearance, branded
from passes.google.texts import Texts, both, localized

INT32, INT64 = range(-(2**31), 2**31), range(-(2**63), 2**63)
ACCOUNT_ID = 20  # characters that Google shows
MICROS = 1_000_000


class Kind(NamedTuple):
    """What makes the parts. That of an object is also given what identifies the pass."""

    class_parts: Callable[[Making], Parts]
    object_parts: Callable[[Making, str], Parts]


def _loyalty_class(making: Making) -> Parts:
    yield from branded(making)
    yield from both("programName", making.texts.of(making.title))
    if logo := making.image(LOGO):
        yield "programLogo", logo


def _loyalty_object(making: Making, suffix: str) -> Parts:
    number = number_of(making.content)
    if 0 < len(number) <= ACCOUNT_ID:
        yield "accountId", number
    for name, field in zip(("loyaltyPoints", "secondaryLoyaltyPoints"), making.places.points, strict=False):
        if field["value"] != "":
            yield name, _points(field, making.texts)


def _points(field: Field, texts: Texts) -> dict[str, Any]:
    label = dict(both("label", texts.of(field["label"]))) if field["label"] else {}
    return {**label, "balance": _balance(field)}


def _balance(field: Field) -> dict[str, Any]:
    """LoyaltyPointsBalance: exactly one of its types."""
    value = field["value"]
    if field["format"] == "currency" and (money := _money(field)):
        return {"money": money}
    if isinstance(value, float):
        return {"double": value}
    return {"int": value} if value in INT32 else {"string": str(value)}


def _money(field: Field) -> dict[str, str] | None:
    """None for nothing, and for an amount of trillions that Google cannot count."""
    micros = int((Decimal(str(field["value"] or 0)) * MICROS).to_integral_value(ROUND_HALF_EVEN))
    known = field["value"] != "" and micros in INT64
    return {"micros": str(micros), "currencyCode": field["currency"]} if known else None


def _offer_class(making: Making) -> Parts:
    """Where it is redeemed is not known here, so it is wherever the brand sells."""
    yield from branded(making)
    yield from both("title", making.texts.of(making.title))
    yield from both("provider", making.texts.of(making.content["organization_name"]))
    yield "redemptionChannel", "BOTH"
    if logo := making.image(LOGO):
        yield "titleImage", logo


def _gift_card_class(making: Making) -> Parts:
    yield from branded(making)
    if logo := making.image(LOGO):
        yield "programLogo", logo


def _gift_card_object(making: Making, suffix: str) -> Parts:
    """Google wants a card number: without one of the barcode, it is what identifies the pass."""
    yield "cardNumber", number_of(making.content) or suffix
    if (balance := making.places.balance) and (money := _money(balance)):
        yield "balance", money


def _ticket_class(making: Making) -> Parts:
    yield from branded(making)
    yield "eventName", localized(making.texts.of(making.title))
    if logo := making.image(LOGO):
        yield "logo", logo


def _ticket_object(making: Making, suffix: str) -> Parts:
    if number := number_of(making.content):
        yield "ticketNumber", number


def _generic_object(making: Making, suffix: str) -> Parts:
    """Generic classes have neither name nor picture: all of it is the object's."""
    content, texts, field = making.content, making.texts, making.places.header
    yield "cardTitle", localized(texts.of(content["logo_text"] or content["organization_name"]))
    if field and field["value"] != "":
        yield "header", localized(*texts.values([field]))
        if field["label"]:
            yield "subheader", localized(texts.of(field["label"]))
    else:
        yield "header", localized(texts.of(content["description"]))
    if logo := making.image(LOGO):
        yield "logo", logo
    yield from appearance(making)


def _nothing(*_: object) -> Parts:
    yield from ()


def _transit_class(making: Making) -> Parts:
    yield from branded(making)
    if logo := making.image(LOGO):
        yield "logo", logo


KINDS: Mapping[str, Kind] = {  # by Google's type
    "loyalty": Kind(_loyalty_class, _loyalty_object),
    "offer": Kind(_offer_class, _nothing),
    "giftCard": Kind(_gift_card_class, _gift_card_object),
    "eventTicket": Kind(_ticket_class, _ticket_object),
    "generic": Kind(_nothing, _generic_object),
    "flight": Kind(branded, _nothing),
    "transit": Kind(_transit_class, _nothing),
}
