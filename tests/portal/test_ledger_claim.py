"""CLAIM: one Event per subject, the oldest first, within limits, fairly; leases end when a worker does."""

from __future__ import annotations

from collections import Counter

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import ledger
from portal.ledger.choice import open_lanes
from portal.models import Event, Lane, Tenant
from tests.portal.ledger_world import (
    ACT,
    NEWS,
    READ,
    Desk,
    again,
    at,
    claim_at,
    expire_leases,
    seconds,
)

pytestmark = pytest.mark.django_db
STATUS = Event.Status


def test_a_claim_leases_the_event_and_counts_the_attempt(desk: Desk) -> None:
    now = timezone.now() + seconds(1)
    desk.event()
    (claimed,) = claim_at(now)
    stored = again(claimed)
    assert (stored.status, stored.attempts, stored.leased_by, stored.claimed_at) == ("leased", 1, "tester", now)
    assert stored.lease_token
    assert stored.lease_until == now + seconds(settings.LEASE_SECONDS)


def test_the_oldest_due_event_of_a_subject_is_claimed(desk: Desk) -> None:
    now = timezone.now()
    desk.event(kind=ACT, due_at=now - seconds(5))
    oldest = desk.event(kind=ACT, due_at=now - seconds(50))
    assert ledger.claim(9, "tester") == [oldest]


def test_what_is_due_first_is_claimed_first(desk: Desk) -> None:
    now = timezone.now()
    events = [desk.event(f"s:{age}", due_at=now - seconds(age)) for age in (1, 30, 20, 10)]
    assert ledger.claim(2, "tester") == [events[1], events[2]]


def test_an_event_is_not_claimed_before_it_is_due(desk: Desk) -> None:
    event = desk.event(due_at=timezone.now() + seconds(60))
    assert not ledger.look()
    assert ledger.claim(9, "tester") == []
    assert claim_at(event.due_at) == [event]


def test_the_other_waiting_events_of_the_subject_are_merged_retries_included(desk: Desk) -> None:
    now = timezone.now()
    first = desk.event(due_at=now - seconds(9))
    other = desk.event()
    retry = desk.event(due_at=now + seconds(900), attempts=2, retries=2)
    assert ledger.claim(9, "tester") == [first]
    for event in (again(other), again(retry)):
        assert (event.status, event.merged_into) == ("merged", first)
        assert event.finished_at
        assert str(first.pk) in event.outcome


def test_an_arrival_covers_a_retry_that_is_not_yet_due(desk: Desk) -> None:
    retry = desk.event(due_at=timezone.now() + seconds(900), retries=3)
    arrival = desk.event()
    assert ledger.claim(9, "tester") == [arrival]
    assert again(retry).merged_into == arrival


def test_only_the_same_kind_and_subject_of_the_same_tenant_is_merged(desk: Desk) -> None:
    other = Desk("other")
    kept = [desk.event("customer:2"), desk.event(kind=NEWS + "/second"), desk.event(kind=ACT), other.event()]
    later = timezone.now() + seconds(1)
    Event.objects.update(due_at=later)
    first = desk.event()
    (claimed,) = ledger.claim(9, "tester")
    assert claimed == first
    assert {again(event).status for event in kept} == {"waiting"}


def test_events_that_carry_values_are_never_merged(desk: Desk) -> None:
    events = [desk.event(kind=ACT) for _ in range(3)]
    assert len(ledger.claim(9, "tester")) == 1
    assert Counter(again(event).status for event in events) == {"leased": 1, "waiting": 2}


def test_a_subject_that_runs_is_not_claimed_again(desk: Desk) -> None:
    desk.leased()
    desk.event()
    desk.event(kind=ACT)  # of another kind, but about the same subject
    other = desk.event("customer:2")
    assert ledger.claim(9, "tester") == [other]


def test_the_same_subject_of_two_tenants_runs_at_the_same_time(desk: Desk) -> None:
    other = Desk("other")
    events = {desk.event(), other.event()}
    assert set(ledger.claim(9, "tester")) == events


def test_a_subject_on_two_lanes_runs_once(desk: Desk) -> None:
    desk.event(kind=ACT)
    desk.event(kind=ACT, lane=desk.new_lane("second"))
    assert len(ledger.claim(9, "tester")) == 1
    assert ledger.claim(9, "tester") == []


def test_a_lane_runs_no_more_than_its_limit(desk: Desk) -> None:
    lane = desk.new_lane("narrow", max_running=3)
    for number in range(5):
        desk.event(f"s:{number}", lane=lane)
    first = ledger.claim(9, "tester")
    assert len(first) == 3
    assert not ledger.look()
    assert ledger.claim(9, "tester") == []
    ledger.run(first[0])
    assert len(ledger.claim(9, "tester")) == 1


def test_a_full_lane_costs_one_read_per_look(desk: Desk) -> None:
    lane = desk.new_lane("narrow", max_running=1)
    desk.event("s:1", lane=lane)
    desk.event("s:2", lane=lane)
    ledger.claim(1, "tester")
    with CaptureQueriesContext(connection) as queries:
        assert ledger.claim(9, "tester") == []
    assert len(queries) == 1


def test_subjects_that_all_run_cost_no_write_transaction(desk: Desk) -> None:
    desk.leased()
    desk.event()
    with CaptureQueriesContext(connection) as queries:
        assert ledger.claim(9, "tester") == []
    assert all(query["sql"].lstrip().upper().startswith("SELECT") for query in queries)


@pytest.mark.parametrize("expecting", [False, True])
def test_who_expects_work_claims_the_same(desk: Desk, expecting: bool) -> None:
    running = desk.leased(subject="s:1")
    desk.event("s:1", due_at=timezone.now())
    narrow = desk.new_lane("narrow", max_running=1)
    due = [desk.event("s:2"), desk.event("s:3", lane=narrow)]
    desk.event("s:4", lane=narrow)
    claimed = ledger.claim(9, "tester", expecting=expecting)
    assert set(claimed) == set(due)
    assert running not in claimed
    assert ledger.claim(9, "tester", expecting=expecting) == []


def test_who_expects_work_does_not_look_first(desk: Desk) -> None:
    for number in range(2):
        desk.event(f"s:{number}")
    with CaptureQueriesContext(connection) as looking:
        assert len(ledger.claim(1, "tester")) == 1
    with CaptureQueriesContext(connection) as expecting:
        assert len(ledger.claim(1, "tester", expecting=True)) == 1
    assert len(expecting) < len(looking)


def test_a_claim_takes_no_more_than_its_places(desk: Desk) -> None:
    for number in range(5):
        desk.event(f"s:{number}")
    assert ledger.claim(0, "tester") == []
    assert len(ledger.claim(2, "tester")) == 2


@pytest.mark.parametrize("closed", ["paused", "not before"])
def test_work_of_a_closed_lane_is_never_claimed_and_uses_no_attempt(desk: Desk, closed: str) -> None:
    event = desk.event()
    now = timezone.now()
    change = {"paused_at": now} if closed == "paused" else {"not_before": now + seconds(60)}
    Lane.objects.filter(pk=desk.lane.pk).update(**change)
    assert not ledger.look()
    assert ledger.claim(9, "tester") == []
    assert again(event).attempts == 0
    Lane.objects.filter(pk=desk.lane.pk).update(paused_at=None, not_before=now)
    assert ledger.claim(9, "tester") == [event]


def test_lanes_share_the_places_fairly(desk: Desk) -> None:
    old = timezone.now() - seconds(900)
    for number in range(40):
        desk.event(f"s:{number}", due_at=old)
    quiet = Desk("quiet")
    theirs = [quiet.event(f"s:{number}") for number in range(3)]
    claimed = ledger.claim(8, "tester")
    assert set(theirs) <= set(claimed)
    assert len(claimed) == 8  # what the quiet lane leaves goes to the busy one


def test_with_more_lanes_than_places_every_lane_has_its_turn(desk: Desk) -> None:
    for number in range(10):
        lane = desk.new_lane(f"lane {number}", max_running=1)
        for event in range(3):
            desk.event(f"s:{number}:{event}", lane=lane)
    served: set[int] = set()
    for _ in range(5):
        served |= {event.lane_id for event in ledger.claim(2, "tester")}
    assert len(served) == 10


def test_a_subject_with_a_long_row_of_events_does_not_hold_up_those_behind_it(desk: Desk) -> None:
    old = timezone.now() - seconds(900)
    for subject in ("long:1", "long:2"):
        first = desk.event(subject, kind=ACT, due_at=old)
        first.pk = None
        Event.objects.bulk_create([first] * 200)
    behind = desk.event("behind")
    claimed = ledger.claim(3, "tester")
    assert [event.subject for event in claimed] == ["long:1", "long:2", "behind"]
    assert behind in claimed


def test_a_lost_workers_events_are_tried_again_and_it_counts_as_a_failure(desk: Desk) -> None:
    event = desk.leased()
    late = timezone.now() + seconds(settings.LEASE_SECONDS + 1)
    assert expire_leases() == 0
    with at(late):
        assert expire_leases() == 1
    stored = again(event)
    assert (stored.status, stored.attempts, stored.retries, stored.lease_token) == ("waiting", 1, 1, None)
    assert seconds(4.5) <= stored.due_at - late <= seconds(5.5)


def test_a_renewed_lease_does_not_expire(desk: Desk) -> None:
    event = desk.leased()
    late = timezone.now() + seconds(settings.LEASE_SECONDS - 1)
    with at(late):
        ledger.renew_leases([event])
    with at(late + seconds(10)):
        assert expire_leases() == 0


def test_a_lease_that_moved_on_is_not_renewed_by_its_former_holder(desk: Desk) -> None:
    former = desk.leased()
    with at(timezone.now() + seconds(60)):
        expire_leases()
    (holder,) = claim_at(timezone.now() + seconds(120))
    with at(timezone.now() + seconds(9000)):
        ledger.renew_leases([former])
    assert again(holder).lease_until == holder.lease_until


def test_a_gone_workers_leases_are_released_and_no_one_elses(desk: Desk) -> None:
    desk.event("s:1")
    (gone,) = ledger.claim(1, "gone")
    desk.event("s:2")
    (alive,) = ledger.claim(1, "alive")
    assert ledger.release_leases("gone") == 1
    assert (again(gone).status, again(alive).status) == ("waiting", "leased")


def test_an_event_that_always_kills_its_worker_ends_as_a_dead_letter(desk: Desk) -> None:
    event = desk.event()
    moment = timezone.now()
    claims = 0
    while again(event).status == STATUS.WAITING:
        moment = max(moment, again(event).due_at)
        assert claim_at(moment) == [event]
        claims += 1
        moment += seconds(settings.LEASE_SECONDS + 1)
        with at(moment):
            expire_leases()
    stored = again(event)
    assert (stored.status, stored.attempts, claims) == ("failed", 14, 14)


def test_kinds_are_registered_for_this_test(desk: Desk) -> None:
    assert ledger.kind_title(READ) == "Read"
    assert ledger.kind_title("portal.replayed") == "Replayed"
    assert ledger.kind_title("unknown") == "unknown"


# A tenant that is suspended


def suspend(desk: Desk, *, lifted: bool = False) -> None:
    Tenant.objects.filter(pk=desk.tenant.pk).update(suspended_at=None if lifted else timezone.now())


def test_events_of_a_suspended_tenant_wait_and_use_no_attempt(desk: Desk) -> None:
    events = {desk.event(f"s:{number}") for number in range(3)}
    other = Desk("other").event()
    suspend(desk)
    assert open_lanes(timezone.now()) == [other.lane_id]
    assert ledger.claim(9, "tester") == [other]
    assert not ledger.look()
    assert ledger.claim(9, "tester") == []
    assert {(again(event).status, again(event).attempts) for event in events} == {("waiting", 0)}
    suspend(desk, lifted=True)
    assert ledger.look()
    assert set(ledger.claim(9, "tester")) == events


def test_a_suspended_tenant_costs_one_read_per_look(desk: Desk) -> None:
    desk.event()
    suspend(desk)
    with CaptureQueriesContext(connection) as queries:
        assert ledger.claim(9, "tester") == []
    assert len(queries) == 1


def test_what_runs_when_its_tenant_is_suspended_ends_and_what_follows_waits(desk: Desk) -> None:
    running = desk.leased()
    suspend(desk)
    ledger.run(running)
    assert again(running).status == "done"
    retry = desk.event("s:retry", attempts=2, retries=2)
    assert claim_at(timezone.now() + seconds(9000)) == []
    suspend(desk, lifted=True)
    (claimed,) = claim_at(timezone.now() + seconds(9000))
    assert (claimed, claimed.attempts) == (retry, 3)


def test_suspended_tenants_take_no_places_from_others(desk: Desk) -> None:
    for number in range(70):  # more than the lanes of one claim
        lane = desk.new_lane(f"lane {number}")
        desk.event(f"s:{number}", lane=lane)
    suspend(desk)
    other = Desk("other").event()
    assert ledger.claim(1, "tester") == [other]
