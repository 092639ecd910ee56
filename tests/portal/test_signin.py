"""Signing in: whose case does not matter, who has to wait, how long a session lasts, and new passwords by mail."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessFailureLog, AccessLog
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from portal import history, limits, mail
from portal.accounts import account_named, people_to_mail
from portal.models import Membership
from tests import factories as make

pytestmark = pytest.mark.django_db
LOGIN, ASK = "/admin/login/", "/admin/password-reset/"
PASSWORD = "a long password 17"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def person(name: str = "anna@example.com", **fields: Any) -> User:
    user = make.UserFactory.make(username=name, email=name, **fields)
    user.set_password(PASSWORD)
    user.save()
    make.MembershipFactory.make(user=user)
    return user


def try_in(name: str, password: str = "wrong", address: str = "203.0.113.7", **headers: str) -> Any:
    return Client(REMOTE_ADDR=address, headers=headers).post(LOGIN, {"username": name, "password": password})


def later(**span: float) -> None:
    """As if the time had passed since everything that was written down."""
    for model in (AccessFailureLog, AccessLog):
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(attempt_time=row.attempt_time - timedelta(**span))


def failures(count: int, names: Any, addresses: Any, **more: Any) -> None:
    for number in range(count):
        row = AccessFailureLog.objects.create(
            username=names(number), ip_address=addresses(number), path_info="sign-in", **more
        )
        AccessFailureLog.objects.filter(pk=row.pk).update(attempt_time=timezone.now() - timedelta(minutes=30))


# Names


def test_a_member_signs_in_without_the_staff_flag_and_a_stranger_is_told_why() -> None:
    person()
    response = try_in("anna@example.com", PASSWORD)
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    Membership.objects.all().delete()
    assert "not a member of any team" in try_in("anna@example.com", PASSWORD).content.decode()


@pytest.mark.parametrize("name", ["anna@example.com", "nobody@example.com"])
def test_a_wrong_name_and_a_wrong_password_are_told_in_the_same_words(name: str) -> None:
    person()
    text = try_in(name).content.decode()
    assert "The name or the password is not right." in text
    assert "staff account" not in text


def test_signing_out_leads_to_the_sign_in_page() -> None:
    client = signed_in(person())
    assert client.post("/admin/logout/")["Location"] == LOGIN
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("typed", ["anna@example.com", "Anna@Example.COM", " anna@example.com "])
def test_the_case_of_a_name_does_not_matter(typed: str) -> None:
    person("Anna@example.com")
    assert try_in(typed, PASSWORD).status_code == 302


def test_of_two_accounts_that_differ_in_case_the_one_that_was_typed_signs_in() -> None:
    person("ANNA@example.com")
    second = person("anna@example.com")
    client = Client()
    client.post(LOGIN, {"username": "anna@example.com", "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(second.pk)


@pytest.mark.parametrize("typed", ["l\u0131na@example.com", "L\u0130na@example.com", "LIN\u0391@example.com"])
def test_a_spelling_that_the_limits_count_as_another_name_is_another_name(typed: str) -> None:
    """PostgreSQL takes a dotless i for an i: each spelling would have five tries of its own."""
    person("lina@example.com")
    assert account_named(typed) is None
    assert not people_to_mail(typed)
    assert try_in(typed, PASSWORD).status_code == 200


def test_a_name_in_full_width_letters_is_the_same_name_and_counted_as_such() -> None:
    user = person("lina@example.com")
    assert account_named("\uff4cina@example.com") == user
    for _ in range(5):
        try_in("\uff4cina@example.com")
    assert try_in("lina@example.com", PASSWORD).status_code == 429


@pytest.mark.parametrize("name", ["x" * 5000, "é" * 300, "a\x00b", "﷽" * 150])
def test_no_name_breaks_the_page(name: str) -> None:
    assert try_in(name).status_code == 200


# Limits


def test_five_failures_lock_one_name_at_one_address_for_fifteen_minutes() -> None:
    person()
    assert [try_in("anna@example.com").status_code for _ in range(5)] == [200] * 5
    refused = try_in("ANNA@example.com", PASSWORD)
    assert refused.status_code == 429
    text = refused.content.decode()
    assert "Too many attempts to sign in. Wait 15 minutes, then try again." in text
    assert "get a new one with the link below" in text
    assert 'name="password"' in text
    assert 800 < int(refused["Retry-After"]) <= 900
    later(minutes=14)
    assert "Wait a minute" in try_in("anna@example.com", PASSWORD).content.decode()
    later(minutes=1)
    assert try_in("anna@example.com", PASSWORD).status_code == 302


def test_knocking_at_a_lock_does_not_prolong_it() -> None:
    person()
    for _ in range(30):
        try_in("anna@example.com")
    assert AccessFailureLog.objects.count() == 5


def test_the_same_person_elsewhere_and_others_here_are_not_held_up() -> None:
    person(), person("ben@example.com")
    for _ in range(6):
        try_in("anna@example.com")
    assert try_in("anna@example.com", PASSWORD, address="203.0.113.8").status_code == 302
    assert try_in("ben@example.com", PASSWORD).status_code == 302


def test_signing_in_ends_the_counting() -> None:
    person()
    for _ in range(3):
        for _ in range(4):
            try_in("anna@example.com")
        assert try_in("anna@example.com", PASSWORD).status_code == 302


def test_names_that_do_not_exist_are_limited_alike() -> None:
    seen = [try_in("nobody@example.com").status_code for _ in range(6)]
    assert seen == [200] * 5 + [429]


def test_one_address_that_tries_many_names_has_to_wait() -> None:
    person()
    failures(49, lambda n: f"name{n}", lambda n: "203.0.113.7")
    assert try_in("fresh@example.com").status_code == 200
    refused = try_in("anna@example.com", PASSWORD)
    assert refused.status_code == 429
    assert "Wait 30 minutes" in refused.content.decode()
    assert try_in("anna@example.com", PASSWORD, address="203.0.113.8").status_code == 302


def test_a_good_account_does_not_wipe_out_what_its_address_did_to_others() -> None:
    person()
    failures(49, lambda n: f"name{n}", lambda n: "203.0.113.7")
    assert try_in("anna@example.com", PASSWORD).status_code == 302
    assert try_in("other@example.com").status_code == 200
    assert try_in("other@example.com").status_code == 429


def test_one_name_tried_from_many_addresses_has_to_wait_but_not_where_the_person_is_known() -> None:
    person()
    assert try_in("anna@example.com", PASSWORD, address="198.51.100.1").status_code == 302
    failures(50, lambda n: "anna@example.com", lambda n: f"203.0.113.{n}")
    assert try_in("anna@example.com", PASSWORD, address="192.0.2.99").status_code == 429
    assert try_in("anna@example.com", PASSWORD, address="198.51.100.1").status_code == 302
    later(days=31)
    failures(50, lambda n: "anna@example.com", lambda n: f"203.0.113.{n}")
    assert try_in("anna@example.com", PASSWORD, address="198.51.100.1").status_code == 429


def test_a_few_requests_from_one_place_never_lock_a_colleague_out() -> None:
    person()
    for _ in range(60):
        try_in("anna@example.com", address="203.0.113.66")
    assert try_in("anna@example.com", PASSWORD, address="192.0.2.1").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_tries_that_come_all_at_once_do_not_slip_through() -> None:
    looked_at: list[str] = []

    def once(number: int) -> int:
        try:
            return int(try_in("anna@example.com", f"wrong {number}").status_code)
        finally:
            connection.close()

    def check(self: User, password: str) -> bool:
        looked_at.append(password)
        time.sleep(0.2)
        return False

    person()
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(12) as pool:
        patch.setattr(User, "check_password", check)
        statuses = list(pool.map(once, range(24)))
    assert len(looked_at) <= 5
    assert set(statuses) <= {200, 429}


def test_an_administrator_lifts_a_lock() -> None:
    person()
    for _ in range(6):
        try_in("anna@example.com")
    call_command("axes_reset_username", "Anna@example.com", stdout=StringIO())
    assert try_in("anna@example.com", PASSWORD).status_code == 302


def test_what_no_limit_asks_for_any_more_goes() -> None:
    failures(3, lambda n: "x", lambda n: "203.0.113.7")
    AccessLog.objects.create(username="x", ip_address="203.0.113.7")
    later(days=31)
    Session.objects.create(session_key="old", expire_date=timezone.now() - timedelta(minutes=1))
    try_in("nobody@example.com")
    assert list(AccessFailureLog.objects.values_list("username", flat=True)) == ["nobody@example.com"]
    assert not AccessLog.objects.exists()
    assert not Session.objects.exists()


def test_nothing_of_a_password_is_written_down() -> None:
    try_in("anna@example.com", "hunter2-hunter2")
    kept = [str(value) for row in AccessFailureLog.objects.values() for value in row.values()]
    assert not any("hunter2" in value for value in kept)


# Addresses


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "expected"),
    [
        (0, "1.2.3.4", "203.0.113.7", "203.0.113.7"),
        (1, "", "203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4", "10.0.0.1", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "10.0.0.1", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.2", "10.0.0.1", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.1", "10.0.0.1"),
        (1, "nonsense", "10.0.0.1", "10.0.0.1"),
        (0, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (0, "", "::ffff:203.0.113.7", "203.0.113.7"),
        (0, "", "", None),
    ],
)
def test_only_our_own_proxies_say_whose_address_it_is(
    settings: Settings, proxies: int, forwarded: str, remote: str, expected: str | None
) -> None:
    settings.PROXY_COUNT = proxies
    request = RequestFactory(REMOTE_ADDR=remote).get("/", headers={"X-Forwarded-For": forwarded})
    assert limits.address_of(request) == expected


def test_a_forged_header_does_not_help() -> None:
    person()
    for number in range(5):
        try_in("anna@example.com", **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert try_in("anna@example.com", PASSWORD, **{"X-Forwarded-For": "192.0.2.99"}).status_code == 429


# Sessions


def signed_in(user: User) -> Client:
    client = Client()
    assert client.post(LOGIN, {"username": user.username, "password": PASSWORD}).status_code == 302
    return client


def test_a_session_ends_twelve_hours_after_signing_in_whatever_happens_in_it(settings: Settings) -> None:
    client = signed_in(person())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert 43_100 < cookie["max-age"] <= 43_200
    session = client.session
    ends = session.get_expiry_date()
    session["x"] = 1
    session.save()
    assert client.session.get_expiry_date() == ends
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/admin/").status_code == 302


def test_the_sessions_of_a_deactivated_account_end_at_once() -> None:
    client = signed_in(user := person())
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_changing_ones_password_ends_ones_other_sessions() -> None:
    user = person()
    here, elsewhere = signed_in(user), signed_in(user)
    given = {"old_password": PASSWORD, "new_password1": "another long 42", "new_password2": "another long 42"}
    assert here.post("/admin/password_change/", given).status_code == 302
    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


# A new password by mail


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mails are made in this thread, which sees the test's transaction."""
    monkeypatch.setattr(mail, "elsewhere", lambda work, *arguments: work(*arguments))


def link_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/admin/password-reset/\S+)", text)
    assert found, text
    return found[1]


@pytest.mark.usefixtures("_at_once")
def test_a_forgotten_password_is_set_anew_and_all_sessions_end() -> None:
    user = person()
    elsewhere, client = signed_in(user), Client()
    assert "Forgot your password?" in client.get(LOGIN).content.decode()
    sent = client.post(ASK, {"email": "ANNA@example.com"}, follow=True, headers={"Host": "127.0.0.1"})
    assert "If there is an account for this address" in sent.content.decode()
    (message,) = outgoing.outbox
    assert message.to == ["anna@example.com"]
    page = client.get(link_in(message.body), follow=True)
    assert "For anna@example.com." in page.content.decode()
    assert link_in(message.body) not in page.request["PATH_INFO"]
    chosen = {"new_password1": "another long 42", "new_password2": "another long 42"}
    done = client.post(page.request["PATH_INFO"], chosen, follow=True)
    assert "Your password is set" in done.content.decode()
    assert [change.sentence for change in history.of(user)] == ["Password set through a link."]
    assert elsewhere.get("/admin/").status_code == 302
    assert client.get("/admin/").status_code == 302
    assert try_in("anna@example.com", "another long 42").status_code == 302
    assert "Get a new link" in Client().get(link_in(message.body), follow=True).content.decode()


@pytest.mark.usefixtures("_at_once")
def test_a_link_does_not_follow_a_forged_host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    person()
    Client(headers={"Host": "evil.example"}).post(ASK, {"email": "anna@example.com"})
    assert "evil.example" not in outgoing.outbox[0].body
    assert link_in(outgoing.outbox[0].body)


@pytest.mark.usefixtures("_at_once")
def test_a_link_is_good_for_a_day(settings: Settings) -> None:
    person()
    Client().post(ASK, {"email": "anna@example.com"})
    assert settings.PASSWORD_RESET_TIMEOUT == 24 * 3600
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "older than 24 hours" in Client().get(link_in(outgoing.outbox[0].body), follow=True).content.decode()


@pytest.mark.usefixtures("_at_once")
def test_whoever_has_set_a_new_password_need_not_wait() -> None:
    person()
    for _ in range(6):
        try_in("anna@example.com")
    client = Client()
    client.post(ASK, {"email": "anna@example.com"})
    page = client.get(link_in(outgoing.outbox[0].body), follow=True)
    chosen = {"new_password1": "another long 42", "new_password2": "another long 42"}
    client.post(page.request["PATH_INFO"], chosen)
    assert try_in("anna@example.com", "another long 42").status_code == 302


@pytest.mark.usefixtures("_at_once")
def test_only_who_may_enter_gets_a_link() -> None:
    gone = make.UserFactory.make(username="gone@example.com", email="gone@example.com")
    person("off@example.com", is_active=False)
    invited = make.UserFactory.make(username="invited@example.com")
    make.MembershipFactory.make(user=invited, tenant__language="fr")
    User.objects.create_superuser("root", "root@example.com")
    for name in (gone.username, "off@example.com", invited.username, "root@example.com", "nobody@example.com"):
        assert Client().post(ASK, {"email": name})["Location"] == "/admin/password-reset/sent/"
    assert [message.to for message in outgoing.outbox] == [["invited@example.com"], ["root@example.com"]]


@pytest.mark.usefixtures("_at_once")
def test_nobodys_mailbox_is_filled() -> None:
    person()
    for number in range(6):
        response = Client(REMOTE_ADDR=f"203.0.113.{number}").post(ASK, {"email": "Anna@example.com"})
        assert response.status_code == 302
    assert len(outgoing.outbox) == 3


@pytest.mark.django_db(transaction=True)
def test_the_answer_says_nothing_of_an_account_nor_does_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmailBackend, "send_messages", slowly(EmailBackend.send_messages))
    person()
    answers, took = [], []
    for address in ("anna@example.com", "nobody@example.com"):
        since = time.monotonic()
        response = Client().post(ASK, {"email": address})
        took.append(time.monotonic() - since)
        page = Client().get(response["Location"])
        answers.append((response.status_code, response["Location"], response.content, page.content))
    assert answers[0] == answers[1]
    assert max(took) < 0.9
    deadline = time.monotonic() + 10
    while not outgoing.outbox and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [message.to for message in outgoing.outbox] == [["anna@example.com"]]


def slowly(send: Any) -> Any:
    def sent(*arguments: Any) -> Any:
        time.sleep(1)
        return send(*arguments)

    return sent


def test_without_mail_there_is_nothing_to_ask_for(settings: Settings) -> None:
    settings.MAIL_SET_UP = False
    assert "Forgot your password?" not in Client().get(LOGIN).content.decode()
    assert Client().get(ASK).status_code == 404
    assert Client().post(ASK, {"email": "anna@example.com"}).status_code == 404
