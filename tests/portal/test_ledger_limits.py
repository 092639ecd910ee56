"""What a remote account takes: calls a minute, and a breaker that opens when calls keep failing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import ledger
from portal.caching import BriefCache
from portal.ledger.limits import FAILURES_IN_A_ROW, after_failure, charge_call, note_answer
from portal.models import Lane
from tests.portal.ledger_world import Desk, again, at, claim_at, expire_leases, on, seconds

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lane_of(desk: Desk) -> Lane:
    return Lane.objects.get(pk=desk.lane.pk)


def limit(desk: Desk, **columns: object) -> None:
    Lane.objects.filter(pk=desk.lane.pk).update(not_before=NOON, **columns)
    forget()


def forget() -> None:
    """A second has passed: what processes keep of lanes is read anew."""
    for cache in BriefCache.instances:
        cache.clear()


def charge(desk: Desk, calls: int, moment: datetime) -> None:
    with at(moment):
        for _ in range(calls):
            charge_call(desk.lane.pk)


def answers(desk: Desk, moment: datetime, *statuses: int | None) -> Lane:
    with at(moment):
        for status in statuses:
            note_answer(desk.lane.pk, status)
    forget()
    return lane_of(desk)


# The budget


def test_a_hundred_calls_a_minute_leave_room_for_eight_at_once_and_then_for_one_every_600_ms(desk: Desk) -> None:
    limit(desk, calls_per_minute=100, max_running=50)
    waiting = [desk.event(subject=f"s:{number}", due_at=NOON) for number in range(4)]
    charge(desk, 8, NOON)
    assert len(claim_at(NOON)) == 1
    charge(desk, 1, NOON)
    assert claim_at(NOON) == []
    assert len(claim_at(NOON + seconds(0.5))) == 1
    assert claim_at(NOON + seconds(0.3)) == []
    assert len(waiting) == 4


def test_over_an_hour_no_minute_sees_more_than_its_calls_and_a_burst(desk: Desk) -> None:
    limit(desk, calls_per_minute=100)
    desk.event(due_at=NOON)
    made: list[datetime] = []
    for step in range(1800):
        moment = NOON + seconds(step * 0.2)
        with at(moment):
            if ledger.look():
                charge_call(desk.lane.pk)
                made.append(moment)
    busiest = max(sum(begin <= each < begin + seconds(60) for each in made) for begin in made[::10])
    assert 95 <= len(made) / 6 <= 102
    assert busiest <= 109


def test_an_account_without_a_limit_is_asked_nothing_per_call_once_it_is_known(desk: Desk) -> None:
    charge_call(desk.lane.pk)
    with CaptureQueriesContext(connection) as queries:
        charge_call(desk.lane.pk)
        note_answer(desk.lane.pk, 200)
    assert len(queries) == 0
    assert lane_of(desk).budget_until == 0


def test_calls_beyond_the_budget_are_owed_for_a_minute_at_most(desk: Desk) -> None:
    limit(desk, calls_per_minute=1)
    desk.event(due_at=NOON)
    charge(desk, 10, NOON)
    assert claim_at(NOON + seconds(90)) == []
    assert len(claim_at(NOON + seconds(120))) == 1


def test_a_budget_written_before_the_clock_was_set_back_holds_nothing_up(desk: Desk) -> None:
    limit(desk, calls_per_minute=100)
    charge(desk, 50, NOON + timedelta(hours=1))
    desk.event(due_at=NOON - seconds(5))
    assert len(claim_at(NOON)) == 1
    charge(desk, 1, NOON)
    assert lane_of(desk).budget_until < (NOON + seconds(62)).timestamp()


def test_a_used_up_budget_holds_up_nobody_else(desk: Desk) -> None:
    limit(desk, calls_per_minute=100)
    other = desk.new_lane("other", not_before=NOON)
    for number in range(3):
        desk.event(subject=f"s:{number}", due_at=NOON)
    alone = desk.event(subject="alone", lane=other, due_at=NOON)
    charge(desk, 60, NOON)
    assert claim_at(NOON, places=8) == [alone]


# The breaker


@pytest.mark.parametrize(
    ("failures", "not_before", "expected"),
    [
        (0, -60, (1, -60)),
        (3, -60, (4, -60)),
        (4, -60, (5, 15)),
        (5, 10, (5, 10)),  # began before the breaker opened
        (5, -1, (6, 15)),
        (6, -1, (7, 15)),
        (40, -1, (41, 15)),
        (4, 300, (5, 300)),  # the account has asked for more
    ],
)
def test_the_fifth_failure_in_a_row_opens_the_breaker_and_a_trial_follows_every_15_seconds(
    failures: int, not_before: int, expected: tuple[int, int]
) -> None:
    told = after_failure(failures, NOON + seconds(not_before), NOON)
    assert told == (expected[0], NOON + seconds(expected[1]))


def test_within_five_minutes_of_an_outage_the_account_is_tried_at_least_five_times(desk: Desk) -> None:
    failures, not_before, moment, trials = FAILURES_IN_A_ROW - 1, NOON, NOON, 0
    failures, not_before = after_failure(failures, not_before, moment)
    while not_before <= NOON + timedelta(minutes=5):
        moment, trials = not_before, trials + 1
        failures, not_before = after_failure(failures, not_before, moment)
    assert trials >= 5


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504, 408, 425])
def test_no_answer_and_an_answer_of_trouble_count(desk: Desk, status: int | None) -> None:
    limit(desk)
    assert answers(desk, NOON, status, status).failures == 2


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 410])
def test_any_other_answer_shows_that_the_account_is_there(desk: Desk, status: int) -> None:
    limit(desk)
    assert answers(desk, NOON, 500, None, status).failures == 0


def test_too_many_calls_neither_open_the_breaker_nor_close_it(desk: Desk) -> None:
    limit(desk)
    assert answers(desk, NOON, 500, 429).failures == 1


def test_while_the_breaker_is_open_nothing_is_claimed_and_then_one_at_a_time(desk: Desk) -> None:
    limit(desk)
    for number in range(4):
        desk.event(subject=f"s:{number}", due_at=NOON)
    answers(desk, NOON, *[500] * 5)
    assert claim_at(NOON + seconds(14), places=8) == []
    (trial,) = claim_at(NOON + seconds(16), places=8)
    assert claim_at(NOON + seconds(17), places=8) == []
    answers(desk, NOON + seconds(17), 200)
    assert len(claim_at(NOON + seconds(17), places=8)) == 3
    assert again(trial).status == "leased"


def test_what_an_open_breaker_holds_back_uses_no_attempt(desk: Desk) -> None:
    limit(desk)
    held = desk.event(due_at=NOON)
    answers(desk, NOON, *[None] * 5)
    for moment in range(0, 15, 3):
        claim_at(NOON + seconds(moment))
    assert (again(held).attempts, again(held).retries) == (0, 0)


def test_a_trial_whose_worker_dies_leaves_the_next_one_its_turn(desk: Desk) -> None:
    limit(desk)
    first, second = (desk.event(subject=name, due_at=NOON) for name in ("a", "b"))
    answers(desk, NOON, *[None] * 5)
    (trial,) = claim_at(NOON + seconds(16), places=8)
    with at(NOON + timedelta(minutes=5)):
        expire_leases()
        (following,) = ledger.claim(8, "tester")
    assert {trial.pk, following.pk} == {first.pk, second.pk}


def test_calls_made_by_handlers_are_charged_and_told_to_the_breaker(desk: Desk) -> None:
    Lane.objects.update(calls_per_minute=100)
    forget()

    def call(work: ledger.Work) -> ledger.Result:
        made = work.trail.open(target="Vendor", method="GET", url="/", repeatable=True, request_excerpt="")
        work.trail.close(made, status=503, milliseconds=1, error="", response_excerpt="")
        return ledger.done("Called.")

    on("test.read", call)
    before = timezone.now().timestamp()
    ledger.run(desk.leased())
    assert lane_of(desk).failures == 1
    assert before < lane_of(desk).budget_until < before + 10
