"""The history of the configuration: who changed what, when, from what, to what; and who edits at the same time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from integrations.actito.models import ActitoConnection, AttributeMapping
from passes.models import PassTemplate, TemplateField, WalletPass
from portal import history
from portal.admin.changes import told
from portal.models import Change, Customer, Membership, Tenant
from portal.models.change import Unchangeable
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def form_in(client: Client, page: str) -> dict[str, Any]:
    """What a browser would post back from the page's form, unchanged."""
    context = client.get(page).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    posted = {"_seen": str(context["seen"])}
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is not None and value is not False:
                posted[bound.html_name] = value
    return posted


@pytest.fixture
def edit(owner: Client) -> Callable[..., Any]:
    def edit(row: Any, client: Client = owner, **changed: Any) -> Any:
        page = url(type(row), "change", row.pk)
        return client.post(page, {**form_in(client, page), **changed})

    return edit


def newest() -> Change:
    return Change.objects.order_by("-pk")[0]


def lines(change: Change) -> list[tuple[str, str, str]]:
    return [(line.name, line.before, line.after) for line in told(change)]


def test_a_change_says_who_what_before_and_after(world: World, edit: Callable[..., Any]) -> None:
    template = world.rows[PassTemplate]
    assert edit(template, name="Gold card").status_code == 302
    change = newest()
    assert (change.who, change.kind, change.tenant) == (world.owner.username, "changed", world.tenant)
    assert lines(change) == [("Name", "Verdi card", "Gold card")]


def test_saving_without_a_change_adds_nothing(world: World, edit: Callable[..., Any]) -> None:
    before = Change.objects.count()
    assert edit(world.rows[PassTemplate]).status_code == 302
    assert Change.objects.count() == before


def test_parts_are_told_one_by_one(world: World, edit: Callable[..., Any]) -> None:
    connection, mapping = world.rows[ActitoConnection], world.rows[AttributeMapping]
    edit(connection, **{"mappings-0-value_name": "credit"})
    assert [after for _, _, after in lines(newest())] == ["credit"]
    edit(connection, **{"mappings-0-DELETE": "on"})
    [(_, before, after)] = lines(newest())
    assert "VerdiPoints" in before
    assert after == "–"
    assert not AttributeMapping.objects.filter(pk=mapping.pk).exists()


def test_secrets_are_masked_before_they_are_kept(world: World, edit: Callable[..., Any]) -> None:
    connection = world.rows[ActitoConnection]
    assert edit(connection, api_key="SECRET-new").status_code == 302
    change = newest()
    assert lines(change) == [("API key", "••••••••", "••••••••")]
    with database.cursor() as cursor:
        cursor.execute("SELECT differences FROM portal_change")
        kept = repr(cursor.fetchall())
    assert "SECRET" not in kept
    assert "v1:" not in kept
    assert "fingerprint" not in kept


def test_adding_and_removing_are_kept_whole(world: World, owner: Client) -> None:
    page = url(ActitoConnection, "add")
    given = {
        "name": "Second", "host": "https://api3.actito.com", "path_style": "v4", "licence": "verdi", "entity": "e",
        "table": "T", "unique_key": "emailAddress", "language_attribute": "", "api_key": "SECRET-two",
        "nightly_reads": 1000,
        "mappings-TOTAL_FORMS": 0, "mappings-INITIAL_FORMS": 0, "parameters-TOTAL_FORMS": 0,
        "parameters-INITIAL_FORMS": 0,
    }  # fmt: skip
    given["path_style"] = ActitoConnection.PathStyle.values[0]
    assert owner.post(page, given).status_code == 302
    added = newest()
    assert (added.kind, added.name) == ("added", "Second")
    assert ("API key", "–", "••••••••") in lines(added)
    made = ActitoConnection.objects.get(name="Second")
    assert owner.post(url(ActitoConnection, "delete", made.pk), {"post": "yes"}).status_code == 302
    removed = newest()
    assert (removed.kind, removed.object_key) == ("removed", str(made.pk))
    assert ("Name", "Second", "–") in lines(removed)


def test_a_dialog_leaves_its_sentence(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    owner.post(url(PassTemplate, "changelist") + f"{template.pk}/publish/", SUBMIT)
    change = history.of(template)[0]
    assert (change.kind, change.sentence, change.who) == ("done", "Published.", world.owner.username)


def test_a_password_that_a_superuser_sets_or_removes_is_noted(world: World, django_user_model: type[User]) -> None:
    root = client_of(django_user_model.objects.create_superuser("root"))
    page = reverse("admin:auth_user_password_change", args=[world.owner.pk])
    chosen = {"password1": "another long 42", "password2": "another long 42"}
    for more, sentence in (({"usable_password": "true", **chosen}, "Password set."),
                           ({"usable_password": "false", "unset-password": "1"}, "Password removed.")):  # fmt: skip
        assert root.post(page, more).status_code == 302
        change = history.of(world.owner)[0]
        assert (change.who, change.sentence, change.differences, change.tenant) == ("root", sentence, [], None)


def test_a_password_that_somebody_changes_themselves_is_noted_and_is_no_tenants_business(world: World) -> None:
    world.owner.set_password("a long password 17")
    world.owner.save()
    client = client_of(world.owner)
    chosen = {"new_password1": "another long 42", "new_password2": "another long 42"}
    client.post("/admin/password_change/", {"old_password": "wrong", **chosen})
    assert not history.of(world.owner).exists()
    assert client.post("/admin/password_change/", {"old_password": "a long password 17", **chosen}).status_code == 302
    change = history.of(world.owner)[0]
    assert (change.who, change.sentence) == (world.owner.username, "Password changed.")
    assert "Password changed." not in client.get(url(Change, "changelist")).content.decode()


def test_the_reason_of_a_suspension_is_kept(world: World, django_user_model: type[User]) -> None:
    root = client_of(django_user_model.objects.create_superuser("root"))
    root.post(url(Tenant, "changelist") + f"{world.tenant.pk}/suspend/", {**SUBMIT, "reason": "Not paid."})
    change = history.of(world.tenant)[0]
    assert (change.sentence, lines(change)) == ("Suspended.", [("Reason", "–", "Not paid.")])


def test_reading_a_customer_again_leaves_who_asked_for_it_and_no_name(world: World, owner: Client) -> None:
    customer = world.rows[Customer]
    owner.post(url(Customer, "changelist") + f"{customer.pk}/sync/", SUBMIT)
    change = history.of(customer)[0]
    assert (change.who, change.sentence, change.name) == (world.owner.username, "Read again.", "")
    assert customer.key not in str(change.differences)


def test_roles_are_part_of_it(world: World, edit: Callable[..., Any]) -> None:
    person = make.MembershipFactory.make(tenant=world.tenant, role=Role.AUDITOR)
    assert edit(person, role="marketer").status_code == 302
    assert lines(newest()) == [("Role", "Auditor", "Marketer")]


def test_the_names_of_customers_are_not_kept(world: World) -> None:
    for row in (world.rows[Customer], world.rows[WalletPass]):
        assert history.record(row, by=world.owner, kind=Change.Kind.DONE, sentence="Voided.").name == ""


def test_the_page_of_a_change_says_who_when_and_what(world: World, owner: Client, edit: Callable[..., Any]) -> None:
    template = world.rows[PassTemplate]
    edit(template, name="Gold card")
    text = owner.get(url(Change, "change", newest().pk)).content.decode()
    for part in (world.owner.username, "Verdi card", "Gold card", "Open what was changed"):
        assert part in text, part
    owner.post(url(PassTemplate, "changelist") + f"{template.pk}/publish/", SUBMIT)
    assert "Published." in owner.get(url(Change, "change", newest().pk)).content.decode()


def test_nobody_edits_or_removes_what_is_written(world: World, owner: Client) -> None:
    change = world.rows[Change]
    with pytest.raises(Unchangeable):
        change.save()
    with pytest.raises(Unchangeable):
        change.delete()
    with pytest.raises(Unchangeable):
        Change.objects.all().delete()
    with pytest.raises(Unchangeable):
        Change.objects.update(who="nobody")
    for page in ("change", "delete"):
        assert owner.post(url(Change, page, change.pk), {"post": "yes", "who": "x"}).status_code in {302, 403}
    assert owner.get(url(Change, "add")).status_code == 403
    change.refresh_from_db()
    assert change.who == f"{world.mark}-owner@example.com"


@pytest.mark.parametrize(("role", "allowed"), [(Role.OWNER, 200), (Role.AUDITOR, 200), (Role.MARKETER, 403)])
def test_owners_and_auditors_read_the_tenants_history(world: World, role: Role, allowed: int) -> None:
    client = client_of(member(world, role))
    assert client.get(url(Change, "changelist")).status_code == allowed
    assert client.get(url(Change, "change", world.rows[Change].pk)).status_code == allowed


def test_an_objects_own_history_is_for_all_who_see_the_object(world: World, edit: Callable[..., Any]) -> None:
    template = world.rows[PassTemplate]
    edit(template, name="Gold card")
    text = client_of(member(world, Role.OPERATOR)).get(url(PassTemplate, "history", template.pk)).content.decode()
    assert "Gold card" in text
    assert world.owner.username in text


def test_an_objects_history_is_not_that_of_another_with_the_same_key(world: World) -> None:
    field = world.rows[TemplateField]
    assert not history.of(field).exists()
    assert history.of(world.rows[PassTemplate]).exists() or world.rows[Change].object_key


# Two people at once


def test_the_second_of_two_editors_is_told_and_sees_the_difference(world: World, edit: Callable[..., Any]) -> None:
    template = world.rows[PassTemplate]
    page = url(PassTemplate, "change", template.pk)
    late = client_of(member(world, Role.MARKETER))
    open_form = form_in(late, page)
    edit(template, name="Gold card")
    response = late.post(page, {**open_form, "logo_text": "Late"})
    text = response.content.decode()
    assert response.status_code == 200
    assert f"{world.owner.username} saved this at" in text
    assert "Name: “Verdi card” became “Gold card”." in text
    template.refresh_from_db()
    assert (template.name, template.logo_text) == ("Gold card", "")
    seen = re.search(r'name="_seen" value="(\d+)"', text)
    assert seen is not None
    again = late.post(page, {**open_form, "logo_text": "Late", "_seen": seen[1]})
    assert again.status_code == 302
    template.refresh_from_db()
    assert (template.name, template.logo_text) == ("Verdi card", "Late")


def test_a_change_to_a_part_is_told_as_well(world: World, edit: Callable[..., Any]) -> None:
    connection = world.rows[ActitoConnection]
    page = url(ActitoConnection, "change", connection.pk)
    late = client_of(member(world, Role.MARKETER))
    open_form = form_in(late, page)
    edit(connection, **{"mappings-0-value_name": "credit"})
    text = late.post(page, {**open_form, "mappings-0-value_name": "score"}).content.decode()
    assert "became “credit”" in text
    assert AttributeMapping.objects.get().value_name == "credit"


def test_a_line_that_the_first_one_removed_is_put_back_by_saving_again(world: World, edit: Callable[..., Any]) -> None:
    connection = world.rows[ActitoConnection]
    AttributeMapping.objects.create(connection=connection, attribute="tier", value_name="tier")
    page = url(ActitoConnection, "change", connection.pk)
    late = client_of(member(world, Role.MARKETER))
    open_form = form_in(late, page)
    edit(connection, **{"mappings-0-DELETE": "on"})
    told = late.post(page, {**open_form, "mappings-1-value_name": "level"})
    assert "saved this at" in told.content.decode()
    again = late.post(page, {**open_form, "mappings-1-value_name": "level", "_seen": str(told.context["seen"])})
    assert again.status_code == 302, again.context["errors"]
    kept = AttributeMapping.objects.filter(connection=connection).values_list("attribute", "value_name")
    assert set(kept) == {("VerdiPoints", world.rows[AttributeMapping].value_name), ("tier", "level")}


def test_a_line_that_both_added_is_told_instead_of_failing(world: World, edit: Callable[..., Any]) -> None:
    connection = world.rows[ActitoConnection]
    page = url(ActitoConnection, "change", connection.pk)
    late = client_of(member(world, Role.MARKETER))
    added = {"part": "attributes", "attribute": "tier", "value_name": "tier", "value_type": "text"}
    line = {f"mappings-1-{name}": value for name, value in added.items()} | {"mappings-TOTAL_FORMS": 2}
    open_form = form_in(late, page)
    edit(connection, **line)
    told = late.post(page, {**open_form, **line})
    again = late.post(page, {**open_form, **line, "_seen": str(told.context["seen"])})
    assert again.status_code == 200
    assert "Another line fills this value." in again.content.decode()
    assert AttributeMapping.objects.filter(connection=connection, value_name="tier").count() == 1


def test_what_a_dialog_did_meanwhile_is_no_conflict(world: World, owner: Client) -> None:
    template = world.rows[PassTemplate]
    page = url(PassTemplate, "change", template.pk)
    open_form = form_in(owner, page)
    owner.post(url(PassTemplate, "changelist") + f"{template.pk}/publish/", SUBMIT)
    assert owner.post(page, {**open_form, "name": "Gold card"}).status_code == 302


def test_forged_marks_of_what_was_seen_break_nothing(world: World, edit: Callable[..., Any]) -> None:
    for forged in ("", "-1", "x", "9" * 40, "٣", "1.5", "\x00"):
        assert edit(world.rows[PassTemplate], _seen=forged).status_code in {200, 302}, forged


def test_a_role_lowered_in_the_middle_of_a_form_saves_nothing(world: World) -> None:
    user = member(world, Role.MARKETER)
    client, template = client_of(user), world.rows[PassTemplate]
    page = url(PassTemplate, "change", template.pk)
    open_form = form_in(client, page)
    Membership.objects.filter(user=user).update(role=Role.AUDITOR)
    assert client.post(page, {**open_form, "name": "Mine"}).status_code == 403
    template.refresh_from_db()
    assert template.name == "Verdi card"


def test_a_member_removed_while_signed_in_is_out_with_the_next_click(world: World) -> None:
    user = member(world, Role.MARKETER)
    client, template = client_of(user), world.rows[PassTemplate]
    page = url(PassTemplate, "change", template.pk)
    open_form = form_in(client, page)
    Membership.objects.filter(user=user).delete()
    response = client.post(page, {**open_form, "name": "Mine"})
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))
    template.refresh_from_db()
    assert template.name == "Verdi card"
