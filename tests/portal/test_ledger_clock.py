"""Clocks that are set, or differ, and leases that nobody renews."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from portal import ledger
from portal.jobs import pace
from portal.ledger.failure import next_retry_at
from portal.ledger.leases import Lease, is_over
from portal.models import Lane
from tests.portal.ledger_world import READ, Desk, again, at, on, raising, seconds

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Stopwatch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("until", "still", "over"),
    [
        (-1, 0, False),  # ran out by the wall clock, but nobody has watched yet
        (-1, 10, True),
        (-3600, 9, False),  # a clock was set forward: whoever lives renews within seconds
        (10, 49, False),
        (3600, 51, True),  # a clock was set back
        (3600, 50, False),
    ],
)
def test_a_lease_is_over_when_it_ran_out_and_stood_still(until: int, still: float, over: bool) -> None:
    assert is_over(Lease(1, uuid.uuid4(), NOON + seconds(until)), still, NOON) is over


@pytest.mark.django_db
def test_leases_that_are_renewed_are_kept_whatever_the_wall_clock_says(desk: Desk) -> None:
    event, time = desk.leased(), Stopwatch()
    watch = ledger.LeaseWatch(time)
    for beat in range(100):
        ledger.renew_leases([event])
        with at(timezone.now() + HOUR * (beat % 2)):
            assert watch.expire() == 0
        time.now += 2


@pytest.mark.django_db
def test_leases_are_given_time_after_an_outage_in_which_nobody_could_renew(desk: Desk) -> None:
    desk.leased()
    time = Stopwatch()
    watch = ledger.LeaseWatch(time)
    watch.expire()
    time.now += 600
    with at(timezone.now() + seconds(600)):
        assert watch.expire() == 0
        time.now += settings.HEART_LIMIT_SECONDS
        assert watch.expire() == 1


@pytest.mark.django_db
def test_the_leases_of_one_process_are_released_and_not_its_neighbours(desk: Desk) -> None:
    for number in range(3):
        desk.event(f"s:{number}")
    for name in ("host/11", "host/1", "host-2/11"):
        ledger.claim(1, name)
    assert ledger.release_leases("host/1") == 1
    assert ledger.release_leases("host") == 1
    assert ledger.release_leases("host-2") == 1


def test_a_clock_that_is_set_is_noticed_once_and_a_small_correction_is_not() -> None:
    now = timezone.now()
    with at(now):
        watch = ledger.ClockWatch()
    with at(now + seconds(2)):
        assert not watch.jump()
    with at(now - HOUR):
        assert abs(watch.jump() + HOUR + seconds(2)) < seconds(1)
        assert not watch.jump()


@pytest.mark.django_db
def test_what_arrived_before_the_clock_was_set_back_is_due_at_once(desk: Desk) -> None:
    event, now = desk.event(), timezone.now()
    with at(now - HOUR):
        assert ledger.claim(1, "tester") == []
        assert ledger.move_back(-HOUR) == 1
        assert ledger.claim(1, "tester") == [event]


@pytest.mark.django_db
def test_a_retry_keeps_its_distance_when_the_clock_is_set_back_and_is_moved_once(desk: Desk) -> None:
    event, now = desk.leased(), timezone.now()
    on(READ, raising(ledger.retry("No answer.")))
    ledger.run(event)
    due_at = again(event).due_at
    with at(now - HOUR):
        assert ledger.move_back(-HOUR) == 1
        assert ledger.move_back(-HOUR) == 0
    assert again(event).due_at == due_at - HOUR


@pytest.mark.django_db
def test_a_lane_waits_no_longer_when_the_clock_is_set_back(desk: Desk) -> None:
    now = timezone.now()
    Lane.objects.update(not_before=now + seconds(30))
    with at(now - HOUR):
        ledger.move_back(-HOUR)
    assert Lane.objects.get(pk=desk.lane.pk).not_before == now + seconds(30) - HOUR


def test_the_schedule_goes_on_after_a_first_failure_that_lies_ahead() -> None:
    due_at = next_retry_at(NOON + HOUR, 1, NOON, NOON)
    assert due_at
    assert seconds(13) < due_at - NOON < seconds(17)


def test_a_pace_that_was_paid_by_a_clock_that_has_been_set_back_goes_on_at_once() -> None:
    assert pace.allowed(60, 3600.0, 10.0) == (0, 10.0)
    assert pace.allowed(60, 10.0, 11.0) == (1, 10.0)
