"""What happens every day or every so often: once over all workers, and again when it went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone

from portal import ledger
from portal.ledger import periodic
from portal.ledger.periodic import next_due, regularly, run_due
from portal.models import Event, PeriodicTask, Tenant
from portal.supervisor import Supervisor
from tests.apart import run_apart
from tests.world import make_tenant

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
KIND = "periodic.noted"
HERE = __name__
SOMEBODY = "jan" + "@example.com"  # put together, so that no quoted line of this file holds it


def note(tenant_ids: Sequence[int]) -> None:
    for tenant_id in tenant_ids:
        ledger.news(KIND, tenant_id=tenant_id, subject="periodic", result=ledger.done("Ran."))


def note_and_fail(tenant_ids: Sequence[int]) -> None:
    note(tenant_ids)
    raise ValueError(SOMEBODY)


def lose_the_database(tenant_ids: Sequence[int]) -> None:
    raise OperationalError


@pytest.fixture(autouse=True)
def _own_tasks_only() -> Iterator[None]:
    known = dict(periodic._tasks)
    periodic._tasks.clear()
    yield
    periodic._tasks.clear()
    periodic._tasks.update(known)


def runs() -> int:
    return Event.objects.filter(kind=KIND).count()


def test_a_task_first_runs_at_once_then_once_a_day() -> None:
    make_tenant()
    regularly("notes", f"{HERE}.note")
    assert run_due(NOON) == ["notes"]
    assert run_due(NOON + 23 * HOUR) == []
    assert runs() == 1
    assert run_due(NOON + 24 * HOUR) == ["notes"]
    assert run_due(NOON + 24 * HOUR) == []
    assert runs() == 2


def test_each_task_has_a_period_of_its_own() -> None:
    make_tenant()
    regularly("daily", f"{HERE}.note")
    regularly("hourly", f"{HERE}.note", every=HOUR)
    assert run_due(NOON) == ["daily", "hourly"]
    assert run_due(NOON + HOUR) == ["hourly"]
    assert run_due(NOON + DAY) == ["daily", "hourly"]


def test_suspended_tenants_are_left_out() -> None:
    verdi = make_tenant()
    Tenant.objects.create(slug="late", name="Late", suspended_at=timezone.now())
    regularly("notes", f"{HERE}.note")
    run_due(NOON)
    assert list(Event.objects.filter(kind=KIND).values_list("tenant_id", flat=True)) == [verdi.pk]


def test_what_went_wrong_leaves_nothing_and_is_due_again(caplog: pytest.LogCaptureFixture) -> None:
    make_tenant()
    regularly("broken", f"{HERE}.note_and_fail")
    regularly("notes", f"{HERE}.note")
    assert run_due(NOON) == ["notes"]
    assert runs() == 1
    assert "periodic=broken error=ValueError" in caplog.text
    assert SOMEBODY not in caplog.text
    regularly("broken", f"{HERE}.note")
    assert run_due(NOON + timedelta(minutes=1)) == ["broken"]


def test_a_database_out_of_reach_is_no_fault_of_the_task() -> None:
    regularly("lost", f"{HERE}.lose_the_database")
    with pytest.raises(OperationalError):
        run_due(NOON)
    assert PeriodicTask.objects.get().due_at == NOON


@pytest.mark.parametrize(
    ("now", "following"),
    [
        (NOON, NOON + DAY),
        (NOON + timedelta(minutes=3), NOON + DAY),
        (NOON + DAY - timedelta(seconds=1), NOON + DAY),
        (NOON + 3 * DAY + HOUR, NOON + 4 * DAY),  # three were missed: one run makes up for them
        (NOON - 5 * DAY, NOON - 4 * DAY),  # it was due too far ahead
    ],
)
def test_the_next_time_keeps_in_step(now: datetime, following: datetime) -> None:
    assert next_due(NOON, DAY, now) == following


def test_what_lies_two_periods_ahead_is_due() -> None:
    make_tenant()
    regularly("notes", f"{HERE}.note")
    PeriodicTask.objects.create(name="notes", due_at=NOON + 30 * DAY)
    assert run_due(NOON) == ["notes"]
    assert PeriodicTask.objects.get().due_at == NOON + DAY


def test_a_host_whose_clock_is_behind_does_not_run_again_what_has_just_run() -> None:
    make_tenant()
    regularly("notes", f"{HERE}.note")
    run_due(NOON)
    assert run_due(NOON - timedelta(seconds=30)) == []


def test_a_task_that_is_no_longer_registered_stays_quiet() -> None:
    PeriodicTask.objects.create(name="former", due_at=NOON)
    assert run_due(NOON) == []


def test_a_supervisor_looks_once_a_minute() -> None:
    make_tenant()
    regularly("notes", f"{HERE}.note")
    supervisor = Supervisor(1)
    supervisor._run_periodic()
    assert runs() == 1
    PeriodicTask.objects.update(due_at=timezone.now())
    supervisor._run_periodic()
    assert runs() == 1
    supervisor._periodic_at = 0.0
    supervisor._run_periodic()
    assert runs() == 2


def test_of_several_processes_exactly_one_runs_it(own_database: str, tmp_path: Path) -> None:
    ended = run_apart("tests.portal.periodic_race", "main()", url=own_database, folder=tmp_path, timeout=60)
    assert json.loads(ended.stdout) == {"runs": [1, 2, 3, 4, 5], "exits": [0] * 4}
