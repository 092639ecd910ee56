"""API keys and refused calls in the admin: who sees what, what is shown once, what is refused with a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.actito.models import ActitoConnection
from portal.access import check_key, make_key
from portal.admin.access import KeyChangeForm
from portal.models import ApiKey, Heart, RefusedCall, Scope, Tenant
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.world import post

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
Reason = RefusedCall.Reason


def action(name: str, key: Any = None) -> str:
    return url(ApiKey, "changelist") + (f"{key.pk}/{name}/" if key else f"{name}/")


def page(client: Client, model: Any, row: Any = None, asked: str = "") -> str:
    address = url(model, "changelist") if row is None else url(model, "change", row.pk)
    response = client.get(address + asked)
    assert response.status_code == 200
    return str(response.content.decode())


def make_by_hand(client: Client, **given: Any) -> Any:
    return client.post(action("make"), {**SUBMIT, "name": "Fresh", "scopes": [Scope.ACTITO_LISTENER], **given})


def shown_key(response: Any) -> str:
    return "awp_" + str(response.content.decode().split('value="awp_')[1].split('"')[0])


def day(number: int) -> str:
    return (timezone.localdate() + timedelta(days=number)).isoformat()


# Making


def test_a_new_key_is_shown_with_what_it_may_and_how_long(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    response = make_by_hand(owner, bound_to=connection.source, expires=day(30))
    text = response.content.decode()
    for part in ("Receive Actito&#x27;s webhooks", "Verdi connection", "data-copy", "Copied"):
        assert part in text, part
    assert check_key(shown_key(response), world.tenant.slug)
    key = ApiKey.objects.get(name="Fresh")
    assert key.expires_at
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=32)


def test_what_is_shown_once_needs_no_script_in_the_page(owner: Client) -> None:
    text = make_by_hand(owner).content.decode()
    assert "<script" not in text
    assert " onclick" not in text
    assert "/static/portal/portal.js" in page(owner, ApiKey)


@pytest.mark.parametrize(("expires", "taken"), [("", True), (day(1), True), (day(-1), False), (day(4000), False),
                                                ("9999-12-31", False), ("soon", False)])  # fmt: skip
def test_a_last_day_that_is_past_or_far_off_is_refused(owner: Client, expires: str, taken: bool) -> None:
    response = make_by_hand(owner, expires=expires)
    assert ApiKey.objects.filter(name="Fresh").exists() is taken
    assert ("data-copy" in response.content.decode()) is taken


def test_the_last_day_ends_by_the_tenants_clocks(world: World, owner: Client) -> None:
    Tenant.objects.update(time_zone="Pacific/Auckland")
    make_by_hand(owner, expires=day(30))
    at = ApiKey.objects.get(name="Fresh").expires_at
    assert at
    assert at.utctimetuple().tm_hour in {10, 11}  # a second before midnight there


# Replacing


def test_a_key_is_replaced_and_the_old_one_goes_on_for_the_overlap(world: World, owner: Client) -> None:
    key, old = make_key(world.tenant, "Actito", [Scope.ACTITO_LISTENER], world.rows[ActitoConnection].source)
    assert "goes on working for" in owner.get(action("replace", key)).content.decode()
    assert ApiKey.objects.filter(name="Actito").count() == 1
    response = owner.post(action("replace", key), {**SUBMIT, "overlap": "1"})
    new = shown_key(response)
    assert "works until" in response.content.decode()
    assert check_key(old, world.tenant.slug)
    assert check_key(new, world.tenant.slug)
    key.refresh_from_db()
    assert key.expires_at
    assert timedelta(hours=23) < key.expires_at - timezone.now() <= timedelta(days=1)
    successor = ApiKey.objects.exclude(pk=key.pk).get(name="Actito")
    assert url(ApiKey, "change", key.pk) in page(owner, ApiKey, successor)
    assert new not in page(owner, ApiKey, successor)


def test_a_third_live_key_is_refused_with_a_sentence(world: World, owner: Client) -> None:
    key = world.rows[ApiKey]
    owner.post(action("replace", key), {**SUBMIT, "overlap": "revoked"})
    assert ApiKey.objects.filter(line=key.line).count() == 2
    response = owner.post(action("replace", key), {**SUBMIT, "overlap": "7"}, follow=True)
    assert "Two keys of this line are valid already" in response.content.decode()
    assert ApiKey.objects.filter(line=key.line).count() == 2
    key.refresh_from_db()
    assert key.expires_at is None


@pytest.mark.parametrize("given", [{"overlap": "365"}, {}, {"overlap": "7", "expires": "2020-01-01"}])
def test_a_replacement_with_wrong_answers_makes_nothing(world: World, owner: Client, given: dict[str, str]) -> None:
    owner.post(action("replace", world.rows[ApiKey]), {**SUBMIT, **given})
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("dead", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(days=1)}])
def test_a_dead_key_has_no_buttons_and_stays_dead(world: World, owner: Client, dead: dict[str, Any]) -> None:
    key = world.rows[ApiKey]
    ApiKey.objects.update(**dead)
    text = page(owner, ApiKey, key)
    assert action("replace", key) not in text
    assert action("revoke", key) not in text
    owner.post(url(ApiKey, "change", key.pk), {"name": "New name", "expires_at": day(90)})
    key.refresh_from_db()
    assert key.name == "New name"
    assert not key.is_live
    response = owner.post(action("replace", key), {**SUBMIT, "overlap": "1"}, follow=True)
    assert "no longer valid" in response.content.decode()


def test_a_live_keys_last_day_is_changed_but_not_to_the_past(world: World, owner: Client) -> None:
    key = world.rows[ApiKey]
    for number, taken in ((-1, False), (20, True)):
        owner.post(url(ApiKey, "change", key.pk), {"name": "x", "expires_at": day(number)})
        key.refresh_from_db()
        assert (key.expires_at is not None) is taken
    assert f'value="{day(20)}"' in page(owner, ApiKey, key)


def test_another_name_leaves_the_end_of_a_key_to_the_second(world: World, owner: Client) -> None:
    key, end = world.rows[ApiKey], timezone.now() + timedelta(days=5)
    ApiKey.objects.update(expires_at=end)
    shown = timezone.localdate(end, ZoneInfo(world.tenant.time_zone)).isoformat()
    owner.post(url(ApiKey, "change", key.pk), {"name": "New name", "expires_at": shown})
    key.refresh_from_db()
    assert (key.name, key.expires_at) == ("New name", end)
    owner.post(url(ApiKey, "change", key.pk), {"name": "New name", "expires_at": ""})
    key.refresh_from_db()
    assert key.expires_at is None


def test_a_new_name_does_not_undo_a_revocation_of_the_same_moment(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, checked = world.rows[ApiKey], KeyChangeForm.clean_expires_at

    def meanwhile(form: KeyChangeForm) -> Any:
        ApiKey.objects.update(revoked_at=timezone.now())
        return checked(form)

    monkeypatch.setattr(KeyChangeForm, "clean_expires_at", meanwhile)
    owner.post(url(ApiKey, "change", key.pk), {"name": "New name", "expires_at": ""})
    key.refresh_from_db()
    assert key.name == "New name"
    assert key.revoked_at


# Reading


def test_the_list_says_what_expires_soon_and_what_was_never_used(world: World, owner: Client) -> None:
    text = page(owner, ApiKey)
    assert "Never used" in text
    assert "Expires in" not in text
    now = timezone.now()
    ApiKey.objects.update(expires_at=now + timedelta(days=3, hours=1), last_used_at=now - timedelta(minutes=5))
    text = page(owner, ApiKey)
    assert "Expires in 3 days" in text
    assert "5\xa0minutes ago" in text
    assert "Never used" not in text
    ApiKey.objects.update(expires_at=now + timedelta(hours=1))
    assert "Expires within a day" in page(owner, ApiKey)
    ApiKey.objects.update(expires_at=now + timedelta(days=90))
    assert "Valid" in page(owner, ApiKey)


def test_auditors_read_keys_and_change_nothing(world: World) -> None:
    auditor, key = client_of(member(world, Role.AUDITOR)), world.rows[ApiKey]
    for text in (page(auditor, ApiKey), page(auditor, ApiKey, key)):
        assert "Verdi key" in text
        for name in ("make", "replace", "revoke"):
            assert f"/{name}/" not in text
    for address in (action("make"), action("replace", key), action("revoke", key)):
        assert auditor.get(address).status_code == 403
        assert auditor.post(address, {**SUBMIT, "overlap": "1"}).status_code == 403
    auditor.post(url(ApiKey, "change", key.pk), {"name": "Mine"})
    assert ApiKey.objects.get().name == "Verdi key"


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR])
def test_the_others_do_not_read_keys(world: World, role: Role) -> None:
    client = client_of(member(world, role))
    assert client.get(url(ApiKey, "changelist")).status_code == 403
    assert client.get(url(ApiKey, "change", world.rows[ApiKey].pk)).status_code == 403


def test_a_key_says_in_words_what_it_may(world: World, owner: Client) -> None:
    assert "Receive Actito&#x27;s webhooks" in page(owner, ApiKey)
    assert "ActitoListener" not in page(owner, ApiKey)


# Refused calls


@pytest.fixture
def revoked(world: World) -> str:
    """A key that was revoked and goes on knocking."""
    key, secret = make_key(world.tenant, "Old sender", [Scope.ACTITO_LISTENER], world.rows[ActitoConnection].source)
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert post({"data": {"profileId": 7}}, tenant=world.tenant.slug, secret=secret).status_code == 401
    return secret


def test_home_does_not_stay_green_while_calls_are_refused(world: World, owner: Client, revoked: str) -> None:
    Heart.objects.create(cluster="a", process="1")
    text = str(owner.get("/admin/").content.decode())
    assert "Everything is moving" not in text
    for part in ("Calls are refused", "Verdi connection", "The key was revoked", "Give the sender a valid key"):
        assert part in text, part
    fresh = make_key(world.tenant, "Fresh", [Scope.ACTITO_LISTENER], world.rows[ActitoConnection].source)[1]
    assert post({"data": {"profileId": 7}}, tenant=world.tenant.slug, secret=fresh).status_code == 200
    assert "Everything is moving" in owner.get("/admin/").content.decode()


def test_home_of_another_tenant_stays_green(revoked: str) -> None:
    other = make_world("Other")
    Heart.objects.create(cluster="a", process="1")
    assert "Everything is moving" in client_of(other.owner).get("/admin/").content.decode()


def test_home_says_that_the_tenant_is_suspended(world: World, owner: Client) -> None:
    Heart.objects.create(cluster="a", process="1")
    make.EventFactory.make(tenant=world.tenant, status="waiting", due_at=timezone.now() - timedelta(hours=5))
    Tenant.objects.update(suspended_at=timezone.now())
    text = owner.get("/admin/").content.decode()
    assert "all work waits until the suspension is lifted" in text
    assert "has waited" not in text


def test_refused_calls_show_on_the_pages_of_their_key_and_connection(world: World, owner: Client, revoked: str) -> None:
    key = ApiKey.objects.get(name="Old sender")
    text = page(owner, ApiKey, key)
    assert "The key was revoked" in text
    assert f"/admin/portal/refusedcall/?key={key.pk}" in text
    text = page(owner, ActitoConnection, world.rows[ActitoConnection])
    assert "just now: The key was revoked." in text
    assert f"/admin/portal/refusedcall/?connection={key.bound_to}" in text


def test_a_connection_without_refusals_says_so(world: World, owner: Client) -> None:
    RefusedCall.objects.all().delete()
    assert "None within a day" in page(owner, ActitoConnection, world.rows[ActitoConnection])


@pytest.mark.parametrize("role", list(Role))
def test_everybody_in_the_team_reads_why_calls_are_refused(world: World, role: Role) -> None:
    client, call = client_of(member(world, role)), world.rows[RefusedCall]
    assert "The key was revoked" in page(client, RefusedCall)
    text = page(client, RefusedCall, call)
    for part in ("Give the sender a valid key", "Verdi connection", "Verdi key", "Verdi detail", "Verdi body"):
        assert part in text, part
    assert client.post(url(RefusedCall, "change", call.pk), {"detail": "x"}).status_code == 403
    assert client.get(url(RefusedCall, "add")).status_code == 403
    assert client.get(url(RefusedCall, "delete", call.pk)).status_code == 403


def test_refused_calls_are_found_by_connection_key_and_reason(world: World, owner: Client) -> None:
    key = world.rows[ApiKey]
    make.RefusedCallFactory.make(
        key=make.ApiKeyFactory.make(tenant=world.tenant), reason=Reason.BODY, status=400, detail="second detail"
    )
    for asked in (f"?connection={key.bound_to}", f"?key={key.pk}", "?reason=revoked"):
        text = page(owner, RefusedCall, asked=asked)
        assert "Verdi detail" in text, asked
        assert "second detail" not in text, asked
    text = page(owner, RefusedCall, asked="?connection=-")
    assert "second detail" in text
    assert "Verdi detail" not in text


def test_the_filters_offer_nothing_of_other_tenants(world: World, owner: Client) -> None:
    other = make_world("Other")
    theirs = other.rows[ApiKey]
    for asked in ("", f"?connection={theirs.bound_to}", f"?key={theirs.pk}"):
        text = page(owner, RefusedCall, asked=asked)
        assert "Other" not in text.replace("Other keys", ""), asked
        assert "Verdi detail" in text, asked  # an answer that is not offered is none


def test_lists_of_refused_calls_take_a_fixed_number_of_queries(world: World, owner: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            page(owner, RefusedCall)
        return len(captured)

    queries()
    few = queries()
    for _ in range(20):
        make.RefusedCallFactory.make(key=make.ApiKeyFactory.make(tenant=world.tenant))
    assert queries() == few


def test_a_superuser_sees_all_tenants_refused_calls(world: World, django_user_model: type[User]) -> None:
    make_world("Other")
    root = client_of(django_user_model.objects.create_superuser("root"))
    text = page(root, RefusedCall)
    assert "Verdi detail" in text
    assert "Other detail" in text
