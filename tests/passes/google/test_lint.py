"""What the linter tells of a design for Google Wallet before it is published: in the form's words, all at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.findings import Facts, Severity
from passes.google.lint import lint
from passes.images import Png

FIELD = {"place": "header", "key": "points", "label": "Points", "expression": "{{ points }}", "change_message": "",
         "format": "number"}  # fmt: skip
PICTURES = {"googleLogo.png": Png(660, 660, "1"), "googleHero.png": Png(1032, 336, "2")}
CARD = "classTemplateInfo"


def design(**changes: Any) -> dict[str, Any]:
    """A customer card that Google takes as it is."""
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
        "images": {name: png.sha1 for name, png in PICTURES.items()},
        **changes,
    }


def told(facts: Facts | None = None, /, **changes: Any) -> list[tuple[str, str, str]]:
    """(severity, field, sentence) of each finding."""
    found = lint(design(**changes), facts or Facts(PICTURES))
    return [(str(finding.severity), finding.field, str(finding.sentence)) for finding in found]


def fields(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"fields": [FIELD, *({**FIELD, "key": f"key{number}", "format": "", **each}
                                for number, each in enumerate(changes))]}  # fmt: skip


def row(*paths: str) -> dict[str, Any]:
    return {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": path} for path in paths]}}}}


def with_rows(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    card = {CARD: {"cardTemplateOverride": {"cardRowTemplateInfos": list(rows)}}}
    return {"google": {"class": {**card, **more}}}


def test_a_good_design_has_nothing_to_tell() -> None:
    assert told() == []


PLACE = {"latitude": 50.0, "longitude": 4.0}
PICTURE = {"sourceUri": {"uri": "http://example.com/a.png"}}


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"organization_name": " "}, "organization_name", "Google Wallet refuses a pass without it."),
        ({"description": ""}, "description", "Google Wallet refuses a pass without it."),
        ({"images": {}}, "images", "Google Wallet has no logo to show"),
        ({"kind": "giftCard"}, "barcode_message", "Google Wallet wants the number of a gift card"),
        ({"kind": "giftCard", "barcode": {"format": "qr", "expression": ""}}, "barcode_message", "Google Wallet wants"),
        (fields(*[{"place": "secondary"}] * 9), "fields.place", "A card at Google Wallet has three rows of three."),
        (fields({"key": "a.b"}), "fields.key", "Google Wallet takes letters, digits, _ and - only."),
        (fields({"link": "www.example.com"}), "fields.link", "A link begins with https://"),
        (fields({"expression": "{% now %}"}), "fields.expression", "Only values like {{ points }} may be used here"),
        ({"locations": [PLACE] * 11}, "locations", "Google Wallet refuses more than 10 places."),
        ({"google": {"class": {"colour": "red"}}}, "google_additions", "class.colour is no key that Google Wallet"),
        ({"google": {"object": {"accountName": "{{ name|nothing }}"}}}, "google_additions", "This value cannot"),
        (with_rows(*[row("object.accountName")] * 4), "google_additions", "A card at Google Wallet has 3"),
        (with_rows(row("object.textModulesData['tier']")), "google_additions",
         "object.textModulesData['tier'] is no text module."),
        (with_rows(row('class.textModulesData["tier"]')), "google_additions",
         "class.textModulesData['tier'] is no text module."),
        ({"google": {"object": {"textModulesData": [{"id": "a.b", "body": "x"}]}}}, "google_additions",
         "object.textModulesData needs an id of letters, digits, _ and -."),
        ({"google": {"object": {"textModulesData": [{"body": "x"}]}}}, "google_additions",
         "object.textModulesData needs an id of letters, digits, _ and -."),
        ({**fields({"key": "tier"}), "google": {"object": {"textModulesData": [{"id": "tier"}]}}}, "google_additions",
         "object.textModulesData: two of them are called tier."),
        ({"locations": [PLACE] * 6, "google": {"class": {"merchantLocations": [PLACE] * 5}}}, "google_additions",
         "Google Wallet refuses more than 10 places."),
        ({"google": {"class": {"wideProgramLogo": PICTURE}}}, "google_additions",
         "http://example.com/a.png: Google Wallet fetches pictures from public https addresses only."),
        ({"google": {"object": {"linksModuleData": {"uris": [{"uri": "example.com"}]}}}}, "google_additions",
         "example.com: a link begins with https://"),
    ],
)  # fmt: skip
def test_what_google_refuses_is_an_error(changes: dict[str, Any], field: str, sentence: str) -> None:
    found = told(**changes)

    assert [(severity, place) for severity, place, _ in found if severity == "error"] == [("error", field)]
    assert found[0][2].startswith(sentence)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"organization_name": "A name that is far too long"}, "organization_name", "Google Wallet may cut it"),
        ({"logo_text": "A name that is far too long"}, "logo_text", "Google Wallet may cut it after 20"),
        ({"barcode": {"format": "itf", "expression": "1234"}}, "barcode_message", "Google Wallet shows a Code 128"),
        ({"fields": [{**FIELD, "format": ""}]}, "fields", "No field has the format “Number”"),
        ({"fields": [{**FIELD, "label": "Loyalty points"}]}, "fields.label", "Google Wallet may cut it after 9"),
        (fields({"label": "x" * 36}), "fields.label", "Google Wallet may cut it after 35 characters."),
        (fields(*[{"place": "back"}] * 11), "fields.place", "Google Wallet shows 10 texts below the card."),
        (fields(*[{"place": "back" if number > 8 else "secondary", "link": "https://example.com"}
                  for number in range(2, 13)]), "fields.link", "Google Wallet shows 10 links."),
        (fields({"format": "words"}), "fields.format", "Google Wallet shows a plain number."),
        (fields({"format": "date", "relative": True}), "fields.relative", "Google Wallet shows the date itself."),
        ({"kind": "generic", "fields": [{**FIELD, "change_message": "Now %@"}]}, "fields.change_message",
         "Google Wallet does not announce what changes on a generic pass."),
        ({"kind": "giftCard", "barcode": {"format": "qr", "expression": "1"}, "fields": []}, "fields",
         "No field has the format “Amount of money”"),
        ({"kind": "offer", "images": {}}, "images", "Google Wallet has no logo to show"),
        ({"images": {**design()["images"], "fr.lproj/googleLogo.png": "3"}}, "images.language",
         "Google Wallet shows one picture in all languages."),
        ({"beacons": [{"uuid": "x"}]}, "beacons", "Google Wallet knows no beacons."),
        ({"max_distance": 100}, "max_distance", "Google Wallet decides by itself"),
        ({"nfc": {"message": "1", "key": "x"}}, "nfc_message", "Google Wallet does not send it"),
        ({"moments": [{"starts": "2027-06-01"}]}, "moments.starts", "In Google Wallet, only event tickets"),
        ({"actions": [{"kind": "place", "target": "I7C2"}]}, "actions.target", "Google Wallet leaves it out"),
        ({"google": {"object": {"accountName": "A name that is far too long"}}}, "google_additions",
         "object.accountName may be cut after 20 characters."),
    ],
)  # fmt: skip
def test_what_google_cuts_or_does_not_know_is_a_warning(changes: dict[str, Any], field: str, sentence: str) -> None:
    [found] = told(**changes)

    assert found[:2] == ("warning", field)
    assert found[2].startswith(sentence)


@pytest.mark.parametrize(
    ("pictures", "sentences"),
    [
        ({"icon@3x.png": Png(114, 114, "1")}, ["It is 114 × 114 pixels; a “Logo for Google Wallet” is a square"]),
        ({"googleLogo.png": Png(800, 700, "1"), "icon.png": Png(38, 38, "2")}, ["It is 800 × 700 pixels"]),
        ({"googleLogo.png": Png(660, 660, "1"), "strip@3x.png": Png(1125, 432, "2")},
         ["It is 1125 × 432 pixels; the picture across a card of Google Wallet is 1032 × 336."]),
        ({"googleLogo.png": Png(660, 660, "1"), "googleHero.png": Png(516, 168, "2")}, ["It is 516 × 168 pixels"]),
        ({"googleLogo.png": Png(990, 990, "1"),
          "googleHero.png": Png(2064, 672, "2"), "strip.png": Png(9, 9, "3")}, []),
    ],
)  # fmt: skip
def test_pictures_have_the_shapes_that_google_wants(pictures: dict[str, Png], sentences: list[str]) -> None:
    found = told(Facts(pictures), images={name: png.sha1 for name, png in pictures.items()})

    assert [(severity, field) for severity, field, _ in found] == [("warning", "images.data")] * len(sentences)
    assert all(said.startswith(sentence) for (_, _, said), sentence in zip(found, sentences, strict=True))


def test_google_must_be_able_to_fetch_the_pictures() -> None:
    [found] = told(Facts(PICTURES, reachable=False))

    assert found[:2] == ("error", "images")
    assert "https" in found[2]


def test_rows_of_ones_own_name_the_fields_of_the_form_and_ones_own_modules() -> None:
    rows = [row("object.textModulesData['key0']", "object.textModulesData['own']", "class.textModulesData['shared']")]
    google = with_rows(*rows, textModulesData=[{"id": "shared", "body": "x"}])["google"]
    google["object"] = {"textModulesData": [{"id": "own", "body": "{{ x }}"}]}

    assert told(**fields({}), google=google) == []


def test_a_journey_is_asked_for_what_the_form_has_no_place_for() -> None:
    google = {"type": "transit", "class": {"transitType": "BUS"}, "object": {}}
    assert told(kind="generic", google=google) == [("error", "google_additions", "object.tripType is required.")]

    google["object"] = {"tripType": "ROUND_TRIP"}
    assert told(kind="generic", google=google) == []
    assert told(kind="generic", google=google, images={})[0][:2] == ("error", "images")
    lacking = told(kind="generic", google={"type": "flight"})
    assert ("error", "google_additions", "object.passengerName is required.") in lacking
    assert ("error", "google_additions", "class.flightHeader is required.") in lacking


def test_times_of_event_tickets_are_nothing_to_tell() -> None:
    assert told(kind="eventTicket", moments=[{"starts": "2027-06-01T20:00"}]) == []


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
        st.sampled_from(["classTemplateInfo", "cardTemplateOverride", "cardRowTemplateInfos", "textModulesData", "id",
                         "merchantLocations", "linksModuleData", "uris", "uri", "rewardsTier"]), inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


@given(
    kind=st.sampled_from(["customerCard", "offer", "giftCard", "eventTicket", "generic"]),
    given_class=JSON,
    given_object=JSON,
)
def test_no_json_breaks_the_linter(kind: str, given_class: Any, given_object: Any) -> None:
    found = lint(design(kind=kind, google={"class": given_class, "object": given_object}), Facts(PICTURES))

    assert all(finding.sentence and finding.severity in Severity for finding in found)
