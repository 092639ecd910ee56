"""What the linter tells of a design before it is published: in the form's words, all at once."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from passes.apple import schema
from passes.apple.lint import lint
from passes.findings import Facts
from passes.images import Png

FIELD = {"place": "header", "key": "points", "label": "Points", "expression": "{{ points }}", "change_message": ""}
ICONS = {"icon.png": Png(38, 38, "1"), "icon@2x.png": Png(76, 76, "2"), "icon@3x.png": Png(114, 114, "3")}
AN_HOUR = {"starts": "2027-06-01T20:00", "ends": "2027-06-01T21:00"}


def design(**changes: Any) -> dict[str, Any]:
    """A customer card that any phone takes."""
    return {
        "kind": "customerCard",
        "organization_name": "Example Coffee",
        "description": "Loyalty card",
        "logo_text": "",
        "colours": {"background": "#1F2937", "text": "#FFFFFF", "label": "#CBD5E1"},
        "language": "en",
        "fields": [FIELD],
        "barcode": {"format": "", "expression": ""},
        "texts": {},
        "images": {name: png.sha1 for name, png in ICONS.items()},
        **changes,
    }


def told(facts: Facts | None = None, /, **changes: Any) -> list[tuple[str, str, str]]:
    """(severity, field, sentence) of each finding."""
    made = design(**changes)
    found = lint(made, facts or Facts({**ICONS, **dict.fromkeys(set(made["images"]) - set(ICONS), Png(1, 1, "1"))}))
    return [(str(finding.severity), finding.field, str(finding.sentence)) for finding in found]


def fields(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"fields": [{**FIELD, "key": f"key{number}", **each} for number, each in enumerate(changes)]}


def public_key(curve: ec.EllipticCurve) -> str:
    key = ec.generate_private_key(curve).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def test_a_good_design_has_nothing_to_tell() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"description": " "}, "description", "Phones refuse a pass without it."),
        ({"kind": "offer", "style": "generic"}, "apple_style", "Only customer cards have a choice of layout."),
        ({"poster": True, "images": {**design()["images"], "background.png": "1", "background@2x.png": "2",
                                     "background@3x.png": "3"}}, "poster", "Only generic passes have a poster."),
        ({"kind": "generic", "poster": True}, "poster", "A poster needs a background picture."),
        ({"barcode": {"format": "qr", "expression": ""}}, "barcode_message", "What does the barcode say?"),
        ({"images": {}}, "images", "There is no icon."),
        ({"expires": "31/12/2027"}, "expires", "This is not a date, such as 2027-03-31."),
        ({"grouping": "orders"}, "grouping", "Only event tickets lie in groups"),
        ({"app_link": "coffee://card"}, "app_link", "Which app is it?"),
        ({"moments": [{"starts": "tomorrow"}]}, "moments.starts", "This is not a date"),
        ({"moments": [{**AN_HOUR, "ends": "2027-06-02T20:01"}]}, "moments.ends", "Phones ignore a time that does not"),
        ({"moments": [{**AN_HOUR, "ends": "2027-06-01T19:00"}]}, "moments.ends", "Phones ignore a time that does not"),
        ({"actions": [{"kind": "shop", "target": "example.com"}]}, "actions.target", "A link begins with https://"),
        (fields({"expression": "{% if %}"}), "fields.expression", "Only values like {{ points }} may be used here"),
        (fields({"expression": "{{ points"}, {"expression": "{{ a|b }}"}), "fields.expression", "This value cannot be"),
        (fields({"expression": "{{ points }} points", "format": "number"}), "fields.expression", "There is text"),
        (fields({"expression": "many", "format": "percent"}), "fields.expression", "This is not a number."),
        (fields({"expression": "31.12.2027", "format": "date"}), "fields.expression", "This is not a date"),
        (fields({"format": "currency"}), "fields.currency", "Which currency is the amount in?"),
        (fields({"link": "www.example.com"}), "fields.link", "A link begins with https://, mailto: or tel:."),
        (fields({"semantics": {"balance": {"amount": 5}}}), "fields.semantics", "balance.amount must be a text"),
        (fields({"key": "a"}, {"key": "a", "place": "back"}), "fields.key", "Two fields have this key."),
        (fields(*[{}] * 1000), "fields", "1000 fields are more than a card can hold: 100 at most."),
        ({"apple": {"colour": "red"}}, "apple_additions", "colour is no key that Apple Wallet knows"),
        ({"apple": [1]}, "apple_additions", "{ … } must be an object."),
        ({"apple": {"suppressStripShine": "true"}}, "apple_additions", "suppressStripShine must be true or false"),
        ({"apple": {"serialNumber": "1"}}, "apple_additions", "serialNumber is set by the portal or elsewhere"),
        ({"apple": {"coupon": {}}}, "apple_additions", "coupon is not the style of this template"),
        ({"apple": {"storeCard": {"backFields": [{"key": "points", "value": 1}]}}}, "apple_additions",
         "storeCard.backFields.0 has the key of another field"),
        ({"apple": {"storeCard": {"backFields": [{"key": "a"}]}}}, "apple_additions",
         "storeCard.backFields.0 needs a key and a value"),
        ({"apple": {"stripColor": "navy"}}, "apple_additions", "stripColor must be a colour, such as #1A2B3C"),
        ({"apple": {"semantics": {"eventType": "party"}}}, "apple_additions", "semantics.eventType must be one of PKE"),
        ({"apple": {"semantics": {"flightNumber": 1.5}}}, "apple_additions", "semantics.flightNumber must be a whole"),
        ({"apple": {"semantics": {"eventStartDate": "soon"}}}, "apple_additions", "semantics.eventStartDate must be"),
        ({"apple": {"semantics": {"seats": {}}}}, "apple_additions", "semantics.seats must be a list"),
        ({"kind": "generic", "apple": {"boardingPass": {}}}, "apple_additions", "boardingPass needs a transitType"),
        ({"kind": "eventTicket", "apple": {"upcomingPassInformation": [{"identifier": "1", "type": "event"}]}},
         "apple_additions", "upcomingPassInformation.0 needs name."),
    ],
)  # fmt: skip
def test_what_a_phone_refuses_is_an_error(changes: dict[str, Any], field: str, sentence: str) -> None:
    severity, place, said = told(**changes)[0]

    assert (severity, place) == ("error", field)
    assert said.startswith(sentence)


def pictures(*names: str) -> dict[str, Any]:
    return {"images": {**design()["images"], **dict.fromkeys(names, "1")}}


def every_scale(role: str, folder: str = "") -> tuple[str, ...]:
    return tuple(f"{folder}{role}{scale}.png" for scale in ("", "@2x", "@3x"))


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"colours": {**design()["colours"], "text": "#333333"}}, "text_colour", "This is hard to read"),
        ({"barcode": {"format": "ean13", "expression": "123", "text": "123"}}, "barcode_message", "This format cannot"),
        ({"barcode": {"format": "ean13", "expression": "{{ ean }}"}}, "barcode_text", "Show the number as text too"),
        ({"locations": [{"latitude": 1, "longitude": 1}] * 11}, "locations", "Phones heed the first 10 only."),
        ({"max_distance": 100}, "max_distance", "There is no place that it could be near to."),
        (fields({"place": "primary"}, {"place": "primary"}), "fields.place", "There is no room for it: at most 1"),
        (fields(*[{"place": "secondary"}] * 2, *[{"place": "auxiliary"}] * 3), "fields.place", "There is no room for"),
        (fields({"place": "primary", "alignment": "left"}), "fields.alignment", "It has no effect in this place."),
        (fields({"place": "auxiliary", "second_row": True}), "fields.second_row", "Only auxiliary fields of event"),
        (fields({"detectors": ["phone"]}), "fields.detectors", "It has an effect on the back only."),
        (fields({"change_message": "News"}), "fields.change_message", "Without %@, phones show a text of their own."),
        (fields({"format": "number", "link": "https://x.y"}), "fields.link", "A value with a format has no link."),
        (fields({"place": "footer"}), "fields.place", "Only posters have a foot, so this is not shown."),
        (pictures("strip.png"), "images.scale", "Missing: @2x, @3x. It looks"),
        (pictures(*every_scale("thumbnail")), "images.role", "This layout does not show it."),
        (pictures(*every_scale("strip", "fr.lproj/")), "images.language", "Phones in other languages show none"),
        ({"kind": "eventTicket", **pictures(*every_scale("strip"), *every_scale("background"))}, "images.role",
         "With a strip, phones show neither background nor thumbnail."),
        ({"kind": "eventTicket", "apple": {"preferredStyleSchemes": ["posterEventTicket", "eventTicket"]}},
         "apple_additions", "posterEventTicket needs semantics.eventName."),
        ({"kind": "generic", "apple": {"boardingPass": {"transitType": "PKTransitTypeAir"},
                                       "preferredStyleSchemes": ["semanticBoardingPass", "boardingPass"]}},
         "apple_additions", "semanticBoardingPass needs semantics.airlineCode."),
        ({"apple": {"upcomingPassInformation": [{"identifier": "1", "name": "Aida", "type": "event"}]}},
         "apple_additions", "upcomingPassInformation is shown on event tickets only."),
    ],
)  # fmt: skip
def test_what_a_phone_leaves_out_is_a_warning(changes: dict[str, Any], field: str, sentence: str) -> None:
    severity, place, said = told(**changes)[0]

    assert (severity, place) == ("warning", field)
    assert said.startswith(sentence)


def test_a_picture_that_is_too_large_is_told_with_its_size() -> None:
    facts = Facts({**ICONS, "icon@2x.png": Png(500, 76, "2")})

    assert told(facts) == [("warning", "images.data", "@2x is 500 × 76 pixels; phones show 76 × 76.")]


def test_what_a_poster_has_no_room_for_is_told_field_by_field() -> None:
    places = (
        "header",
        "header",
        "primary",
        "secondary",
        "auxiliary",
        "auxiliary",
        "auxiliary",
        "footer",
        "footer",
        "back",
    )
    many = fields(*({"place": place} for place in places))
    background = pictures(*every_scale("background"))

    found = told(kind="generic", poster=True, **many, **background)

    said = ("warning", "fields.place", "There is no room for it on the poster.")
    assert found == [said, said, said]


def test_nfc_needs_its_certificate_its_key_and_a_short_message() -> None:
    good = {"message": "{{ card_number }}", "key": public_key(ec.SECP256R1())}
    assert told(Facts(ICONS, nfc=True), nfc=good) == []

    bad = {"message": "é" * 33, "key": public_key(ec.SECP384R1()), "confirmed": True}
    assert told(Facts(ICONS, nfc=False), nfc=bad) == [
        ("error", "nfc_message", "The certificate is not made for NFC, so phones refuse the pass."),
        ("error", "nfc_message", "This is longer than 64 bytes."),
        ("error", "nfc_key", "This is no public key on the curve P-256."),
        ("warning", "sharing_prohibited", "Who confirms with Face ID should not be able to pass the card on."),
    ]  # fmt: skip


def test_a_name_that_nobody_has_is_told_once_there_are_customers() -> None:
    assert told(Facts(ICONS, known=frozenset({"points"}))) == []
    assert told(Facts(ICONS, known=frozenset({"stars"}))) == [
        ("warning", "fields.expression",
         "No customer has these values, so they stay empty on the card: points. Known: stars."),
    ]  # fmt: skip


def test_a_value_that_only_some_customers_have_wrong_is_told_without_the_value() -> None:
    customers = ({"points": 5}, {"points": "a lot"}, {"points": ""}, {})

    said = "It cannot be shown for 1 of 4 customers, who would keep the card that they have."
    amounts = fields({"format": "number"}, {"expression": "{{ points|divisibleby:0 }}"})
    assert told(Facts(ICONS, samples=customers), **amounts) == [
        ("warning", "fields.expression", said),
        ("warning", "fields.expression", said.replace("1 of 4", "4 of 4")),
    ]


def test_everything_is_told_at_once_errors_first() -> None:
    found = told(images={}, grouping="a", max_distance=5, **fields({"expression": "{{"}, {"change_message": "News"}))

    assert [severity for severity, *_ in found] == ["error"] * 2 + ["warning"] * 2
    assert {field for _, field, _ in found} == {"images", "grouping", "max_distance", "fields.change_message"}


def test_a_value_to_be_filled_in_may_be_of_any_type() -> None:
    tags = {"flightNumber": "{{ flight }}", "eventStartDate": "{{ starts }}", "silenceRequested": "{{ quiet }}"}

    assert told(apple={"semantics": tags}) == []


names = st.sampled_from(
    ["Pass", *schema.OBJECTS["Pass"], *schema.OBJECTS["Field"], *schema.OBJECTS["Fields"], "identifier", "other", ""]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("{{ points }}")
documents = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))


@given(documents, st.sampled_from(["customerCard", "eventTicket", "generic"]))
def test_no_document_is_too_odd_to_be_looked_at(document: Any, kind: str) -> None:
    for finding in lint(design(kind=kind, apple=document, **fields({"semantics": document})), Facts(ICONS)):
        assert finding.sentence
