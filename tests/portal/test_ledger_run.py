"""RUN and FINISH: effects commit with the end of the Event, and only for the holder of the lease."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import ledger
from portal.ledger import Result, Work
from portal.ledger.failure import RETRY_SECONDS
from portal.models import Attempt, Customer, Event, Lane
from tests.portal.ledger_world import (
    ACT,
    NEWS,
    READ,
    Desk,
    again,
    at,
    claim_at,
    expire_leases,
    on,
    raising,
    seconds,
)

pytestmark = pytest.mark.django_db


def taken_over(event: Event) -> Event:
    """Another worker holds the Event now, because its lease ran out."""
    later = timezone.now() + timedelta(hours=1)
    with at(later):
        expire_leases()
    (holder,) = claim_at(later + timedelta(hours=1))
    assert holder.pk == event.pk
    return holder


def writes_a_customer(desk: Desk) -> Callable[[], Result]:
    def effects() -> Result:
        Customer.objects.create(tenant=desk.tenant, key="k")
        return ledger.done("A new customer.")

    return effects


def test_a_plain_result_ends_the_event(desk: Desk) -> None:
    event = desk.leased()
    on(READ, lambda _: ledger.ignored("Nothing \0to do."))
    assert ledger.run(event) == "ignored"
    stored = again(event)
    assert (stored.status, stored.outcome, stored.lease_token) == ("ignored", "Nothing \ufffdto do.", None)
    assert stored.finished_at


def test_effects_and_the_end_of_the_event_commit_together(desk: Desk) -> None:
    event = desk.leased()
    on(READ, lambda _: writes_a_customer(desk))
    assert ledger.run(event) == "done"
    assert (again(event).status, again(event).outcome) == ("done", "A new customer.")
    assert Customer.objects.count() == 1


def test_effects_that_break_leave_nothing_behind_and_are_tried_again(desk: Desk) -> None:
    event = desk.leased()

    def half() -> Result:
        writes_a_customer(desk)()
        ledger.publish(NEWS, cause=event, subject="x", payload={})
        raise ValueError("jan@example.com")

    on(READ, lambda _: half)
    ledger.run(event)
    assert (again(event).status, again(event).retries) == ("waiting", 1)
    assert Customer.objects.count() == 0
    assert Event.objects.count() == 1


def test_effects_may_say_that_it_failed(desk: Desk) -> None:
    event = desk.leased()

    def effects() -> Result:
        writes_a_customer(desk)()
        raise ledger.dead("It cannot be.")

    on(READ, lambda _: effects)
    ledger.run(event)
    assert (again(event).status, again(event).outcome) == ("failed", "It cannot be.")
    assert Customer.objects.count() == 0


def test_a_late_worker_changes_nothing_though_its_effects_were_computed(desk: Desk) -> None:
    late = desk.leased()
    holder = taken_over(late)
    ran = []
    on(READ, lambda _: lambda: ran.append(1) or writes_a_customer(desk)())
    assert ledger.run(late) == "lost"
    assert (again(holder).status, again(holder).lease_token) == ("leased", holder.lease_token)
    assert Customer.objects.count() == 0
    assert ran == []


@pytest.mark.parametrize("failure", [ledger.dead("x"), ledger.pause("x"), ledger.defer("x", seconds(60)), ValueError()])
def test_a_late_workers_failure_changes_nothing_either(desk: Desk, failure: Exception) -> None:
    late = desk.leased()
    holder = taken_over(late)
    before = again(holder), Lane.objects.get(pk=desk.lane.pk)
    on(READ, raising(failure))
    assert ledger.run(late) == "lost"
    after = again(holder), Lane.objects.get(pk=desk.lane.pk)
    assert [vars(row) | {"_state": 0} for row in after] == [vars(row) | {"_state": 0} for row in before]


def test_retries_follow_the_schedule_from_the_first_failure_and_end_as_a_dead_letter(desk: Desk) -> None:
    event = desk.event()
    start = timezone.now()
    on(READ, raising(ledger.retry("No answer.")))
    moment, times = start, []
    while True:
        (claimed,) = claim_at(moment)
        call_ends = moment + seconds(2)
        with at(call_ends):
            ledger.run(claimed)
        stored = again(event)
        if stored.status != "waiting":
            break
        first = stored.first_failed_at
        times.append((stored.due_at - first).total_seconds())
        moment = stored.due_at
    assert len(times) == len(RETRY_SECONDS)
    for due, planned in zip(times, RETRY_SECONDS, strict=True):
        assert planned * 0.9 <= due <= planned * 1.1
    assert sum(due <= 300 for due in times) == 5
    assert RETRY_SECONDS == (5, 15, 45, 110, 240, 600, 1800, 7200, 21600, 43200, 86400, 172800, 259200)
    assert (stored.status, stored.outcome, stored.attempts) == ("failed", "No answer.", 14)


def test_slow_calls_do_not_stretch_the_schedule(desk: Desk) -> None:
    desk.event()
    moment = timezone.now()
    on(READ, raising(ledger.retry("It took too long.")))
    tries = []
    for _ in range(6):
        (claimed,) = claim_at(moment)
        tries.append(moment)
        with at(moment + seconds(35)):
            ledger.run(claimed)
        moment = again(claimed).due_at
    assert tries[5] - tries[0] <= seconds(35 + 300)


def test_a_standstill_does_not_use_up_the_schedule_in_one_burst(desk: Desk) -> None:
    desk.event()
    on(READ, raising(ledger.retry("No answer.")))
    moment = timezone.now()
    for wait in (0, 0, 7200):  # the third try comes two hours late
        (claimed,) = claim_at(moment + seconds(wait))
        with at(moment + seconds(wait + 1)):
            ledger.run(claimed)
        late = moment + seconds(wait)
        moment = again(claimed).due_at
    assert moment - late >= seconds(27)  # 45 - 15, less a tenth


def test_deferral_moves_the_lane_and_costs_no_attempt(desk: Desk) -> None:
    event = desk.leased()
    now = timezone.now()
    on(READ, raising(ledger.defer("Asked to wait.", seconds(90))))
    with at(now):
        ledger.run(event)
    stored, lane = again(event), Lane.objects.get(pk=desk.lane.pk)
    assert (stored.status, stored.attempts, stored.retries) == ("waiting", 0, 0)
    assert lane.not_before == now + seconds(90)
    assert claim_at(now + seconds(89)) == []
    assert claim_at(now + seconds(91)) == [event]


def test_a_deferral_is_capped_and_never_shortens_another(desk: Desk) -> None:
    event = desk.leased()
    now = timezone.now()
    Lane.objects.filter(pk=desk.lane.pk).update(not_before=now + seconds(3000))
    on(READ, raising(ledger.defer("Asked to wait.", seconds(5))))
    with at(now):
        ledger.run(event)
    assert Lane.objects.get(pk=desk.lane.pk).not_before == now + seconds(3000)
    assert ledger.defer("", timedelta(days=3)).wait == timedelta(hours=1)


def test_after_a_day_of_deferrals_attempts_are_used(desk: Desk) -> None:
    desk.event()
    on(READ, raising(ledger.defer("Asked to wait.", timedelta(hours=1))))
    moment = start = timezone.now()
    retries = 0
    while not retries:
        (claimed,) = claim_at(moment)
        with at(moment):
            ledger.run(claimed)
        retries = again(claimed).retries
        moment = max(again(claimed).due_at, Lane.objects.get(pk=desk.lane.pk).not_before) + seconds(1)
    assert timedelta(hours=24) < moment - start < timedelta(hours=27)
    (claimed,) = claim_at(moment)
    on(READ, raising(ledger.retry("No answer.")))
    with at(moment):
        ledger.run(claimed)
    assert again(claimed).due_at - moment >= seconds(9)


def test_a_pause_stops_the_lane_with_its_reason_and_costs_no_attempt(desk: Desk) -> None:
    event = desk.leased()
    on(READ, raising(ledger.pause("The key was refused.")))
    ledger.run(event)
    lane = Lane.objects.get(pk=desk.lane.pk)
    assert lane.paused_at
    assert lane.pause_reason == "The key was refused."
    assert (again(event).status, again(event).attempts, again(event).first_failed_at) == ("waiting", 0, None)


@pytest.mark.parametrize(
    ("failure", "status"), [(ledger.dead("Refused."), "failed"), (ledger.uncertain("Who knows?"), "uncertain")]
)
def test_a_final_failure_ends_the_event_at_once(desk: Desk, failure: Exception, status: str) -> None:
    event = desk.leased()
    on(READ, raising(failure))
    assert ledger.run(event) == status
    assert (again(event).status, again(event).outcome) == (status, str(failure))
    assert again(event).finished_at


def test_an_unexpected_error_is_tried_again_and_its_words_stay_out_of_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    event = desk.leased()
    on(READ, raising(ValueError("jan@example.com")))
    ledger.run(event)
    stored = again(event)
    assert (stored.status, stored.retries) == ("waiting", 1)
    assert "ValueError" in stored.outcome
    assert f"event={event.pk} kind={READ} error=ValueError" in caplog.text
    assert "ledger_world.py" in caplog.text  # where it happened
    assert "jan@example.com" not in caplog.text + stored.outcome


@pytest.mark.parametrize(("outcome", "told"), [("points: 352 → 400.", " Before: points: 352 → 400."), ("", "")])
def test_a_replay_keeps_the_outcome_that_the_new_attempt_overwrites(desk: Desk, outcome: str, told: str) -> None:
    event = desk.event(status="done", outcome=outcome, finished_at=timezone.now())
    ledger.replay(event.pk, by="Ann")
    (claimed,) = ledger.claim(1, "tester")
    on(READ, lambda _: ledger.done("points: 400 → 12."))
    ledger.run(claimed)
    assert again(event).outcome == "points: 400 → 12."
    assert Event.objects.get(kind="portal.replayed").outcome == f"Ann replayed event {event.pk}.{told}"


def test_a_kind_that_nobody_handles_any_more_is_tried_again(desk: Desk) -> None:
    event = desk.leased()
    event.kind = "gone.kind"
    ledger.run(event)
    assert again(event).status == "waiting"


def test_a_success_supersedes_the_subjects_dead_letters(desk: Desk) -> None:
    dead, stranger, other = (desk.event(subject, status="failed") for subject in ("s:1", "s:2", "s:1"))
    Event.objects.filter(pk=other.pk).update(kind=NEWS + "/second")
    event = desk.leased(subject="s:1")
    ledger.run(event)
    assert (again(dead).status, again(dead).merged_into) == ("merged", event)
    assert str(event.pk) in again(dead).outcome
    assert {again(stranger).status, again(other).status} == {"failed"}


def test_dead_letters_that_carry_values_are_not_superseded(desk: Desk) -> None:
    dead = desk.event(kind=ACT, status="failed")
    ledger.run(desk.leased(kind=ACT))
    assert again(dead).status == "failed"


def test_what_a_handler_calls_is_written_before_and_completed_after(desk: Desk) -> None:
    event = desk.leased()
    seen = []

    def calls(work: Work) -> Result:
        call = work.trail.open(target="Vendor", method="GET", url="https://v/\0", repeatable=True, request_excerpt="")
        seen.append(Attempt.objects.get().finished_at)
        work.trail.close(call, status=200, milliseconds=7, error="", response_excerpt="\0ok")
        return ledger.done("Read.")

    on(READ, calls)
    ledger.run(event)
    attempt = Attempt.objects.get(event=event)
    assert seen == [None]
    assert (attempt.number, attempt.status, attempt.milliseconds, attempt.response_excerpt) == (1, 200, 7, "\ufffdok")
    assert attempt.finished_at


# Ends without effects, many at a time


def test_ends_without_effects_are_committed_together_and_those_taken_over_are_left_alone(desk: Desk) -> None:
    events = [desk.leased(subject=f"s:{number}") for number in range(3)]
    token = uuid.uuid4()
    Event.objects.filter(pk=events[1].pk).update(lease_token=token)  # another worker's
    held = ledger.finish_all((event, ledger.done(f"Said {event.subject}.")) for event in events)
    assert held == {events[0].pk, events[2].pk}
    assert [again(event).status for event in events] == ["done", "leased", "done"]
    assert [again(event).outcome for event in events] == ["Said s:0.", "", "Said s:2."]
    assert again(events[1]).lease_token == token


def test_many_with_the_same_end_are_one_statement(desk: Desk) -> None:
    Lane.objects.update(max_running=100)
    for number in range(40):
        desk.event(subject=f"s:{number}", kind=ACT)
    claimed = ledger.claim(40, "tester")
    with CaptureQueriesContext(connection) as queries:
        ledger.finish_all((event, ledger.ignored("Nothing.")) for event in claimed)
    assert sum("UPDATE" in query["sql"] for query in queries) == 1
    assert {again(event).status for event in claimed} == {"ignored"}


def test_one_of_many_that_goes_on_waits_for_its_time_with_all_its_tries(desk: Desk) -> None:
    goes_on, ends = (desk.leased(subject=f"s:{number}", attempts=2, retries=2) for number in range(2))
    time = timezone.now() + seconds(60)
    ledger.finish_all([(goes_on, ledger.later("A part of it.", time)), (ends, ledger.done("Read."))])
    waits = again(goes_on)
    assert (waits.status, waits.outcome, waits.due_at) == ("waiting", "A part of it.", time)
    assert (waits.attempts, waits.retries, waits.first_failed_at, waits.finished_at) == (0, 0, None, None)
    assert again(ends).status == "done"
    assert claim_at(time - seconds(1)) == []
    assert claim_at(time) == [goes_on]


def test_a_success_among_many_supersedes_the_dead_letters_of_its_subject_alone(desk: Desk) -> None:
    dead, elsewhere = (desk.event(subject=name, status="failed") for name in ("a", "b"))
    event = desk.leased(subject="a")
    ledger.finish_all([(event, ledger.done("Read."))])
    assert (again(dead).status, again(dead).merged_into_id) == ("merged", event.pk)
    assert again(elsewhere).status == "failed"
