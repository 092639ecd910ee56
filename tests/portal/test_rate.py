"""The rate of one key: bursts are let in, floods are not, and nobody pays for another's."""

from __future__ import annotations

import time
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from portal import rate
from portal.models import Event, OAuthClient, RefusedCall
from portal.rate import Buckets
from tests import factories as make
from tests.portal.issuer import Issuer
from tests.world import Speaker, make_speaker, post

MINIMAL = {"data": {"profileId": 147471}}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def let_in(buckets: Buckets, calls: int, key: Any = "key", rate: int = 300, burst: int = 600) -> int:
    return sum(buckets.take(key, rate, burst) == 0 for _ in range(calls))


def test_a_burst_is_let_in_and_then_the_rate(clock: Clock) -> None:
    buckets = Buckets(clock)
    assert let_in(buckets, 2000) == 600
    for _ in range(5):
        clock.now += 1
        assert let_in(buckets, 2000) == 300
    clock.now += 60
    assert let_in(buckets, 2000) == 600


def test_a_steady_sender_at_the_rate_is_never_refused(clock: Clock) -> None:
    buckets = Buckets(clock)
    for _ in range(3000):
        assert let_in(buckets, 1, burst=1) == 1
        clock.now += 1 / 300


@given(st.integers(1, 1000), st.integers(1, 2000), st.integers(0, 3000))
def test_whoever_waits_as_told_is_let_in(rate: int, burst: int, calls: int) -> None:
    clock = Clock()
    buckets = Buckets(clock)
    let_in(buckets, calls, rate=rate, burst=burst)
    wait = buckets.take("key", rate, burst)
    clock.now += wait
    if wait:
        assert buckets.take("key", rate, burst) == 0


def test_what_is_refused_does_not_put_off_the_next_call(clock: Clock) -> None:
    buckets = Buckets(clock)
    let_in(buckets, 100_000)
    clock.now += 1 / 300
    assert let_in(buckets, 10) == 1


def test_one_keys_flood_takes_nothing_from_anothers(clock: Clock) -> None:
    buckets = Buckets(clock)
    let_in(buckets, 10_000, "flood")
    assert let_in(buckets, 600, "calm") == 600


def test_memory_is_bounded_and_a_full_bucket_is_forgotten_first(clock: Clock) -> None:
    buckets = Buckets(clock, size=100)
    let_in(buckets, 600, "flood")
    for number in range(10_000):
        assert let_in(buckets, 1, number) == 1
        assert len(buckets._full_at) <= 100
    assert let_in(buckets, 10, "flood") == 0
    clock.now += 10
    assert let_in(buckets, 1, ("other", "kind")) == 1
    for number in range(100):
        let_in(buckets, 1, number)
    assert len(buckets._full_at) <= 100


class Slow:
    """A key that lets other threads in between every look and what follows from it."""

    def __hash__(self) -> int:
        time.sleep(0)
        return 7


def test_threads_share_one_bucket_to_the_call() -> None:
    buckets, begin, counts, key = Buckets(lambda: 1000.0), Barrier(8), list[int](), Slow()

    def flood() -> None:
        begin.wait()
        counts.append(let_in(buckets, 400, key))

    threads = [Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(counts) == 600


def test_threads_that_flood_leave_a_calm_key_alone() -> None:
    buckets, end = Buckets(), time.monotonic() + 0.5

    def flood() -> None:
        while time.monotonic() < end:
            buckets.take("flood", 300, 600)

    threads = [Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    calm = 0
    while time.monotonic() < end:
        assert buckets.take("calm", 300, 600) == 0
        calm += 1
        time.sleep(0.005)
    for thread in threads:
        thread.join(20)
    assert calm > 10


# Behind the webhook


@pytest.fixture
def slow(settings: LazySettings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Three calls at once, one a second."""
    settings.WEBHOOK_RATE, settings.WEBHOOK_BURST = 1, 3
    monkeypatch.setattr(rate, "_buckets", Buckets(clock))
    return clock


@pytest.mark.django_db
def test_a_call_too_many_hears_when_to_come_again(slow: Clock) -> None:
    speaker = make_speaker()
    assert [speaker.post({"data": {"profileId": number}}).status_code for number in range(1, 5)] == [200] * 3 + [429]
    slow.now += 0.5
    answer = speaker.post(MINIMAL)
    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    told = answer.json()
    assert (told["title"], told["status"]) == ("Too Many Requests", 429)
    assert "wait 1 second." in told["detail"]
    slow.now += 1
    assert speaker.post(MINIMAL).status_code == 200
    assert Event.objects.count() == 4


@pytest.mark.django_db
def test_other_keys_go_on(slow: Clock) -> None:
    flood, calm = make_speaker(), make_speaker("calm")
    for _ in range(10):
        flood.post(MINIMAL)
    assert calm.post(MINIMAL).status_code == 200


@pytest.mark.django_db
def test_whoever_is_not_let_in_empties_no_bucket(slow: Clock) -> None:
    speaker = make_speaker()
    make_speaker("rivale")
    for _ in range(10):
        assert post(MINIMAL, tenant="rivale", secret=speaker.secret).status_code == 401
    assert speaker.post(MINIMAL).status_code == 200


@pytest.mark.django_db
def test_a_flood_is_turned_away_before_its_body_is_read_and_noted_with_few_writes(
    slow: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = make_speaker()
    for number in range(1, 4):
        speaker.post({"data": {"profileId": number}})
    read: list[HttpRequest] = []
    monkeypatch.setattr(HttpRequest, "read", lambda request, *_: read.append(request) or b"")
    for _ in range(100):
        assert speaker.post(MINIMAL).status_code == 429
    assert not read
    call = RefusedCall.objects.get()
    assert (call.reason, call.status, call.excerpt) == (RefusedCall.Reason.RATE, 429, "")
    assert call.count == 100


@pytest.mark.django_db
def test_each_client_of_each_tenant_has_a_bucket(slow: Clock, issuer: Issuer, issuer_clock: object) -> None:
    speakers: list[Speaker] = [make_speaker(), make_speaker("rivale")]
    for one in speakers:
        for client in ("sender", "second"):
            make.OAuthClientFactory.make(tenant=one.tenant, client_id=client, bound_to=one.connection.source)
    assert OAuthClient.objects.count() == 4

    def statuses(tenant: str, client: str, calls: int) -> set[int]:
        token = issuer.token(azp=client)
        return {
            post(MINIMAL, tenant=tenant, secret=None, HTTP_AUTHORIZATION=f"Bearer {token}").status_code
            for _ in range(calls)
        }

    assert 429 in statuses("verdi", "sender", 4)
    for tenant, client in (("verdi", "second"), ("rivale", "sender")):
        assert statuses(tenant, client, 3) <= {200, 208}
