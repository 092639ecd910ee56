"""Calls that must not be made twice, and replay by a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from portal import ledger
from portal.ledger import Result, Work
from portal.models import Attempt, Event
from tests.portal.ledger_world import (
    ACT,
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


def open_call(work: Work, **more: Any) -> int:
    values = {"target": "Actito", "method": "POST", "url": "https://a/", "repeatable": False, "request_excerpt": ""}
    return work.trail.open(**{**values, **more})


def close_call(work: Work, call: int, status: int | None = 200) -> None:
    work.trail.close(call, status=status, milliseconds=1, error="", response_excerpt="")


def killed_in(event: Event, status: int | None, *, answered: bool, repeatable: bool = False) -> Event:
    """The Event after its worker was killed in or after a call, and its lease ran out."""
    attempt = Attempt.objects.create(event=event, number=event.attempts, target="Actito", repeatable=repeatable)
    if answered:
        Attempt.objects.filter(pk=attempt.pk).update(status=status, finished_at=timezone.now())
    with at(timezone.now() + seconds(settings.LEASE_SECONDS + 1)):
        assert expire_leases() == 1
    return again(event)


def test_a_worker_killed_during_a_call_leaves_an_uncertain_event(desk: Desk) -> None:
    event = killed_in(desk.leased(kind=ACT), None, answered=False)
    assert event.status == "uncertain"
    assert "Actito" in event.outcome


def test_a_worker_killed_between_the_answer_and_the_finish_leaves_an_uncertain_event(desk: Desk) -> None:
    assert killed_in(desk.leased(kind=ACT), 201, answered=True).status == "uncertain"


def test_a_call_that_was_refused_may_be_made_again(desk: Desk) -> None:
    assert killed_in(desk.leased(kind=ACT), 400, answered=True).status == "waiting"


def test_a_repeatable_call_may_be_made_again(desk: Desk) -> None:
    assert killed_in(desk.leased(kind=ACT), None, answered=False, repeatable=True).status == "waiting"


def test_effects_that_break_after_such_a_call_leave_an_uncertain_event(desk: Desk) -> None:
    event = desk.leased(kind=ACT)

    def calls(work: Work) -> Any:
        close_call(work, open_call(work))
        return lambda: 1 / 0

    on(ACT, calls)
    assert ledger.run(event) == "uncertain"


def test_a_claim_that_finds_an_open_call_does_not_run_the_handler(desk: Desk) -> None:
    event = desk.event(kind=ACT, attempts=1)
    Attempt.objects.create(event=event, number=1, target="Actito", repeatable=False)
    ran = []
    on(ACT, lambda _: ran.append(1) or ledger.done(""))
    (claimed,) = ledger.claim(1, "tester")
    assert ledger.run(claimed) == "uncertain"
    assert ran == []


def test_a_late_worker_may_not_begin_such_a_call(desk: Desk) -> None:
    late = desk.leased(kind=ACT)
    with at(timezone.now() + seconds(settings.LEASE_SECONDS + 1)):
        expire_leases()
    claim_at(timezone.now() + seconds(900))
    called = []

    def calls(work: Work) -> Result:
        open_call(work)
        called.append(1)
        return ledger.done("")

    on(ACT, calls)
    assert ledger.run(late) == "lost"
    assert (called, Attempt.objects.count()) == ([], 0)


def test_replay_is_a_new_attempt_on_the_same_event_with_the_numbering_going_on(desk: Desk) -> None:
    event = desk.leased()
    on(READ, raising(ledger.dead("Refused.")))
    ledger.run(event)
    ledger.replay(event.pk, by="Ann")
    waiting = again(event)
    assert (waiting.status, waiting.attempts, waiting.retries, waiting.finished_at) == ("waiting", 1, 0, None)
    (claimed,) = ledger.claim(9, "tester")
    assert (claimed, claimed.attempts) == (event, 2)
    on(READ, lambda _: ledger.done("Read."))
    ledger.run(claimed)
    assert again(event).status == "done"


def test_replay_cancels_the_pending_retry(desk: Desk) -> None:
    event = desk.leased()
    on(READ, raising(ledger.retry("No answer.")))
    ledger.run(event)
    retry_at = again(event).due_at
    ledger.replay(event.pk, by="Ann")
    (claimed,) = ledger.claim(9, "tester")
    on(READ, lambda _: ledger.done("Read."))
    ledger.run(claimed)
    assert claim_at(retry_at + seconds(1)) == []
    assert again(event).attempts == 2


def test_replay_begins_the_schedule_anew(desk: Desk) -> None:
    event = desk.event(status="failed", retries=13, first_failed_at=timezone.now() - seconds(900_000))
    ledger.replay(event.pk, by="Ann")
    (claimed,) = ledger.claim(9, "tester")
    on(READ, raising(ledger.retry("No answer.")))
    now = timezone.now()
    with at(now):
        ledger.run(claimed)
    assert seconds(4.5) <= again(event).due_at - now <= seconds(5.5)


def test_who_replayed_is_told_in_the_trace(desk: Desk) -> None:
    event = desk.event(status="failed")
    ledger.replay(event.pk, by="Ann")
    told = Event.objects.get(kind="portal.replayed")
    assert (told.correlation_id, told.parent, told.status) == (event.correlation_id, event, "done")
    assert "Ann" in told.outcome


def test_replay_of_an_uncertain_event_is_a_persons_decision_and_runs_the_handler(desk: Desk) -> None:
    event = killed_in(desk.leased(kind=ACT), None, answered=False)
    ledger.replay(event.pk, by="Ann")
    assert "Ann" in Attempt.objects.get().error
    (claimed,) = ledger.claim(9, "tester")
    assert ledger.run(claimed) == "done"


@pytest.mark.parametrize("status", ["leased", "merged", "news"])
def test_what_cannot_be_replayed_says_why(desk: Desk, status: str) -> None:
    if status == "leased":
        event = desk.leased()
    elif status == "merged":
        event = desk.event(status="merged")
    else:
        event = ledger.news("test.told", tenant_id=desk.tenant.pk, subject="x", result=ledger.done(""))
    with pytest.raises(ledger.NotReplayable) as refusal:
        ledger.replay(event.pk, by="Ann")
    assert len(str(refusal.value)) > 20
    assert not Event.objects.filter(kind="portal.replayed").exists()
