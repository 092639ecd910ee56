"""The preview beside a template's form follows what is typed, and stores nothing of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from passes.admin.preview import picture
from passes.models import PassTemplate, TemplateField, TemplateImage, WalletPass
from portal.tenancy import Role
from tests.passes import world as passes
from tests.passes.test_admin_templates import form_of
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(world: World) -> PassTemplate:
    return world.rows[PassTemplate]


def preview(template: PassTemplate) -> str:
    return f"{url(PassTemplate, 'changelist')}{template.pk}/preview/"


def said(client: Client, template: PassTemplate, **typed: Any) -> str:
    answer = client.post(preview(template), form_of(template, **typed))
    assert answer.status_code == 200
    return answer.content.decode()


def line(number: int, field: TemplateField | None = None, **typed: Any) -> dict[str, Any]:
    """A field as the form posts it: a stored one, changed, or a new one."""
    stored = {"id": field.pk, "place": field.place, "key": field.key, "label": field.label,
              "expression": field.expression} if field else {}  # fmt: skip
    row = {"position": number, **stored, "date_style": "medium", **typed}
    return {f"fields-{number}-{name}": value for name, value in row.items()}


def test_colours_and_texts_show_before_they_are_saved(template: PassTemplate, owner: Client) -> None:
    text = said(owner, template, background_colour="#123456", logo_text="Typed just now")
    assert text.count("--pass-background:#123456") == 2  # in both wallets
    assert "Typed just now" in text
    assert "As you type" in text
    template.refresh_from_db()
    assert template.background_colour != "#123456"
    assert template.logo_text != "Typed just now"


def test_the_values_are_those_of_the_newest_pass(world: World, template: PassTemplate, owner: Client) -> None:
    typed = line(0, place="header", key="hello", label="Hello", expression="Dear {{ first_name }}")
    text = said(owner, template, **{"fields-TOTAL_FORMS": 1}, **typed)
    assert text.count("Dear Verdi Anna") == 2
    assert not template.fields.filter(key="hello").exists()


def test_without_a_pass_they_are_the_samples_as_typed(template: PassTemplate, owner: Client) -> None:
    WalletPass.objects.filter(template=template).delete()
    typed = line(0, place="header", key="town", label="Town", expression="{{ town }}")
    text = said(owner, template, sample_values='{"town": "Ghent"}', **{"fields-TOTAL_FORMS": 1}, **typed)
    assert "As you type, with sample values." in text
    assert text.count("Ghent") == 2


def test_a_field_that_is_changed_or_taken_out_is_so_on_the_cards(template: PassTemplate, owner: Client) -> None:
    field = template.fields.get()
    counts = {"fields-TOTAL_FORMS": 1, "fields-INITIAL_FORMS": 1}
    assert "Typed label" in said(owner, template, **counts, **line(0, field, label="Typed label"))
    gone = said(owner, template, **counts, **line(0, field, label="Typed label", DELETE="on"))
    assert "Typed label" not in gone
    field.refresh_from_db()
    assert field.label != "Typed label"


def test_fields_stand_in_the_order_of_their_positions(template: PassTemplate, owner: Client) -> None:
    typed = {
        **line(0, place="back", key="a", label="Later", expression="x"), "fields-0-position": 9,
        **line(1, place="secondary", key="b", label="Second", expression="x"), "fields-1-position": 2,
        **line(2, place="secondary", key="c", label="First", expression="x"), "fields-2-position": 1,
    }  # fmt: skip
    text = said(owner, template, **{"fields-TOTAL_FORMS": 3}, **typed)
    assert text.index("First") < text.index("Second")


def test_a_picture_shows_before_it_is_uploaded_for_good(template: PassTemplate, owner: Client) -> None:
    data = passes.png(77)
    upload = SimpleUploadedFile("logo.png", data, "image/png")
    typed = {"images-TOTAL_FORMS": 1, "images-0-role": "logo", "images-0-scale": 3, "images-0-data": upload}
    text = said(owner, template, **typed)
    assert picture(TemplateImage(data=data)) in text
    assert not template.images.filter(role="logo", scale=3).exists()


def test_what_is_incomplete_is_named_and_the_rest_is_shown(template: PassTemplate, owner: Client) -> None:
    upload = SimpleUploadedFile("logo.png", b"no picture", "image/png")
    typed = {"images-TOTAL_FORMS": 1, "images-0-role": "logo", "images-0-scale": 1, "images-0-data": upload}
    text = said(owner, template, name="", logo_text="Typed just now", **typed)
    assert "Something in the form is not complete yet: Name, Images." in text
    assert "Typed just now" in text


def test_while_a_value_cannot_be_worked_out_the_last_cards_stay(template: PassTemplate, owner: Client) -> None:
    answer = owner.post(preview(template), form_of(template, barcode_format="qr", barcode_message="{% now %}"))
    assert answer["HX-Retarget"] == "#cards-said"
    text = answer.content.decode()
    assert "no tags" in text
    assert "portal-pass-top" not in text
    assert "HX-Retarget" not in owner.post(preview(template), form_of(template)).headers


def test_what_the_linters_say_follows_too_with_the_line_of_the_form(template: PassTemplate, owner: Client) -> None:
    typed = {
        **line(0, place="back", key="fine", label="Fine", expression="x"), "fields-0-position": 5,
        **line(1, place="back", key="bad", label="Bad", expression="x", link="nowhere"), "fields-1-position": 1,
    }  # fmt: skip
    text = said(owner, template, **{"fields-TOTAL_FORMS": 2}, **typed)
    findings = text[text.index('id="findings"') :]
    assert "A link begins with https://, mailto: or tel:." in findings
    assert 'data-field="id_fields-1-link"' in findings


@pytest.mark.parametrize("typed", ['{"class": {"heroImage": 5}}', '{"object": []}', '{"class": {"type": "boat"}}'])
def test_additions_that_google_knows_not_are_told(template: PassTemplate, owner: Client, typed: str) -> None:
    answer = owner.post(preview(template), form_of(template, google_additions=typed))
    assert answer.status_code == 200
    assert 'class="portal-error"' in answer.content.decode()


@pytest.mark.parametrize("typed", [
    '{"class": {"wideProgramLogo": {}, "programLogo": {}}}',
    '{"class": {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": [{"oneItem": {"item": {}}}]}}}}',
    '{"object": {"textModulesData": [{"body": "Without a name"}]}}',
])  # fmt: skip
def test_additions_that_lack_what_a_card_shows_are_drawn_without(
    template: PassTemplate, owner: Client, typed: str
) -> None:
    assert "portal-gpass-top" in said(owner, template, google_additions=typed)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_who_may_not_design_sees_what_is_saved_only(world: World, template: PassTemplate, role: Role) -> None:
    client = client_of(member(world, role))
    assert client.post(preview(template), form_of(template)).status_code == 404
    page = client.get(url(PassTemplate, "change", template.pk)).content.decode()
    assert "portal-gpass" in page
    assert "hx-post" not in page


def test_another_tenants_template_is_not_there(owner: Client) -> None:
    theirs = make_world("Other").rows[PassTemplate]
    assert owner.post(preview(theirs), form_of(theirs)).status_code == 404


def test_another_tenants_rows_are_not_drawn(template: PassTemplate, owner: Client) -> None:
    theirs = make_world("Other").rows[TemplateField]
    typed = line(0, theirs, label="Typed label")
    text = said(owner, template, **{"fields-TOTAL_FORMS": 1, "fields-INITIAL_FORMS": 1}, **typed)
    assert "Other points" not in text
    theirs.refresh_from_db()
    assert theirs.label == "Other points"


def test_it_takes_posts_with_a_token_only(world: World, template: PassTemplate, owner: Client) -> None:
    assert owner.get(preview(template)).status_code == 405
    client = client_of(world.owner, enforce_csrf_checks=True)
    assert client.post(preview(template), form_of(template)).status_code == 403
