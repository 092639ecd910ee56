"""Refused calls with a real key are noted for its tenant; the caller hears no more than before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import refused
from portal.access import SUSPENDED_RETRY_SECONDS, make_key
from portal.models import ApiKey, Event, RefusedCall, Scope, Tenant
from portal.refused import EVENTS_SEARCHED, KEPT_PER_CONNECTION, NEW_A_MINUTE, not_heard_since
from tests import factories as make
from tests.portal.ledger_world import at
from tests.world import Speaker, make_connection, make_speaker, post

pytestmark = pytest.mark.django_db
MINIMAL = {"data": {"profileId": 147471}}
Reason = RefusedCall.Reason


@pytest.fixture
def speaker() -> Speaker:
    return make_speaker()


def change_key(speaker: Speaker, **columns: Any) -> None:
    ApiKey.objects.filter(pk=speaker.key.pk).update(**columns)


def revoked(speaker: Speaker) -> Any:
    change_key(speaker, revoked_at=timezone.now())
    return speaker.post(MINIMAL)


def expired(speaker: Speaker) -> Any:
    change_key(speaker, expires_at=timezone.now() - timedelta(seconds=1))
    return speaker.post(MINIMAL)


def elsewhere(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant=make_speaker("rivale").tenant.slug, secret=speaker.secret)


def nowhere(speaker: Speaker) -> Any:
    return post(MINIMAL, tenant="nobody", secret=speaker.secret)


def without_the_scope(speaker: Speaker) -> Any:
    change_key(speaker, scopes=[])
    return speaker.post(MINIMAL)


def unbound(speaker: Speaker) -> Any:
    change_key(speaker, bound_to="")
    make_connection(speaker.tenant, name="Second", licence="second")
    return speaker.post(MINIMAL)


def bad_body(speaker: Speaker) -> Any:
    return speaker.post({"data": {"profileId": "x"}})


def too_large(speaker: Speaker) -> Any:
    return speaker.post(b"x" * 300_000)


def form(speaker: Speaker) -> Any:
    return speaker.post(b"profileId=7", content_type="application/x-www-form-urlencoded")


def unknown_type(speaker: Speaker) -> Any:
    return speaker.post(MINIMAL, "Delete")


def mistyped_address(speaker: Speaker) -> Any:
    url = "/api/verdi/webhooks/listeners/actito/profiles/Update"
    return Client().post(url, MINIMAL, content_type="application/json", headers={"X-API-KEY": speaker.secret})


def with_get(speaker: Speaker) -> Any:
    url = "/api/verdi/webhooks/listeners/actito/profile/Update"
    return Client().get(url, headers={"X-API-KEY": speaker.secret})


def suspended(speaker: Speaker) -> Any:
    Tenant.objects.filter(pk=speaker.tenant.pk).update(suspended_at=timezone.now())
    return speaker.post(MINIMAL)


@pytest.mark.parametrize(
    ("send", "status", "reason"),
    [
        (revoked, 401, Reason.REVOKED),
        (expired, 401, Reason.EXPIRED),
        (elsewhere, 401, Reason.ELSEWHERE),
        (nowhere, 401, Reason.ELSEWHERE),
        (without_the_scope, 403, Reason.SCOPE),
        (unbound, 403, Reason.CONNECTION),
        (bad_body, 400, Reason.BODY),
        (too_large, 413, Reason.SIZE),
        (form, 415, Reason.TYPE),
        (unknown_type, 404, Reason.ADDRESS),
        (mistyped_address, 404, Reason.ADDRESS),
        (with_get, 405, Reason.METHOD),
        (suspended, 503, Reason.SUSPENDED),
    ],
)
def test_a_refused_call_is_noted_for_the_keys_own_tenant(
    speaker: Speaker, send: Callable[[Speaker], Any], status: int, reason: str
) -> None:
    assert send(speaker).status_code == status
    call = RefusedCall.objects.get()
    assert (call.tenant, call.key, call.status, call.reason, call.count) == (
        speaker.tenant, speaker.key, status, reason, 1,
    )  # fmt: skip
    assert call.source == ("" if send is unbound else speaker.connection.source)
    assert call.path.startswith("/api/")
    assert call.detail
    assert not Event.objects.exists()


@pytest.mark.parametrize("secret", [None, "", "awp_00000000_" + "x" * 43, "x" * 500])
def test_what_comes_without_a_real_key_is_not_noted(speaker: Speaker, secret: str | None) -> None:
    assert post(MINIMAL, tenant="verdi", secret=secret).status_code == 401
    wrong = speaker.secret[:-1] + ("A" if speaker.secret[-1] != "A" else "B")
    assert post(MINIMAL, tenant="verdi", secret=wrong).status_code == 401
    assert not RefusedCall.objects.exists()


@pytest.mark.parametrize("send", [revoked, expired, elsewhere, nowhere])
def test_whoever_is_shut_out_hears_the_plain_401(speaker: Speaker, send: Callable[[Speaker], Any]) -> None:
    answer, plain = send(speaker), post(MINIMAL, tenant="verdi", secret=None)
    assert answer.content == plain.content
    assert {**answer.headers} == {**plain.headers}


def test_a_suspended_tenants_sender_is_asked_to_come_again_later(speaker: Speaker) -> None:
    answer = suspended(speaker)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(SUSPENDED_RETRY_SECONDS)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Service Unavailable"
    wrong = post(MINIMAL, tenant="verdi", secret="awp_00000000_" + "x" * 43)
    assert (wrong.status_code, wrong.content) == (401, post(MINIMAL, tenant="nobody", secret=None).content)
    assert not Event.objects.exists()


def test_an_accepted_call_notes_nothing_and_costs_one_insert(speaker: Speaker) -> None:
    speaker.post(MINIMAL)
    with CaptureQueriesContext(database) as queries:
        assert speaker.post(MINIMAL).status_code == 208
    assert len(queries) == 1
    assert not RefusedCall.objects.exists()


# What is kept of it


def test_the_beginning_of_the_body_is_kept_without_secrets(speaker: Speaker) -> None:
    body = f'{{"password": "hunter2", "note": "{speaker.secret}", "points": 7}}{"x" * 9000}'.encode()
    assert speaker.post(body).status_code == 400
    call = RefusedCall.objects.get()
    assert '"points": 7' in call.excerpt
    assert "hunter2" not in call.excerpt
    for column in (call.excerpt, call.detail, call.path):
        assert speaker.secret not in column
        assert len(column) < 600


def test_a_body_that_nobody_read_is_kept_too(speaker: Speaker) -> None:
    form(speaker)
    assert RefusedCall.objects.get().excerpt == "profileId=7"


@pytest.mark.parametrize("send", [revoked, expired, elsewhere, suspended])
def test_whoever_is_shut_out_leaves_no_data(speaker: Speaker, send: Callable[[Speaker], Any]) -> None:
    send(speaker)
    assert RefusedCall.objects.get().excerpt == ""


def test_a_key_in_the_address_is_masked(speaker: Speaker) -> None:
    speaker.post(MINIMAL, f"{speaker.secret}")
    assert speaker.secret not in RefusedCall.objects.get().path


def test_a_body_that_breaks_off_is_noted_without_it(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> bytes:
        raise OSError("connection reset")

    monkeypatch.setattr("portal.refused.beginning_of", broken)
    assert form(speaker).status_code == 415
    assert RefusedCall.objects.get().excerpt == ""


def test_the_answer_stands_when_its_note_fails(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise RuntimeError("geheim")

    monkeypatch.setattr("portal.refused._write", full)
    assert bad_body(speaker).status_code == 400
    assert "refusal=not noted (RuntimeError)" in caplog.text
    assert "geheim" not in caplog.text


# How much of it is kept


def test_the_same_refusal_within_a_minute_is_counted(speaker: Speaker) -> None:
    for _ in range(3):
        bad_body(speaker)
    assert RefusedCall.objects.get().count == 3
    with at(timezone.now() + timedelta(seconds=61)):
        bad_body(speaker)
    assert [call.count for call in RefusedCall.objects.all()] == [1, 3]


def test_another_reason_is_another_row(speaker: Speaker) -> None:
    bad_body(speaker)
    form(speaker)
    assert {call.reason for call in RefusedCall.objects.all()} == {Reason.BODY, Reason.TYPE}


def test_a_flood_is_counted_with_few_writes(speaker: Speaker) -> None:
    bad_body(speaker)
    with CaptureQueriesContext(database) as queries:
        for _ in range(299):
            bad_body(speaker)
    assert RefusedCall.objects.get().count == 300
    writes = [query for query in queries if query["sql"].startswith("UPDATE")]
    assert len(writes) == 20  # 2 to 10 each, to 100 by tens, 200, 300


def test_a_flood_of_different_refusals_is_cut_off(speaker: Speaker) -> None:
    for number in range(NEW_A_MINUTE + 15):
        assert speaker.post(MINIMAL, f"Type{number}").status_code == 404
    assert RefusedCall.objects.count() == NEW_A_MINUTE
    make_speaker("rivale").post(MINIMAL, "Type")
    assert RefusedCall.objects.count() == NEW_A_MINUTE + 1


def test_the_newest_hundred_of_a_connection_are_kept(speaker: Speaker) -> None:
    other = make.RefusedCallFactory.make(key=make.ApiKeyFactory.make(tenant=speaker.tenant, bound_to="actito:999"))
    for age in range(KEPT_PER_CONNECTION + 5):
        moment = timezone.now() - timedelta(hours=3 + age)
        make.RefusedCallFactory.make(key=speaker.key, source=speaker.connection.source, at=moment)
    bad_body(speaker)
    kept = RefusedCall.objects.filter(source=speaker.connection.source)
    assert kept.count() == KEPT_PER_CONNECTION
    assert kept[0].reason == Reason.BODY
    assert RefusedCall.objects.filter(pk=other.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite lets one transaction write at a time anyway")
def test_the_limit_holds_when_many_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = make_speaker()
    monkeypatch.setattr(refused, "KEPT_PER_CONNECTION", 5)

    def knock(number: int) -> None:
        try:
            speaker.post(MINIMAL, f"Type{number}")
            speaker.post(MINIMAL, "Same")
        finally:
            database.close()

    threads = [Thread(target=knock, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert RefusedCall.objects.count() == 5
    same = RefusedCall.objects.filter(path__endswith="Same")
    assert same.count() <= 1


# Whether anything was accepted since


def lately() -> Any:
    return timezone.now() - timedelta(hours=1)


def test_a_refusal_is_news_until_something_is_accepted(speaker: Speaker) -> None:
    tenants = [speaker.tenant.pk]
    assert not_heard_since(tenants, lately()) == []
    speaker.post(MINIMAL)
    bad_body(speaker)
    assert [call.reason for call in not_heard_since(tenants, lately())] == [Reason.BODY]
    assert not_heard_since([speaker.tenant.pk + 1], lately()) == []
    speaker.post(MINIMAL)
    assert not_heard_since(tenants, lately()) == []


def test_what_another_connection_or_a_sync_brings_is_no_acceptance(speaker: Speaker) -> None:
    bad_body(speaker)
    second = make_connection(speaker.tenant, name="Second", licence="second")
    secret = make_key(speaker.tenant, "Second", [Scope.ACTITO_LISTENER], bound_to=second.source)[1]
    assert post(MINIMAL, tenant="verdi", secret=secret).status_code == 200
    make.EventFactory.make(tenant=speaker.tenant, source="portal")
    assert len(not_heard_since([speaker.tenant.pk], lately())) == 1


def test_an_old_key_that_goes_on_knocking_is_no_news_while_its_successor_is_accepted(speaker: Speaker) -> None:
    """Refusals in a row began before: only their latest is newer than what was accepted."""
    revoked(speaker)
    fresh = make_key(speaker.tenant, "Fresh", [Scope.ACTITO_LISTENER], bound_to=speaker.connection.source)[1]
    assert post(MINIMAL, tenant="verdi", secret=fresh).status_code == 200
    assert speaker.post(MINIMAL).status_code == 401
    assert RefusedCall.objects.get().count == 2
    assert not_heard_since([speaker.tenant.pk], lately()) == []


def test_a_key_without_a_connection_is_heard_through_the_only_one() -> None:
    speaker = make_speaker(bound=False)
    bad_body(speaker)
    assert len(not_heard_since([speaker.tenant.pk], lately())) == 1
    speaker.post(MINIMAL)
    assert not_heard_since([speaker.tenant.pk], lately()) == []


def test_an_hour_later_or_when_suspended_it_is_no_news(speaker: Speaker) -> None:
    suspended(speaker)
    assert not_heard_since([speaker.tenant.pk], lately()) == []
    make.RefusedCallFactory.make(key=speaker.key)
    assert not_heard_since([speaker.tenant.pk], lately()) == []
    assert EVENTS_SEARCHED > KEPT_PER_CONNECTION
