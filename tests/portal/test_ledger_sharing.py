"""Lanes that reach one remote account share what it takes, over tenants and workers, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal import ledger
from portal.ledger.limits import FAILURES_IN_A_ROW, charge_call, note_answer
from portal.ledger.sharing import groups_of
from portal.ledger.states import State, state_of
from portal.models import Lane, LaneProof, SharedBudget
from tests.apart import run_apart
from tests.portal.ledger_world import Desk, at, claim_at, seconds
from tests.portal.test_ledger_limits import forget, lane_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def rossi(desk: Desk) -> Desk:
    """Another tenant that reaches the same account: four calls at once, a hundred a minute."""
    other = Desk("rossi")
    for each in (desk, other):
        Lane.objects.filter(pk=each.lane.pk).update(max_running=4, calls_per_minute=100, not_before=NOON)
        ledger.prove(each.lane.pk, {"secret"})
    forget()
    return other


def fill(desk: Desk, number: int) -> None:
    for each in range(number):
        desk.event(f"s:{each}", due_at=NOON)


def shared_of(*desks: Desk) -> list[int | None]:
    return [lane_of(desk).shared_id for desk in desks]


# Who shares


@pytest.mark.parametrize(
    ("proofs", "groups"),
    [
        ({1: {"a"}, 2: {"b"}}, [{1}, {2}]),
        ({1: {"a"}, 2: {"a"}, 3: set()}, [{1, 2}, {3}]),
        ({1: {"a"}, 2: {"b"}, 3: {"a", "b"}}, [{1, 2, 3}]),
        ({1: set(), 2: set()}, [{1}, {2}]),
    ],
)
def test_lanes_are_of_one_account_by_what_they_prove(proofs: dict[int, set[str]], groups: list[set[int]]) -> None:
    assert sorted(groups_of(proofs), key=min) == groups


@pytest.mark.django_db
def test_a_lane_that_nobody_else_reaches_shares_with_nobody(desk: Desk) -> None:
    ledger.prove(desk.lane.pk, {"secret"})
    assert (shared_of(desk), SharedBudget.objects.count()) == ([None], 0)


@pytest.mark.django_db
def test_a_new_secret_parts_lanes_and_a_common_one_brings_groups_together(desk: Desk, rossi: Desk) -> None:
    bianchi, neri = Desk("bianchi"), Desk("neri")
    for each in (bianchi, neri):
        ledger.prove(each.lane.pk, {"another"})
    (one, same), (two, also) = shared_of(desk, rossi), shared_of(bianchi, neri)
    assert one == same != two == also
    ledger.prove(desk.lane.pk, {"secret", "another"})
    assert len({*shared_of(desk, rossi, bianchi, neri)}) == 1
    ledger.prove(desk.lane.pk, {"a third"})
    (alone, left), pair = shared_of(desk, rossi), shared_of(bianchi, neri)
    assert (alone, left) == (None, None)
    assert pair[0] == pair[1] is not None
    assert SharedBudget.objects.count() == 1


@pytest.mark.django_db
def test_what_is_proven_again_writes_nothing(desk: Desk, rossi: Desk) -> None:
    with CaptureQueriesContext(connection) as queries:
        ledger.prove(desk.lane.pk, {"secret"})
    assert len(queries) == 1
    assert LaneProof.objects.count() == 2


# What is shared


@pytest.mark.django_db
def test_running_calls_count_for_all_tenants_of_the_account(desk: Desk, rossi: Desk) -> None:
    fill(desk, 3)
    assert len(claim_at(NOON, 9)) == 3
    fill(rossi, 9)
    (running,) = claim_at(NOON, 9)
    assert running.tenant == rossi.tenant
    with at(NOON):
        assert not ledger.look()
    ledger.run(running)
    assert len(claim_at(NOON, 9)) == 1


@pytest.mark.django_db
def test_tenants_of_one_account_get_the_same_number_of_its_calls(desk: Desk, rossi: Desk) -> None:
    fill(desk, 40)
    fill(rossi, 40)
    claimed = claim_at(NOON, 16)
    assert sorted(event.tenant_id for event in claimed) == sorted([desk.tenant.pk, rossi.tenant.pk] * 2)


@pytest.mark.django_db
def test_with_one_place_left_each_of_them_has_its_turn(desk: Desk, rossi: Desk) -> None:
    Lane.objects.update(max_running=1)
    fill(desk, 40)
    fill(rossi, 40)
    served = set()
    for _ in range(20):
        (event,) = claim_at(NOON, 16)
        served.add(event.tenant_id)
        ledger.run(event)
    assert served == {desk.tenant.pk, rossi.tenant.pk}


@pytest.mark.django_db
def test_the_budget_is_used_by_all_and_refills_for_all(desk: Desk, rossi: Desk) -> None:
    with at(NOON):
        for each in (desk, rossi):
            for _ in range(6):
                charge_call(each.lane.pk)
    fill(rossi, 1)
    assert claim_at(NOON) == []  # its own six would have left room for two more
    assert len(claim_at(NOON + seconds(60 * 12 / 100 - 5))) == 1


@pytest.mark.django_db
def test_a_tenant_is_told_of_its_own_calls_alone(desk: Desk, rossi: Desk) -> None:
    with at(NOON):
        for _ in range(30):
            charge_call(desk.lane.pk)
    assert state_of(lane_of(desk), NOON) is State.OVER_BUDGET
    assert state_of(lane_of(rossi), NOON) is State.MOVING


@pytest.mark.django_db
def test_pauses_and_breakers_stay_with_the_tenant(desk: Desk, rossi: Desk) -> None:
    with at(NOON):
        for _ in range(FAILURES_IN_A_ROW):
            note_answer(desk.lane.pk, 500)
    fill(desk, 1)
    fill(rossi, 1)
    assert [event.tenant for event in claim_at(NOON, 9)] == [rossi.tenant]
    Lane.objects.filter(pk=desk.lane.pk).update(failures=0, not_before=NOON, paused_at=NOON)
    fill(rossi, 1)
    assert not [event for event in claim_at(NOON, 9) if event.tenant == desk.tenant]


@pytest.mark.django_db
def test_whose_lane_has_no_limit_is_held_up_by_running_calls_alone(desk: Desk, rossi: Desk) -> None:
    with at(NOON):
        for _ in range(30):
            charge_call(desk.lane.pk)
    Lane.objects.filter(pk=rossi.lane.pk).update(calls_per_minute=0)
    fill(rossi, 9)
    assert len(claim_at(NOON, 9)) == 4


@pytest.mark.django_db
def test_lanes_that_share_nothing_cost_a_claim_no_statement_more(desk: Desk) -> None:
    fill(desk, 2)
    with CaptureQueriesContext(connection) as before:
        claim_at(NOON + seconds(1))
    ledger.prove(desk.lane.pk, {"secret"})
    with CaptureQueriesContext(connection) as after:
        claim_at(NOON + seconds(1))
    assert len(after) == len(before)
    assert not any(SharedBudget._meta.db_table in each["sql"] and "FOR NO KEY" in each["sql"] for each in after)


# Real processes


def raced(url: str, folder: Path, **options: Any) -> dict[str, Any]:
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    ended = run_apart("tests.portal.sharing_race", f"main({given})", url=url, folder=folder, WORKER_THREADS="4")
    assert ended.stderr == ""
    counts: dict[str, Any] = json.loads(ended.stdout)
    assert counts["exits"] == [0, 0, 0]
    assert set(counts["statuses"]) <= {"done", "waiting"}
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_three_workers_never_make_more_calls_at_once_than_the_account_takes(
    own_database: str, tmp_path: Path, *, shared: bool
) -> None:
    counts = raced(own_database, tmp_path, shared=shared, max_running=4, calls_per_minute=0)
    assert (counts["most"] <= 4) == shared
    fewest, most = counts["calls"]
    assert fewest > most / 2


@pytest.mark.slow
def test_three_workers_make_no_more_calls_in_a_time_than_the_account_takes(own_database: str, tmp_path: Path) -> None:
    """Five seconds' worth at once, then ten a second for four seconds; a few begin while the last is being charged."""
    counts = raced(own_database, tmp_path, shared=True, max_running=4, calls_per_minute=600)
    fewest, most = counts["calls"]
    assert 60 <= fewest + most <= 50 + 60 + 4
    assert fewest > most / 3
