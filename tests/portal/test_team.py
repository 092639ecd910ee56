"""People of a team: who sees them, who adds them, and what whoever adds them learns."""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.contrib.auth.models import User
from django.core import mail as outgoing
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from pytest_django import Settings

from portal import history, limits, mail
from portal.admin.rights import may_here
from portal.admin.team import lock_team
from portal.models import Membership, Tenant
from portal.tenancy import Action, Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.portal.mail_server import MailServer

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
ADD = "/admin/portal/membership/add-person/"


@pytest.fixture
def root(django_user_model: type[User]) -> Client:
    return client_of(django_user_model.objects.create_superuser("root"))


def known(name: str = "known@example.com") -> User:
    """Somebody with an account and a password, who works elsewhere."""
    user = make.UserFactory.make(username=name, email=name, first_name="Kim", last_name="Known")
    user.set_password("a long password 17")
    user.last_login = timezone.now() - timedelta(days=1)
    user.save()
    make.MembershipFactory.make(user=user)
    return user


def given(name: str, **more: Any) -> dict[str, Any]:
    return {**SUBMIT, "username": name, "role": "marketer", **more}


def add(client: Client, name: str, **more: Any) -> str:
    """Adds a person; what the next page says."""
    client.post(ADD, given(name, **more))
    return client.get(url(Membership, "changelist")).content.decode()


def link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/admin/password-reset/[^\s\"]+)", text)
    assert found, text
    return found[1]


def later(**span: float) -> None:
    """As if the time had passed since everything that was written down."""
    for row in AccessFailureLog.objects.all():
        AccessFailureLog.objects.filter(pk=row.pk).update(attempt_time=row.attempt_time - timedelta(**span))


def again(membership: Membership) -> str:
    return url(Membership, "changelist") + f"{membership.pk}/invite-again/"


# Adding


def test_a_new_person_is_mailed_a_link_sets_a_password_and_enters(world: World, owner: Client) -> None:
    text = add(owner, "New@Example.com")
    assert "The person is in the team now. A message is on its way to them." in text
    user = User.objects.get(username="new@example.com")
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user).role == Role.MARKETER
    (message,) = outgoing.outbox
    assert message.to == ["new@example.com"]
    assert message.subject == "Verdi-owner@example.com added you to Verdi brand"
    assert "Your role: Marketer." in message.body
    assert message.content_subtype == "plain"
    theirs = Client()
    page = theirs.get(link_in(message.body), follow=True)
    chosen = {"new_password1": "another long 42", "new_password2": "another long 42"}
    theirs.post(page.request["PATH_INFO"], chosen)
    signed_in = theirs.post("/admin/login/", {"username": "new@example.com", "password": "another long 42"})
    assert signed_in["Location"] == "/admin/"
    assert "Verdi brand" in theirs.get("/admin/").content.decode()


def test_a_known_person_is_told_and_keeps_their_password(world: World, owner: Client) -> None:
    user = known()
    add(owner, "KNOWN@example.com")
    assert Membership.objects.filter(user=user, tenant=world.tenant).exists()
    (message,) = outgoing.outbox
    assert "password-reset" not in message.body
    assert "http://127.0.0.1:8000/admin/login/" in message.body
    user.refresh_from_db()
    assert user.check_password("a long password 17")


def test_an_owner_learns_nothing_of_an_account(world: World) -> None:
    seen = []
    for name in ("known@example.com", "fresh@example.com"):
        if name.startswith("known"):
            known(name)
        with transaction.atomic():
            client = client_of(world.owner)
            response = client.post(ADD, given(name))
            listed = client.get(url(Membership, "changelist")).content.decode()
            row = Membership.objects.get(tenant=world.tenant, user__username=name)
            page = client.get(url(Membership, "change", row.pk)).content.decode()
            dialog = client.get(again(row)).content.decode()
            told = client.post(again(row), SUBMIT)
            seen.append((response.status_code, response.content, told.status_code, told.content,
                         *(plain(text, name, row.pk) for text in (listed, page, dialog))))  # fmt: skip
            row.delete()
    assert seen[0] == seen[1]


def plain(text: str, name: str, key: int) -> str:
    """A page without what differs from one row to the next, and from one request to the next."""
    text = re.sub(re.escape(name), "NAME", text, flags=re.IGNORECASE).replace(f"membership/{key}/", "membership/KEY/")
    text = re.sub(r'csrfmiddlewaretoken" value="[^"]+"', "", text)
    text = re.sub(r'name="_seen" value="\d+"', "", text)
    return re.sub(r"\d\d:\d\d(:\d\d)?|\d+ (January|February|March|April|May|June|July|August|September|October|November"
                  r"|December) \d+", "", text)  # fmt: skip


def test_an_address_of_an_account_with_another_name_makes_no_second_account(world: World, owner: Client) -> None:
    user = make.UserFactory.make(username="kimonos", email="Kim@example.com")
    text = add(owner, "kim@EXAMPLE.com")
    row = Membership.objects.get(user=user, tenant=world.tenant)
    assert not User.objects.filter(username__iexact="kim@example.com").exists()
    assert outgoing.outbox[0].to == ["Kim@example.com"]
    assert "as kimonos" in outgoing.outbox[0].body
    assert "in the team already" in owner.post(ADD, given("kim@example.com")).content.decode()
    pages = [text, owner.get(url(Membership, "change", row.pk)).content.decode(), str(list(history.of(row).values()))]
    assert all("kim@example.com" in page.lower() and "kimonos" not in page for page in pages)


def test_an_address_of_several_accounts_or_of_one_that_is_off_stands_for_none(world: World, owner: Client) -> None:
    for number in (1, 2):
        make.UserFactory.make(username=f"kim{number}", email="kim@example.com")
    make.UserFactory.make(username="off", email="off@example.com", is_active=False)
    for address in ("kim@example.com", "off@example.com"):
        add(owner, address)
        assert Membership.objects.get(tenant=world.tenant, user__email=address).user.username == address


def test_mails_are_in_the_language_of_the_tenant(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken: list[str | None] = []
    monkeypatch.setattr(mail, "send", lambda *arguments: bool(spoken.append(translation.get_language())) or True)
    Tenant.objects.filter(pk=world.tenant.pk).update(language="fr")
    add(owner, "new@example.com")
    assert spoken == ["fr"]


def test_the_message_goes_over_the_wire(world: World, owner: Client, settings: Settings) -> None:
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.address
        assert "A message is on its way" in add(owner, "new@example.com")
    (body,) = server.received
    assert "To: new@example.com" in body
    assert "Content-Type: text/plain" in body


def test_a_message_that_cannot_be_sent_leaves_the_person_in_the_team(
    world: World, owner: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        text = add(owner, "new@example.com")
    assert "could not be sent" in text
    assert "new@example.com" not in caplog.text
    row = Membership.objects.get(user__username="new@example.com")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert "Send the invitation again" in owner.get(url(Membership, "change", row.pk)).content.decode()
    owner.post(again(row), SUBMIT)
    assert link_in(outgoing.outbox[0].body)


def test_without_mail_an_owner_gets_no_link_and_a_superuser_sees_it_once(
    world: World, owner: Client, root: Client, settings: Settings
) -> None:
    settings.MAIL_SET_UP = False
    response = owner.post(ADD, given("new@example.com"))
    assert "password-reset" not in response.content.decode()
    assert "No mail is sent from here" in owner.get(url(Membership, "changelist")).content.decode()
    row = Membership.objects.get(user__username="new@example.com")
    assert "password-reset" not in owner.post(again(row), SUBMIT).content.decode()
    shown = root.post(again(row), SUBMIT)
    assert "no-store" in shown["Cache-Control"]
    assert "Set your password" in Client().get(link_in(shown.content.decode()), follow=True).content.decode()
    user = known()
    assert "password-reset" not in root.post(ADD, given(user.username, tenant=world.tenant.pk)).content.decode()
    assert not outgoing.outbox


def test_nobody_is_added_twice(world: World, owner: Client) -> None:
    add(owner, "new@example.com")
    text = owner.post(ADD, given("NEW@example.com")).content.decode()
    assert "in the team already" in text
    assert len(outgoing.outbox) == 1


def test_an_invitation_is_sent_again_until_the_person_has_signed_in(world: World, owner: Client) -> None:
    add(owner, "new@example.com")
    row = Membership.objects.get(user__username="new@example.com")
    assert "Send the invitation again?" in owner.get(again(row)).content.decode()
    later(minutes=11)
    owner.post(again(row), SUBMIT)
    assert len(outgoing.outbox) == 2
    assert "Invited" in owner.get(url(Membership, "changelist")).content.decode()
    User.objects.filter(pk=row.user_id).update(last_login=timezone.now())
    page = owner.get(url(Membership, "change", row.pk)).content.decode()
    assert "invite-again" not in page
    assert "Has signed in" in page
    owner.post(again(row), SUBMIT)
    assert len(outgoing.outbox) == 2


def invite_again(client: Client, membership: Membership) -> str:
    client.post(again(membership), SUBMIT)
    return client.get(url(Membership, "changelist")).content.decode()


def test_nobody_is_invited_every_minute(world: World, owner: Client) -> None:
    add(owner, "new@example.com")
    row = Membership.objects.get(user__username="new@example.com")
    assert "within ten minutes, so none was sent now" in invite_again(owner, row)
    row.delete()
    assert "The person is in the team now. They have got a message" in add(owner, "NEW@example.com")
    assert len(outgoing.outbox) == 1
    row = Membership.objects.get(user__username="new@example.com")
    for sent in (2, 3):
        later(minutes=11)
        assert "on its way" in invite_again(owner, row)
        assert len(outgoing.outbox) == sent
    later(minutes=11)
    assert "three messages within the hour" in invite_again(owner, row)
    later(minutes=50)
    assert "on its way" in invite_again(owner, row)


def test_nobody_invites_a_whole_town(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INVITATIONS_BY_ONE", 2)
    for number in (1, 2):
        assert "on its way" in add(owner, f"new{number}@example.com")
    assert "You have sent many invitations within the hour" in add(owner, "new3@example.com")
    second = client_of(member(world, Role.OWNER))
    assert "on its way" in invite_again(second, Membership.objects.get(user__username="new3@example.com"))
    assert len(outgoing.outbox) == 3


def test_another_teams_invitation_is_no_business_of_this_one(world: World, owner: Client) -> None:
    other = make_world("Other")
    add(client_of(other.owner), "new@example.com")
    assert "A message is on its way to them." in add(owner, "new@example.com")


def test_only_owners_add_and_invite(world: World) -> None:
    row = Membership.objects.get(user=member(world, Role.OPERATOR))
    for role in (Role.MARKETER, Role.OPERATOR, Role.AUDITOR):
        client = client_of(member(world, role))
        assert client.get(ADD).status_code == 403
        assert client.post(ADD, given("new@example.com")).status_code == 403
        assert client.post(again(row), SUBMIT).status_code in {403, 404}
    assert not User.objects.filter(username="new@example.com").exists()
    assert not outgoing.outbox


def test_an_owner_adds_to_their_own_tenant_only(world: World, owner: Client) -> None:
    other = make_world("Other")
    owner.post(ADD, given("new@example.com", tenant=other.tenant.pk))
    assert not Membership.objects.filter(tenant=other.tenant, user__username="new@example.com").exists()
    owner.post(again(other.rows[Membership]), SUBMIT)
    assert all("Other" not in message.subject for message in outgoing.outbox)


def test_dialogs_of_the_team_refuse_a_post_without_a_token(world: World) -> None:
    client = client_of(world.owner, enforce_csrf_checks=True)
    assert client.post(ADD, given("new@example.com")).status_code == 403
    assert client.post(again(world.rows[Membership]), SUBMIT).status_code == 403


# Seeing, changing, removing


def test_auditors_see_the_team_and_change_nothing(world: World) -> None:
    client = client_of(member(world, Role.AUDITOR))
    row = world.rows[Membership]
    text = client.get(url(Membership, "changelist")).content.decode()
    assert "verdi-owner@example.com" in text
    assert "Add a person" not in text
    assert client.get(url(Membership, "change", row.pk)).status_code == 200
    for page, sent in (("change", {"role": "auditor"}), ("delete", {"post": "yes"})):
        assert client.post(url(Membership, page, row.pk), sent).status_code == 403
    for role in (Role.MARKETER, Role.OPERATOR):
        assert client_of(member(world, role)).get(url(Membership, "changelist")).status_code == 403


def test_the_last_owner_stays(world: World, owner: Client) -> None:
    membership = world.rows[Membership]
    text = owner.post(url(Membership, "change", membership.pk), {"role": "auditor"}).content.decode()
    assert "only owner" in text
    owner.post(url(Membership, "delete", membership.pk), {"post": "yes"})
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


@pytest.mark.parametrize(
    "other", [{"is_active": False, "last_login": timezone.now()}, {"password": "!never-set", "last_login": None}]
)
def test_an_owner_who_cannot_come_is_none_to_leave_a_team_to(
    world: World, owner: Client, other: dict[str, Any]
) -> None:
    make.MembershipFactory.make(tenant=world.tenant, role=Role.OWNER, user=make.UserFactory.make(**other))
    membership = world.rows[Membership]
    text = owner.post(url(Membership, "change", membership.pk), {"role": "auditor"}).content.decode()
    assert "only owner who can sign in" in text
    owner.post(url(Membership, "delete", membership.pk), {"post": "yes"})
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


@pytest.mark.parametrize("other", [{"password": "md5$set"}, {"password": "!elsewhere", "last_login": timezone.now()}])
def test_an_owner_who_has_a_password_or_has_signed_in_takes_over(
    world: World, owner: Client, other: dict[str, Any]
) -> None:
    make.MembershipFactory.make(tenant=world.tenant, role=Role.OWNER, user=make.UserFactory.make(**other))
    membership = world.rows[Membership]
    assert owner.post(url(Membership, "change", membership.pk), {"role": "auditor"}).status_code == 302
    membership.refresh_from_db()
    assert membership.role == Role.AUDITOR


def test_owners_change_and_remove_the_others(world: World, owner: Client) -> None:
    other = Membership.objects.get(user=member(world, Role.OWNER))
    assert owner.post(url(Membership, "change", other.pk), {"role": "auditor"}).status_code == 302
    other.refresh_from_db()
    assert other.role == Role.AUDITOR
    assert owner.post(url(Membership, "delete", other.pk), {"post": "yes"}).status_code == 302
    assert not Membership.objects.filter(pk=other.pk).exists()


def test_under_the_lock_a_role_is_asked_anew(world: World) -> None:
    request = RequestFactory().post("/")
    request.user = world.owner
    assert may_here(request, Action.TEAM, world.tenant.pk)
    Membership.objects.filter(user=world.owner).update(role=Role.AUDITOR)
    with transaction.atomic():
        lock_team(request, world.tenant.pk)
        assert not may_here(request, Action.TEAM, world.tenant.pk)


@pytest.mark.parametrize("page", ["change", "delete"])
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one transaction write at a time anyway")
def test_two_owners_who_remove_each_other_at_once_leave_one(page: str) -> None:
    world = make_world("Verdi")
    mine, other = world.rows[Membership], Membership.objects.get(user=member(world, Role.OWNER))
    client = client_of(other.user)

    def remove_me() -> None:
        try:
            client.post(url(Membership, page, mine.pk), {"role": "auditor", "post": "yes"})
        finally:
            connection.close()

    thread = Thread(target=remove_me)
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=world.tenant.pk)
        thread.start()
        thread.join(timeout=1)
        Membership.objects.filter(pk=other.pk).update(role=Role.AUDITOR)
    thread.join(timeout=20)
    assert [each.pk for each in Membership.objects.filter(tenant=world.tenant, role=Role.OWNER)] == [mine.pk]
