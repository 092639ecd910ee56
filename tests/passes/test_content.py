from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from passes.content import ContentError, content_hash, render
from passes.design import design_of
from passes.models import PassTemplate, TemplateText
from tests.passes import world

values = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=8))


@given(values, st.randoms())
def test_the_hash_does_not_depend_on_the_order_of_keys(data: dict[str, Any], random: Any) -> None:
    shuffled = list(data.items())
    random.shuffle(shuffled)

    assert content_hash(dict(shuffled)) == content_hash(data)


@given(values, values)
def test_different_content_has_different_hashes(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (content_hash(one) == content_hash(other)) == (repr(sorted(one.items())) == repr(sorted(other.items())))


@pytest.mark.django_db
class TestRendering:
    def test_holds_what_its_docstring_promises(self) -> None:
        design = world.template(barcode_format="qr", barcode_message="{{ card_number }}", logo_text="Coffee")
        TemplateText.objects.create(template=design, language="nl", text="Points", translation="Punten")

        content = render(design_of(design), {"points": 420, "first_name": "Éva", "last_name": None, "card_number": 17})

        assert content.data == {
            "kind": "customerCard",
            "organization_name": "Example Coffee",
            "description": "Loyalty card",
            "logo_text": "Coffee",
            "colours": {"background": "#1F2937", "text": "#FFFFFF", "label": "#CBD5E1"},
            "language": "en",
            "fields": [
                {"place": "header", "key": "points", "label": "Points", "value": 420,
                 "change_message": "You now have %@ points"},
                {"place": "secondary", "key": "member", "label": "Member", "value": "Éva", "change_message": ""},
            ],
            "barcode": {"format": "qr", "message": "17"},
            "texts": {"nl": {"Points": "Punten"}},
            "images": {image.file_name: image.sha1 for image in design.images.all()},
            "voided": False,
        }  # fmt: skip

    def test_has_a_line_for_messages_before_there_is_one_because_phones_announce_changes_only(self) -> None:
        design = world.template(carries_messages=True, fields=[])
        quiet = render(design_of(design), {}).data
        told = render(design_of(design), {"message": "Double points"}).data

        line = {"place": "back", "key": "message", "label": "Message"}
        assert quiet["fields"] == [{**line, "value": "", "change_message": "%@"}]
        assert told["fields"] == [{**line, "value": "Double points", "change_message": "%@"}]
        assert told["texts"] == {"nl": {"Message": "Bericht"}}

    def test_leaves_messages_to_the_design_that_places_them(self) -> None:
        own = ("back", "news", "News", "{{ message }}", "%@")
        placed = render(design_of(world.template(carries_messages=True, fields=[own])), {"message": "Hi"}).data
        assert [field["key"] for field in placed["fields"]] == ["news"]
        without = render(design_of(world.template(fields=[])), {"message": "Hi"}).data
        assert without["fields"] == []

    @pytest.mark.parametrize("language", ["en", "fr", "nl"])
    @pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
    def test_has_the_same_hash_whoever_renders_it(self, language: str, zone: str) -> None:
        design = world.template(
            fields=[("back", "until", "Until", '{{ until|date:"l j F Y H:i" }} {{ balance|floatformat:"2g" }}', "")]
        )
        held = {"until": "2027-03-01T12:00:00Z", "balance": 1234.5}
        plain = render(design_of(design), held).hash

        with translation.override(language), timezone.override(zone):
            assert render(design_of(design), dict(reversed(held.items()))).hash == plain

    def test_has_another_hash_when_an_image_changes(self) -> None:
        design = world.template()
        before = render(design_of(design), {}).hash
        icon = design.images.get(role="icon", scale=2)
        icon.data = world.png(9)
        icon.save()

        assert render(design_of(PassTemplate.objects.get(pk=design.pk)), {}).hash != before

    def test_knows_no_barcode_without_a_message(self) -> None:
        design = world.template(barcode_format="qr", barcode_message="{{ card_number }}")

        assert render(design_of(design), {}).data["barcode"] is None

    def test_names_the_field_that_cannot_be_worked_out_and_no_value(self) -> None:
        design = world.template(fields=[("back", "odd", "Lucky", "{{ points|divisibleby:0 }}", "")])

        with pytest.raises(ContentError) as caught:
            render(design_of(design), {"points": 4242})

        assert str(caught.value) == "“Lucky”: {{ points|divisibleby:0 }} cannot be worked out (ZeroDivisionError)."

    @pytest.mark.parametrize(
        ("options", "given", "reason"),
        [
            ({"format": "currency", "currency": "EUR"}, "a lot", "the value is not a number."),
            ({"format": "number"}, "12,50", "the value is not a number."),
            ({"format": "date"}, "31/03/2027", "the value is not a date, such as 2027-03-31."),
            ({"format": "date"}, "2027-02-30", "the value is not a date, such as 2027-03-31."),
            ({"link": "{{ given }}"}, "javascript:alert(1)", "the link is not a web address."),
        ],
    )
    def test_does_not_show_a_value_as_what_it_is_not(self, options: dict[str, str], given: str, reason: str) -> None:
        design = world.template(fields=[])
        design.fields.create(place="back", key="odd", label="Odd", expression="{{ given }}", **options)

        with pytest.raises(ContentError) as caught:
            render(design_of(design), {"given": given})

        assert str(caught.value) == f"“Odd”: {reason}"

    def test_leaves_out_what_is_not_set_so_that_new_options_change_no_published_design(self) -> None:
        [field] = design_of(world.template(fields=[world.POINTS]))["fields"]

        assert set(field) == {"place", "key", "label", "expression", "change_message"}

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"apple_additions": {"semantics": {"flightNumber": "{{ given }}"}}},
             "“Additions to pass.json”: semantics.flightNumber must be a whole number, no quotes."),
            ({"expires": "{{ given }}"}, "“Valid until”: the value is not a date, such as 2027-03-31."),
            ({"nfc_message": "{{ given }}" * 17}, "“NFC message”: the value is longer than 64 bytes."),
        ],
    )  # fmt: skip
    def test_names_the_option_that_a_value_does_not_fit(self, options: dict[str, Any], reason: str) -> None:
        with pytest.raises(ContentError) as caught:
            render(design_of(world.template(**options)), {"given": "soon"})

        assert str(caught.value) == reason

    def test_leaves_out_options_that_are_empty_for_a_customer(self) -> None:
        options = {"expires": "{{ no }}", "grouping": "{{ no }}", "app_link": "{{ no }}", "nfc_message": "{{ no }}"}
        made = render(design_of(world.template(**options, apple_additions={"eventLogoText": "{{ no }}"})), {}).data

        assert not {"expires", "grouping", "app_link", "nfc", "apple"} & set(made)
