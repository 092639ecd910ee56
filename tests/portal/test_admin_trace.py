"""The trace's words about time: when a waiting event goes on, and how long one took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import ledger
from portal.admin.trace import Step, trace_of
from portal.models import Event, Lane, Tenant
from tests import factories as make
from tests.portal.admin_world import client_of, make_world, url
from tests.portal.ledger_world import at, seconds

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 14, 5, 0, tzinfo=UTC)


@pytest.fixture
def tenant() -> Tenant:
    return make.TenantFactory.make()


def step_of(event: Event) -> Step:
    with at(NOW):
        (step,) = [step for step in trace_of(Event.objects.get(pk=event.pk)).steps if step.event.pk == event.pk]
    return step


def waiting(tenant: Tenant, lane: dict[str, Any] | None = None, **columns: Any) -> Event:
    """Nothing of it lies ahead, unless a test says so."""
    account = make.ConnectionFactory.make(tenant=tenant, name="Actito of Verdi")
    Lane.objects.filter(pk=account.lane_id).update(**{"not_before": NOW, **(lane or {})})
    values = {"status": "waiting", "due_at": NOW, "created_at": NOW, "outcome": "No answer.", "attempts": 1, **columns}
    return make.EventFactory.make(tenant=tenant, lane_id=account.lane_id, **values)


@pytest.mark.parametrize(
    ("lane", "columns", "sentence"),
    [
        ({}, {}, "No answer."),
        ({}, {"outcome": ""}, "Waiting for its turn."),
        ({}, {"due_at": NOW + seconds(33)}, "No answer. Next try at 14:05:33."),
        ({}, {"due_at": NOW + seconds(33), "outcome": "", "attempts": 0}, "Next try at 14:05:33."),
        ({}, {"due_at": NOW + timedelta(days=2)}, "No answer. Next try at 6 May, 14:05:00."),
        (
            {"not_before": NOW + seconds(33)},
            {"outcome": ""},
            "Waits until 14:05:33 because Actito of Verdi asked us to wait.",
        ),
        ({"not_before": NOW + seconds(33)}, {"due_at": NOW + seconds(40)}, "No answer. Next try at 14:05:40."),
        (
            {"not_before": NOW + seconds(40)},
            {"due_at": NOW + seconds(33), "outcome": ""},
            "Waits until 14:05:40 because Actito of Verdi asked us to wait.",
        ),
        ({"paused_at": NOW}, {"due_at": NOW + seconds(33)}, "No answer. Actito of Verdi is paused."),
        ({"paused_at": NOW}, {"status": "done", "finished_at": NOW}, "No answer."),
        ({"not_before": NOW + seconds(33)}, {"status": "leased", "outcome": ""}, "Running now."),
    ],
)
def test_a_waiting_event_says_when_it_goes_on(
    tenant: Tenant, lane: dict[str, Any], columns: dict[str, Any], sentence: str
) -> None:
    assert step_of(waiting(tenant, lane, **columns)).sentence == sentence


def test_a_lane_without_an_account_is_named_by_its_key(tenant: Tenant) -> None:
    event = make.EventFactory.make(tenant=tenant, status="waiting", due_at=NOW, outcome="")
    Lane.objects.filter(pk=event.lane_id).update(paused_at=NOW)
    assert step_of(event).sentence == f"{event.lane.key} is paused."


def test_the_page_shows_it_in_the_tenants_zone() -> None:
    world = make_world("Verdi")
    event = make.EventFactory.make(tenant=world.tenant, status="waiting", outcome="")
    Lane.objects.filter(pk=event.lane_id).update(not_before=datetime(2126, 5, 4, 14, 5, 33, tzinfo=UTC))
    text = client_of(world.owner).get(url(Event, "change", event.pk)).content.decode()
    assert "Waits until 4 May, 16:05:33 because local asked us" in text


def test_what_an_event_took_counts_from_its_arrival(tenant: Tenant) -> None:
    event = waiting(tenant, status="done", claimed_at=NOW + seconds(2), finished_at=NOW + seconds(3))
    assert step_of(event).took == 3000


@pytest.mark.parametrize(
    ("claimed", "ended", "took"),
    [(3602, 3604.5, 2500), (2, 3601, 1000), (None, 3601, 1000)],  # claimed anew; ended without being claimed again
)
def test_what_a_replayed_event_took_counts_from_its_last_claim(
    tenant: Tenant, claimed: float | None, ended: float, took: int
) -> None:
    event = waiting(tenant, status="failed", kind="pass.refresh", finished_at=NOW + seconds(3))
    with at(NOW + seconds(3600)):
        ledger.replay(event.pk, by="Ann")
    claimed_at = None if claimed is None else NOW + seconds(claimed)
    assert step_of(event).took is None
    Event.objects.filter(pk=event.pk).update(status="done", claimed_at=claimed_at, finished_at=NOW + seconds(ended))
    assert step_of(event).took == took
