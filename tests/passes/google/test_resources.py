"""What a design and a customer's values make at Google, one file for each kind and judged by Google's own description.

A file holds a design, a customer's values, and the class and the object that were agreed for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.content import render
from passes.google import schema
from passes.google.resources import Resources, class_key, class_of, resources
from tests.passes.google.discovery import complaints

GOLDEN = sorted((Path(__file__).parents[2] / "payloads" / "google").glob("*.json"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ISSUER = "3388000000022141777"


def address(sha1: str) -> str:
    return f"https://wallet.example.com/wallet/google/images/{sha1}.png"


def made(content: Mapping[str, Any], **changes: Any) -> Resources:
    options = {"issuer_id": ISSUER, "class_suffix": "template-1", "object_suffix": "pass-1", "now": NOW, **changes}
    return resources(content, image_address=address, **options)


def case(name: str) -> dict[str, Any]:
    return dict(json.loads(next(path for path in GOLDEN if path.stem == name).read_text()))


def content(name: str, values: Mapping[str, Any] | None = None, **design: Any) -> dict[str, Any]:
    known = case(name)
    return render({**known["design"], **design}, {**known["values"], **(values or {})}).data


def judged(found: Resources) -> list[str]:
    """By Google's whole description, and by the copy that the product has."""
    name = f"{found.type[0].upper()}{found.type[1:]}"
    sent = {f"{name}Class": found.class_, f"{name}Object": found.object_}
    ours = [str(problem.told) for name, body in sent.items() for problem in schema.findings(name, body)]
    return [*ours, *(complaint for name, body in sent.items() for complaint in complaints(name, body))]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_class_and_object_are_as_they_were_agreed(path: Path) -> None:
    known = json.loads(path.read_text())
    shown = render(known["design"], known["values"], voided=known.get("voided", False)).data

    found = made(shown, callback=known.get("callback", ""))

    assert found.class_ == known["class"]
    assert found.object_ == known["object"]
    assert found.class_key == known["class_key"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_google_would_take_them(path: Path) -> None:
    known = json.loads(path.read_text())
    kinds = {"customerCard": "Loyalty", "offer": "Offer", "giftCard": "GiftCard", "eventTicket": "EventTicket"}
    name = "Flight" if path.stem == "flight" else kinds.get(known["design"]["kind"], "Generic")

    assert complaints(f"{name}Class", known["class"]) == []
    assert complaints(f"{name}Object", known["object"]) == []


def test_the_judge_can_say_no() -> None:
    assert complaints("LoyaltyClass", {"id": "1.a"})
    assert complaints("GenericObject", {**case("generic")["object"], "notifyPreference": "NOTIFY_ON_UPDATE"})
    assert complaints("GiftCardObject", {**case("gift_card")["object"], "balance": {"micros": 1}})


# ----------------------------------------------------------------------------------------------------------- classes


def test_passes_of_one_design_share_a_class_whoever_has_them() -> None:
    anna, ben = content("gift_card"), content("gift_card", {"balance": "3.00", "giver": "", "card_number": "7"})

    assert made(anna).class_ == made(ben).class_
    assert made(anna).object_ != made(ben).object_


def test_a_tier_has_a_class_of_its_own() -> None:
    gold, silver = made(content("loyalty")), made(content("loyalty", {"tier": "Silver"}))

    assert (gold.class_["rewardsTier"], silver.class_["rewardsTier"]) == ("Gold", "Silver")
    assert gold.class_["id"] != silver.class_["id"]
    assert silver.object_["classId"] == silver.class_["id"]
    assert made(content("loyalty", {"points": 7})).class_["id"] == gold.class_["id"]
    rest = {"id", "rewardsTier"}
    assert {k: v for k, v in gold.class_.items() if k not in rest} == {
        k: v for k, v in silver.class_.items() if k not in rest
    }


def test_who_has_no_tier_shares_the_class_without_one() -> None:
    found = made(content("loyalty", {"tier": ""}))

    assert (found.class_key, found.class_["id"]) == ("", f"{ISSUER}.template-1")
    assert "rewardsTier" not in found.class_


def test_the_key_of_a_tier_is_the_same_for_ever() -> None:
    """It is part of ids that Google keeps: another key would leave every class behind."""
    assert class_key({"google": {"class": {"rewardsTier": "Gold"}}}) == "2dffd53cc6a9"
    assert class_key({"google": {"class": {"rewardsTierLabel": "Tier"}}}) == ""


def test_the_class_of_a_design_is_that_of_its_passes() -> None:
    known = case("gift_card")

    designed = class_of(known["design"], class_id=f"{ISSUER}.template-1", image_address=address)

    assert designed == made(content("gift_card")).class_


# ----------------------------------------------------------------------------------------------------------- objects


@pytest.mark.parametrize(
    ("value", "balance"),
    [(1200, {"int": 1200}), (2**31, {"string": "2147483648"}), (12.5, {"double": 12.5}), ("-3", {"int": -3})],
)
def test_points_are_of_the_type_that_they_fit(value: Any, balance: dict[str, Any]) -> None:
    assert made(content("loyalty", {"points": value})).object_["loyaltyPoints"]["balance"] == balance


@pytest.mark.parametrize(("amount", "micros"), [("25.05", "25050000"), (0.1, "100000"), (-3, "-3000000")])
def test_money_is_counted_in_millionths(amount: Any, micros: str) -> None:
    assert made(content("gift_card", {"balance": amount})).object_["balance"]["micros"] == micros


def test_an_amount_that_google_cannot_count_is_no_money() -> None:
    assert "balance" not in made(content("gift_card", {"balance": 10**15})).object_
    points = made(content("loyalty", {"balance": 10**15})).object_["secondaryLoyaltyPoints"]
    assert points["balance"] == {"string": "1000000000000000"}


def test_what_a_customer_has_not_is_left_out_but_the_row_stays() -> None:
    full, bare = made(content("loyalty")), made(content("loyalty", {"points": "", "balance": "", "since": ""}))

    assert {"loyaltyPoints", "secondaryLoyaltyPoints"} <= set(full.object_) - set(bare.object_)
    assert [module["id"] for module in bare.object_["textModulesData"]] == ["terms", "account", "tier", "member"]
    assert bare.class_ == full.class_


def test_a_gift_card_without_a_barcode_has_the_number_of_the_pass() -> None:
    assert made(content("gift_card", barcode={"format": "", "expression": ""})).object_["cardNumber"] == "pass-1"


def test_a_generic_pass_whose_first_line_is_empty_shows_what_it_is() -> None:
    found = made(content("generic", {"name": ""})).object_

    assert found["header"]["defaultValue"]["value"] == "Library card"
    assert "subheader" not in found


@pytest.mark.parametrize(
    ("expires", "state"), [("2026-11-21", "EXPIRED"), ("2026-11-22", "ACTIVE"), ("2027-01-01", "ACTIVE")]
)
def test_a_pass_is_over_after_its_last_day(expires: str, state: str) -> None:
    shown = content("offer", {"valid_until": expires})

    assert made(shown).object_["state"] == state
    assert made(shown, now=None).object_["state"] == "ACTIVE", "left to Google"


def test_a_ticket_that_ends_before_its_event_begins_has_no_beginning() -> None:
    """Google takes no such interval."""
    found = made(content("event_ticket", expires="2027-05-01")).object_["validTimeInterval"]

    assert found == {"end": {"date": "2027-05-01T23:59:59+02:00"}}


def test_times_of_other_passes_are_no_validity() -> None:
    assert "validTimeInterval" not in made(content("generic", moments=[{"starts": "2027-06-01T20:00"}])).object_


@pytest.mark.parametrize(
    ("format", "message", "barcode"),
    [
        ("itf", "12345678901231", {"type": "ITF_14", "value": "12345678901231"}),
        ("itf", "1234", {"type": "CODE_128", "value": "1234"}),
        ("ean13", "4006381333932", {"type": "CODE_128", "value": "4006381333932"}),
        ("qr", "Zoë", {"type": "QR_CODE", "value": "Zoë", "renderEncoding": "UTF_8"}),
        ("code39", "Zoë", {"type": "QR_CODE", "value": "Zoë", "renderEncoding": "UTF_8"}),
    ],
)
def test_a_barcode_is_of_a_kind_that_carries_its_message(format: str, message: str, barcode: dict[str, str]) -> None:
    found = made(
        content("gift_card", {"card_number": message}, barcode={"format": format, "expression": "{{ card_number }}"})
    )

    assert found.object_["barcode"] == barcode


# ------------------------------------------------------------------------------------------------------------ layout


def rows_of(*places: str) -> list[list[str]]:
    """The keys in each row of a card with one field at each place."""
    fields = [
        {"place": place, "key": f"{place}{number}", "label": "", "expression": "x", "change_message": ""}
        for number, place in enumerate(places)
    ]
    found = made(content("offer", fields=fields)).class_
    rows = found.get("classTemplateInfo", {}).get("cardTemplateOverride", {}).get("cardRowTemplateInfos", [])
    paths = [
        [item["firstValue"]["fields"][0]["fieldPath"] for item in next(iter(row.values())).values()] for row in rows
    ]
    return [[path.split("'")[1] for path in row] for row in paths]


@pytest.mark.parametrize(
    ("places", "rows"),
    [
        ("", []),
        ("h", [["h0"]]),
        ("hps", [["h0"], ["p1"], ["s2"]]),
        ("hpssa", [["h0"], ["p1"], ["s2", "s3", "a4"]]),
        ("hpsaaa", [["h0", "p1"], ["s2", "a3"], ["a4", "a5"]]),
        ("hhhpssss", [["h0", "h1", "h2"], ["p3", "s4", "s5"], ["s6", "s7"]]),
        ("ssssssssss", [["s0", "s1", "s2"], ["s3", "s4", "s5"], ["s6", "s7", "s8"]]),
        ("bb", []),
    ],
)
def test_a_card_has_three_rows_of_three_at_most_and_keeps_the_places_together(
    places: str, rows: list[list[str]]
) -> None:
    names = {"h": "header", "p": "primary", "s": "secondary", "a": "auxiliary", "b": "back"}
    short = {name: letter for letter, name in names.items()}

    found = rows_of(*(names[letter] for letter in places))

    assert [[short[key.rstrip("0123456789")] + key[-1] for key in row] for row in found] == rows


def test_details_come_before_what_the_card_shows_because_google_shows_ten() -> None:
    modules = [module["id"] for module in made(content("loyalty")).object_["textModulesData"]]

    assert modules == ["terms", "account", "tier", "member", "since"]


# --------------------------------------------------------------------------------------------------------- languages


def test_numbers_and_dates_are_written_out_in_each_language() -> None:
    found = made(content("offer", texts={"fr": {"You save": "Vous gagnez"}}, fields=[
        {"place": "secondary", "key": "worth", "label": "You save", "expression": "1234.5", "change_message": "",
         "format": "currency", "currency": "EUR"},
    ])).object_["textModulesData"]  # fmt: skip

    assert found == [{
        "id": "worth",
        "header": "You save",
        "localizedHeader": {"defaultValue": {"language": "en", "value": "You save"},
                            "translatedValues": [{"language": "fr", "value": "Vous gagnez"}]},
        "body": "1,234.50 EUR",
        "localizedBody": {"defaultValue": {"language": "en", "value": "1,234.50 EUR"},
                          "translatedValues": [{"language": "fr", "value": "1\u00a0234,50 EUR"}]},
    }]  # fmt: skip


# -------------------------------------------------------------------------------------------------------- any design

WORDS = st.text(min_size=1, max_size=12).filter(lambda text: "{" not in text and text.strip() == text != "")
FIELDS = st.builds(
    lambda place, label, value, form, message: {
        "place": place, "label": label, "expression": "{{ amount }}" if form in {"number", "currency", "percent"} else
        "{{ day }}" if form == "date" else value, "change_message": message,
        **({"format": form} if form else {}), **({"currency": "EUR"} if form == "currency" else {}),
        **({"date_style": "medium"} if form == "date" else {}),
    },
    st.sampled_from(["header", "primary", "secondary", "auxiliary", "back", "footer"]), st.one_of(st.just(""), WORDS),
    st.one_of(WORDS, st.just("{{ name }}")), st.sampled_from(["", "number", "currency", "percent", "date"]),
    st.sampled_from(["", "Now %@"]),
)  # fmt: skip
DESIGNS = st.builds(
    lambda kind, fields, format, texts, pictures, rest: {
        "kind": kind, "organization_name": "Verdi", "description": "Card", "logo_text": rest, "language": "en",
        "colours": {"background": "#000000", "text": "#FFFFFF", "label": "#FFFFFF"},
        "fields": [{**field, "key": f"key{number}"} for number, field in enumerate(fields)],
        "barcode": {"format": format, "expression": "{{ name }}"},
        "texts": {"fr": dict.fromkeys(texts, "fr")} if texts else {},
        "images": {"icon@2x.png": "1" * 40, **({"thumbnail.png": "2" * 40} if pictures else {})},
        "expires": "{{ day }}", "moments": [{"starts": "{{ day }}"}], "grouping": "{{ name }}",
        "locations": [{"latitude": 1.0, "longitude": 2.0}] * 12, "time_zone": "Europe/Brussels",
    },
    st.sampled_from(["customerCard", "offer", "giftCard", "eventTicket", "generic"]), st.lists(FIELDS, max_size=14),
    st.sampled_from(["", "qr", "pdf417", "aztec", "code128", "ean13", "code39", "codabar", "itf"]),
    st.lists(WORDS, max_size=2), st.booleans(), st.one_of(st.just(""), WORDS),
)  # fmt: skip
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=30),
        "amount": st.one_of(st.integers(-(10**15), 10**15), st.floats(-1e15, 1e15), st.just("")),
        "day": st.dates(min_value=date(1950, 1, 1), max_value=date(2100, 1, 1)).map(str),
    },
)


@given(design=DESIGNS, values=VALUES, others=VALUES)
def test_any_design_makes_what_google_takes_and_one_class_for_everybody(
    design: dict[str, Any], values: dict[str, Any], others: dict[str, Any]
) -> None:
    found = made(render(design, values).data)

    assert judged(found) == []
    assert found.class_ == made(render(design, others).data).class_
    assert found.class_ == class_of(design, class_id=found.class_["id"], image_address=address)
    assert found == made(render(design, values).data), "the same again, for the hash of what was sent"
