"""Templates in the admin: their form, what it tells, publishing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms.models import model_to_dict
from django.test import Client, override_settings

from passes.design import design_of
from passes.models import AppleCredentials, PassTemplate, TemplateField, TemplateImage, TemplateText, WalletPass
from portal.models import Event, Job
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, action, client_of, make_world, member, url
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def form_of(template: PassTemplate, **changes: Any) -> dict[str, Any]:
    """What the browser posts for a template without touching its inlines."""
    skipped = {"id", "tenant"}
    data = {name: value for name, value in model_to_dict(template).items() if name not in skipped and value is not None}
    for prefix in ("fields", "texts", "images", "moments", "locations", "beacons", "actions",
                   "conditions"):  # fmt: skip
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    if not data.get("active"):
        data.pop("active", None)
    return {**data, **changes}


def test_a_marketer_makes_a_template_of_the_own_tenant(world: World) -> None:
    client = client_of(member(world, Role.MARKETER))
    draft = PassTemplate(name="Coupon", organization_name="Verdi", description="Coupon")
    response = client.post(url(PassTemplate, "add"), form_of(draft, apple=world.rows[AppleCredentials].pk))
    made = PassTemplate.objects.get(name="Coupon")
    assert response.status_code == 302
    assert made.tenant == world.tenant


def test_another_tenants_certificate_is_no_choice_and_is_refused(world: World, owner: Client) -> None:
    other = make_world("Other")
    text = owner.get(url(PassTemplate, "add")).content.decode()
    assert "Verdi certificate" in text
    assert "Other certificate" not in text
    template = world.rows[PassTemplate]
    for address in (url(PassTemplate, "add"), url(PassTemplate, "change", template.pk)):
        forged = form_of(template, name="Forged", apple=other.rows[AppleCredentials].pk)
        assert "Select a valid choice" in owner.post(address, forged).content.decode()
    assert not PassTemplate.objects.filter(name="Forged").exists()


def test_another_tenants_inline_rows_cannot_be_taken_over(world: World, owner: Client) -> None:
    other = make_world("Other")
    theirs, template = other.rows[TemplateField], world.rows[PassTemplate]
    forged = form_of(template, **{
        "fields-TOTAL_FORMS": 1, "fields-INITIAL_FORMS": 1, "fields-0-id": theirs.pk, "fields-0-template": template.pk,
        "fields-0-position": 0, "fields-0-place": "header", "fields-0-key": "taken", "fields-0-expression": "x",
    })  # fmt: skip
    owner.post(url(PassTemplate, "change", template.pk), forged)
    theirs.refresh_from_db()
    assert theirs.template == other.rows[PassTemplate]
    assert theirs.key != "taken"


def test_a_superuser_who_looks_at_all_tenants_chooses_one(world: World, django_user_model: type[User]) -> None:
    other = make_world("Other")
    client = client_of(django_user_model.objects.create_superuser("root"))
    text = client.get(url(PassTemplate, "add")).content.decode()
    select = text[text.index('name="tenant"') : text.index("</select>", text.index('name="tenant"'))]
    assert "Verdi brand" in select
    assert "Other brand" in select
    draft = PassTemplate(name="Coupon", organization_name="Verdi", description="Coupon")
    mixed = form_of(draft, tenant=world.tenant.pk, apple=other.rows[AppleCredentials].pk)
    assert client.post(url(PassTemplate, "add"), mixed).status_code == 200
    assert client.post(url(PassTemplate, "add"), form_of(draft, tenant=other.tenant.pk)).status_code == 302
    assert PassTemplate.objects.get(name="Coupon").tenant == other.tenant


def test_what_is_added_belongs_to_the_tenant_that_is_looked_at(world: World) -> None:
    other = make_world("Other")
    user = member(world, Role.MARKETER)
    make.MembershipFactory.make(user=user, tenant=other.tenant, role=Role.MARKETER)
    client = client_of(user)
    client.post("/admin/tenant/", {"tenant": world.tenant.pk})
    draft = PassTemplate(name="Coupon", organization_name="Verdi", description="Coupon")
    assert client.post(url(PassTemplate, "add"), form_of(draft, tenant=other.tenant.pk)).status_code == 302
    assert PassTemplate.objects.get(name="Coupon").tenant == world.tenant
    mixed = form_of(draft, name="Mixed", apple=other.rows[AppleCredentials].pk)
    assert client.post(url(PassTemplate, "add"), mixed).status_code == 200
    assert not PassTemplate.objects.filter(name="Mixed").exists()


def test_a_colour_in_small_letters_is_no_change(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    small = form_of(template, background_colour=template.background_colour.lower())
    assert owner.post(url(PassTemplate, "change", template.pk), small).status_code == 302
    template.refresh_from_db()
    assert template.background_colour == template.background_colour.upper()


def test_a_value_that_nobody_has_is_told_when_a_template_is_saved(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    page = url(PassTemplate, "change", template.pk)
    assert owner.post(page, form_of(template, barcode_format="qr", barcode_message="{{ card_nr }}")).status_code == 302
    assert "stay empty on the card: card_nr. Known: first_name, points." in owner.get(page).content.decode()
    assert owner.post(page, form_of(template, barcode_format="qr", barcode_message="{{ points }}")).status_code == 302
    assert "stay empty on the card: card_nr" not in owner.get(page).content.decode()


def test_errors_are_told_with_their_place_all_at_once_and_nothing_is_published(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    TemplateImage.objects.filter(template=template).delete()
    page = url(PassTemplate, "change", template.pk)
    saved = owner.post(page, form_of(template, grouping="orders", app_link="coffee://card"), follow=True)
    assert "It cannot be published yet: there are 3 errors in it." in saved.content.decode()
    publishing = action(PassTemplate, template.pk, "publish")
    for text in (owner.get(page).content.decode(), owner.get(publishing).content.decode()):
        for place, sentence in (
            ("Images", "There is no icon. Phones refuse a pass without one."),
            ("Group", "Only event tickets lie in groups"),
            ("Link into the app", "Which app is it?"),
        ):
            assert place in text
            assert sentence in text
    assert 'data-field="id_grouping"' in owner.get(page).content.decode()
    owner.post(publishing, SUBMIT)
    assert not Job.objects.filter(kind="template.publication").exists()


def test_a_finding_leads_to_the_line_of_the_form_that_it_is_about(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    make.TemplateFieldFactory.make(template=template, label="Odd", position=7, expression="{% if %}")
    page = owner.get(url(PassTemplate, "change", template.pk)).content.decode()
    assert 'data-field="id_fields-1-expression"' in page
    assert 'id="id_fields-1-expression"' in page


@pytest.mark.slow
def test_a_thousand_fields_are_an_error_of_the_form(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    many: dict[str, Any] = {"fields-TOTAL_FORMS": 1000}
    for number in range(1000):
        row = {"position": number, "place": "back", "key": f"key{number}", "expression": "x"}
        many |= {f"fields-{number}-{name}": value for name, value in row.items()}
    with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=10_000):
        response = owner.post(url(PassTemplate, "change", template.pk), form_of(template, **many))
    assert response.status_code == 200
    assert "Please submit at most 200 forms." in response.content.decode()
    assert template.fields.count() == 1


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', "[" * 500 + "]" * 500, "[" * 100_000, '"' + "x" * 30_000 + '"', "{", "[1]", "5"]
)
@pytest.mark.parametrize("field", ["apple_additions", "google_additions"])
def test_additions_that_nothing_can_store_are_refused(world: World, owner: Client, field: str, text: str) -> None:
    template = world.rows[PassTemplate]
    response = owner.post(url(PassTemplate, "change", template.pk), form_of(template, **{field: text}))
    assert response.status_code == 200
    template.refresh_from_db()
    assert getattr(template, field) is None


def test_additions_for_google_are_part_of_the_design(world: World, owner: Client) -> None:
    template, additions = world.rows[PassTemplate], {"object": {"accountName": "{{ first_name }}"}}
    form = form_of(template, google_additions=json.dumps(additions))
    assert owner.post(url(PassTemplate, "change", template.pk), form).status_code == 302
    assert design_of(PassTemplate.objects.get(pk=template.pk))["google"] == additions
    page = owner.get(url(PassTemplate, "change", template.pk)).content.decode()
    assert "Google Wallet: additions" in page
    assert "accountName" in page


def test_a_template_that_somebody_holds_a_pass_of_is_not_removed(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    assert owner.post(url(PassTemplate, "delete", template.pk), {"post": "yes"}).status_code == 403
    page = owner.get(url(PassTemplate, "change", template.pk)).content.decode()
    assert url(PassTemplate, "delete", template.pk) not in page
    fresh = make.TemplateFactory.make(tenant=world.tenant)
    assert owner.post(url(PassTemplate, "delete", fresh.pk), {"post": "yes"}).status_code == 302


def test_a_pass_says_what_was_put_on_it_alone(world: World, owner: Client) -> None:
    held = world.rows[WalletPass]
    page = url(WalletPass, "change", held.pk)
    assert "Put on this pass alone" not in owner.get(page).content.decode()
    WalletPass.objects.update(values={"offer": "Free coffee"})
    assert "Free coffee" in owner.get(page).content.decode()


def test_a_picture_is_uploaded_shown_and_kept(world: World, owner: Client) -> None:
    template, picture = world.rows[PassTemplate], make.picture()
    page = url(PassTemplate, "change", template.pk)
    image = world.rows[TemplateImage]
    inline = {
        "images-TOTAL_FORMS": 2, "images-INITIAL_FORMS": 1, "images-0-id": image.pk,
        "images-0-template": template.pk, "images-0-role": "icon", "images-0-scale": 1,
        "images-1-template": template.pk, "images-1-role": "logo", "images-1-scale": 1,
    }  # fmt: skip
    wrong = SimpleUploadedFile("logo.png", b"GIF89a", "image/png")
    assert "not a PNG" in owner.post(page, form_of(template, **inline, **{"images-1-data": wrong})).content.decode()
    right = SimpleUploadedFile("logo.png", picture, "image/png")
    assert owner.post(page, form_of(template, **inline, **{"images-1-data": right})).status_code == 302
    assert {row.role: bytes(row.data) for row in template.images.all()} == {"icon": bytes(image.data), "logo": picture}
    assert "data:image/png;base64," in owner.get(page).content.decode()


def test_publishing_shows_what_changes_and_renews_each_pass(world: World, owner: Client) -> None:
    template, wallet_pass = world.rows[PassTemplate], world.rows[WalletPass]
    address = action(PassTemplate, template.pk, "publish")
    assert "Nothing would change" in owner.get(address).content.decode()
    world.rows[TemplateField].expression = "{{ points }} pts"
    world.rows[TemplateField].save()
    text = owner.get(address).content.decode()
    for part in ("one pass", "Verdi@example.com", "Verdi points", "120 pts"):
        assert part in text, part
    wallet_pass.refresh_from_db()
    assert wallet_pass.content["fields"][0]["value"] == 120
    assert not Job.objects.filter(kind="template.publication").exists()

    response = owner.post(address, SUBMIT, HTTP_HX_REQUEST="true")
    job = Job.objects.get(kind="template.publication")
    assert response["HX-Redirect"] == url(Job, "change", job.pk)
    assert (job.total, str(job)) == (1, "Publish “Verdi card”")
    Worker().until_ended(job)
    wallet_pass.refresh_from_db()
    assert wallet_pass.content["fields"][0]["value"] == "120 pts"
    assert Event.objects.get(kind="pass.refresh", job=job).payload == {"pass": wallet_pass.pk}
    assert "Published." in owner.get(url(PassTemplate, "history", template.pk)).content.decode()


def test_publishing_silently_is_a_tick_in_the_dialog(world: World, owner: Client) -> None:
    template, wallet_pass = world.rows[PassTemplate], world.rows[WalletPass]
    TemplateField.objects.filter(template=template).update(expression="{{ points }} pts", change_message="%@")
    address = action(PassTemplate, template.pk, "publish")
    assert 'name="silent"' in owner.get(address).content.decode()

    owner.post(address, {**SUBMIT, "silent": "on"}, HTTP_HX_REQUEST="true")

    job = Job.objects.get(kind="template.publication")
    assert str(job) == "Publish “Verdi card” silently"
    Worker().until_ended(job)
    wallet_pass.refresh_from_db()
    assert [field.get("hushed") for field in wallet_pass.content["fields"][:1]] == [True]
    assert "Published silently." in owner.get(url(PassTemplate, "history", template.pk)).content.decode()


def test_publishing_names_whatever_changes(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    world.rows[TemplateField].format = "number"
    world.rows[TemplateField].save()
    PassTemplate.objects.filter(pk=template.pk).update(expires="2027-12-31", poster=False, sharing_prohibited=True)
    text = owner.get(action(PassTemplate, template.pk, "publish")).content.decode()
    for part in ("Format of Verdi points", "Valid until", "2027-12-31T23:59:59+01:00", "Share button"):
        assert part in text, part


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_publishing_is_for_those_who_configure(world: World, role: Role) -> None:
    client = client_of(member(world, role))
    address = action(PassTemplate, world.rows[PassTemplate].pk, "publish")
    assert client.post(address, SUBMIT).status_code == 403
    assert not Job.objects.filter(kind="template.publication").exists()


def test_a_design_that_cannot_be_worked_out_still_has_a_page(world: World, owner: Client) -> None:
    TemplateField.objects.filter(pk=world.rows[TemplateField].pk).update(expression="{{ points|number:'x' }}{% if %}")
    template = world.rows[PassTemplate]
    assert owner.get(url(PassTemplate, "change", template.pk)).status_code == 200
    assert owner.get(action(PassTemplate, template.pk, "publish")).status_code == 200


def test_translations_are_shown_to_those_who_only_read(world: World) -> None:
    page = url(PassTemplate, "change", world.rows[PassTemplate].pk)
    text = client_of(member(world, Role.AUDITOR)).get(page).content.decode()
    assert world.rows[TemplateText].translation in text
    assert 'type="file"' not in text
