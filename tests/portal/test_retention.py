"""Retention: what has ended goes when its time is over; what is open, and the chain it belongs to, stays."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from passes.models import WalletPass
from portal import ledger, retention
from portal.ledger import NotReplayable
from portal.ledger.registry import registry
from portal.models import ApiKey, Attempt, Change, Event, Pruning, RefusedCall
from portal.retention import REMOVED, runs, walk
from portal.retention.registry import contents
from tests.factories import ApiKeyFactory, PassFactory, UserFactory
from tests.portal.admin_world import World, client_of, url
from tests.portal.ledger_world import ACT, READ, Desk, again

pytestmark = pytest.mark.django_db
PROFILE, ACTION, UPDATE = "actito.profile", "actito.action", "pass.update"
# Payloads that hold keys and names of fields only, or news of which nothing more is kept.
NO_CONTENTS = {
    "portal.job", "customer.erase", "pass.refresh", "pass.due", "pass.import", "apple.push", "apple.remind",
    "actito.scenarios", "actito.start", "actito.customers", "actito.look", "actito.structure", "actito.webhooks",
    "actito.nightly", "message.planned", "message.pass",
    "pass.installed/rules", "pass.removed/rules", "rule.day", "rule.due",
    "actito.wallet", "pass.issued/actito", "pass.installed/actito", "pass.removed/actito", "pass.voided/actito",
    "pass.revived/actito", "google.pass", "google.class", "google.retire", "google.callback",
    "actito.consents", "consents.changed/actito", "consents.changed/didomi",
    "didomi.catalogue", "actito.compare", "didomi.compare", "consents.align",
}  # fmt: skip


@pytest.fixture
def old(desk: Desk) -> Callable[..., Event]:
    """An Event that came and ended so many days ago. Those of a test come in the order of their age."""

    def make(days: float, kind: str = READ, status: str = "done", **columns: Any) -> Event:
        then = timezone.now() - timedelta(days=days)
        ended = then + timedelta(seconds=1) if status not in {"waiting", "leased"} else None
        subject = f"customer:{uuid.uuid4()}"
        values = {"created_at": then, "finished_at": ended, "status": status, **columns}
        return desk.event(subject, kind, **values)

    return make


def prune(*names: str, **options: Any) -> str:
    told = StringIO()
    call_command("prune", yes=True, names=list(names) or None, stdout=told, **options)
    return told.getvalue()


def left() -> set[int]:
    return set(Event.objects.values_list("pk", flat=True))


def call(event: Event) -> Attempt:
    values = {"number": 1, "target": "Actito", "method": "GET", "url": "https://x", "finished_at": timezone.now()}
    return Attempt.objects.create(event=event, request_excerpt="sent", response_excerpt="answered", **values)


def rule(name: str) -> retention.Rule:
    return next(each for each in retention.rules() if each.name == name)


def test_without_yes_it_tells_what_would_go_and_changes_nothing(old: Callable[..., Event], desk: Desk) -> None:
    oldest, event = old(120), old(100, kind=PROFILE, payload={"body": "b", "profile": "7"})
    before = list(Event.objects.order_by("pk").values())
    told = StringIO()
    call_command("prune", stdout=told)
    assert list(Event.objects.order_by("pk").values()) == before
    assert not Pruning.objects.exists()
    assert f"events, older than 90 days: 2 rows would be removed, the oldest of {oldest.created_at:%Y-%m-%d}" in (
        told.getvalue()
    )
    assert "contents, older than 30 days: 1 rows would be removed" in told.getvalue()
    assert f"  {desk.tenant.slug}: 2" in told.getvalue()
    assert "Nothing was changed" in told.getvalue()
    assert event.pk in left()


def test_finished_events_go_after_their_time_with_their_calls(old: Callable[..., Event]) -> None:
    done, ignored, merged = old(93), old(92, status="ignored"), old(91, status="merged")
    call(done)
    young = old(89)
    assert "events, older than 90 days: 3 rows removed" in prune("events")
    assert left() == {young.pk}
    assert not Attempt.objects.exists()
    assert {done.pk, ignored.pk, merged.pk}.isdisjoint(left())


@pytest.mark.parametrize("status", ["waiting", "leased", "failed", "uncertain"])
def test_what_is_not_decided_stays_with_its_whole_chain(old: Callable[..., Event], status: str) -> None:
    arrival = old(120, payload={"body": "b"}, kind=PROFILE)
    chain = {"correlation_id": arrival.correlation_id, "parent": arrival}
    sibling = old(119, **chain)
    call(sibling)
    undecided = old(118, kind=ACT, status=status, **chain)
    prune()
    assert left() == {arrival.pk, sibling.pk, undecided.pk}
    assert again(arrival).payload == {"body": "b"}
    assert again(undecided).parent_id == arrival.pk
    assert Attempt.objects.get().response_excerpt == "answered"
    Event.objects.filter(pk=undecided.pk).update(status="done", finished_at=timezone.now() - timedelta(days=91))
    prune()
    assert left() == set()


def test_a_chain_goes_once_its_last_event_is_old(old: Callable[..., Event]) -> None:
    arrival = old(100)
    followed = old(80, parent=arrival, correlation_id=arrival.correlation_id)
    prune("events")
    assert left() == {arrival.pk, followed.pk}


def test_what_was_replayed_lately_begins_its_time_anew(old: Callable[..., Event]) -> None:
    event = old(100, finished_at=timezone.now() - timedelta(days=5))
    prune("events")
    assert left() == {event.pk}


def test_what_pointed_to_an_event_that_went_points_nowhere(old: Callable[..., Event]) -> None:
    covering = old(95)
    covered = old(94, status="merged", merged_into=covering, finished_at=timezone.now())
    other = old(93, parent=covering, correlation_id=uuid.uuid4(), finished_at=timezone.now())
    card = PassFactory.make(changed_by=covering)
    prune("events")
    assert covering.pk not in left()
    assert again(covered).merged_into_id is None
    assert again(other).parent_id is None
    assert WalletPass.objects.get(pk=card.pk).changed_by_id is None


def test_contents_go_and_the_row_its_outcome_and_its_links_stay(old: Callable[..., Event]) -> None:
    body = {"connection": 3, "profile": "7", "event_type": "UPDATE", "body": "anna@example.com"}
    event = old(31, kind=PROFILE, payload=body, outcome="points: 1 → 2.")
    call(event)
    young = old(29, kind=PROFILE, payload=body)
    assert "contents, older than 30 days: 1 rows removed" in prune("contents")
    stored = again(event)
    assert stored.payload == {
        "connection": 3, "profile": "7", "event_type": "UPDATE", REMOVED: {"days": 30, "needed": False},
    }  # fmt: skip
    assert stored.outcome == "points: 1 → 2."
    kept = Attempt.objects.get()
    assert (kept.request_excerpt, kept.response_excerpt, kept.url) == ("", "", "https://x")
    assert again(young).payload == body
    assert "contents, older than 30 days: 0 rows removed" in prune("contents")


def test_a_reading_whose_body_is_gone_is_replayed_all_the_same(old: Callable[..., Event]) -> None:
    event = old(31, kind=PROFILE, payload={"connection": 3, "profile": "7", "body": "b"})
    prune("contents")
    ledger.replay(event.pk, by="anna")
    assert again(event).status == "waiting"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (ACTION, {"connection": 3, "_data": {"points": 5}, "body": "b"}),
        (UPDATE, {"pass": 1, "customer": 2, "number": 3, "writes": [{"name": "points", "value": 5}], "message": "Hi"}),
    ],
)
def test_an_event_without_the_values_it_needs_is_not_replayed_and_says_why(
    old: Callable[..., Event], kind: str, payload: dict[str, Any]
) -> None:
    event = old(31, kind=kind, payload=payload)
    prune("contents")
    assert "points" not in str(again(event).payload)
    with pytest.raises(NotReplayable, match="removed after 30 days"):
        ledger.replay(event.pk, by="anna")
    assert again(event).status == "done"


def test_the_mark_of_an_addition_outlives_the_values(old: Callable[..., Event]) -> None:
    event = old(31, kind=UPDATE, payload={"pass": 1, "writes": [], "counted": True})
    prune("contents")
    assert again(event).payload["counted"] is True


def test_every_kind_has_decided_what_its_contents_are() -> None:
    assert set(registry.kinds) == set(contents()) | NO_CONTENTS


def test_refused_calls_go_after_their_last_time_and_changes_never(desk: Desk) -> None:
    key: ApiKey = ApiKeyFactory.make(tenant=desk.tenant)
    then = timezone.now() - timedelta(days=40)
    values = {
        "tenant": desk.tenant,
        "key": key,
        "reason": "body",
        "status": 400,
        "method": "POST",
        "path": "/",
        "at": then,
    }
    RefusedCall.objects.create(last_at=then, **values)
    again_lately = RefusedCall.objects.create(**values)
    change = Change.objects.create(tenant=desk.tenant, at=then, who="anna", kind="changed", model="m", object_key="1")
    prune()
    assert list(RefusedCall.objects.all()) == [again_lately]
    assert Change.objects.filter(pk=change.pk).exists()


def test_zero_days_keep_a_class_for_good(old: Callable[..., Event], settings: Any) -> None:
    settings.RETENTION_EVENTS_DAYS = 0
    event = old(1000)
    assert "events: kept for good (RETENTION_EVENTS_DAYS=0)" in prune("events")
    assert left() == {event.pk}


def test_a_run_in_small_batches_takes_everything(old: Callable[..., Event]) -> None:
    for days in range(120, 100, -1):
        old(days)
    assert "20 rows removed" in prune("events", batch=3)
    assert left() == set()


def test_a_run_that_is_stopped_keeps_what_it_did_and_the_next_one_goes_on(old: Callable[..., Event]) -> None:
    for days in range(110, 100, -1):
        old(days)
    steps = retention.prune(rule("events"), size=4, pause_share=0)
    next(steps)
    steps.close()
    assert len(left()) == 6
    assert Pruning.objects.get().ended_at is None
    prune("events")
    assert left() == set()
    assert Pruning.objects.get().removed == 6


def test_two_runs_of_a_class_do_not_meet(old: Callable[..., Event]) -> None:
    for days in range(110, 100, -1):
        old(days)
    steps = retention.prune(rule("events"), size=4, pause_share=0)
    next(steps)
    with pytest.raises(CommandError, match="another process is removing it right now"):
        prune("events")
    assert len(left()) == 6
    # A process that was killed gives no sign; its hold runs out.
    Pruning.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    prune("events")
    assert left() == set()
    with pytest.raises(retention.Busy):
        list(steps)


def test_the_daily_task_asks_and_the_run_ends_what_was_asked(old: Callable[..., Event], settings: Any) -> None:
    old(100)
    assert not retention.is_asked()
    retention.ask([])
    assert retention.is_asked()
    runs.prune_asked(lambda: True)
    assert len(left()) == 1
    runs.prune_asked(lambda: False)
    assert left() == set()
    assert not retention.is_asked()
    assert Pruning.objects.get(name="events").removed == 1


def test_where_the_old_rows_end_is_found_without_reading_the_table(old: Callable[..., Event]) -> None:
    days = [100, 99, 98, 97, 50, 40, 30, 20]
    events = [old(each) for each in days]
    Event.objects.filter(pk=events[1].pk).delete()  # keys have gaps
    for threshold, first in ((101, events[0].pk), (97.5, events[3].pk), (60, events[4].pk), (1, events[-1].pk + 1)):
        assert walk.first_since(timezone.now() - timedelta(days=threshold)) == first


def test_the_ledger_without_events_has_nothing_to_remove() -> None:
    assert walk.first_since(timezone.now()) == 1
    assert "0 rows removed" in prune("events")


def test_every_statement_of_a_batch_follows_an_index(old: Callable[..., Event]) -> None:
    arrival = old(120, kind=PROFILE, payload={"body": "b"})
    call(arrival)
    old(119, parent=arrival, correlation_id=arrival.correlation_id)
    old(118, status="merged", merged_into=arrival)
    with CaptureQueriesContext(connection) as asked:
        prune("contents")
        prune("events")
    statements = [each["sql"] for each in asked if _is_of_a_big_table(each["sql"])]
    assert len(statements) > 10
    for sql in statements:
        assert not _reads_a_whole_table(sql), sql


def _is_of_a_big_table(sql: str) -> bool:
    big = any(f'"{name}"' in sql for name in ("portal_event", "portal_attempt", "passes_walletpass"))
    # The first or the last row by key: SQLite calls it a scan, and ends it after one row.
    return big and sql.startswith(("SELECT", "UPDATE", "DELETE")) and not sql.endswith(" LIMIT 1")


def _reads_a_whole_table(sql: str) -> bool:
    """By the database's own plan; PostgreSQL is told that reading a small table whole is no bargain."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
            return any(row[3].startswith("SCAN") for row in cursor.fetchall())
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql.replace('%', '%%')}")
        return any("Seq Scan" in row[0] for row in cursor.fetchall())


def test_the_trace_says_that_contents_are_gone_and_lists_none_of_the_note(
    world: World, owner: Client, old: Callable[..., Event], desk: Desk
) -> None:
    event = old(31, kind=ACTION, payload={"connection": 3, "_data": {"points": 5}, "body": "b"})
    Event.objects.filter(pk=event.pk).update(tenant=world.tenant)
    prune("contents")
    page = owner.get(url(Event, "change", event.pk)).content.decode()
    assert "The contents were removed after 30 days." in page
    assert "removed&#x27;" not in page


def test_superusers_see_what_is_kept_how_long_and_nobody_else_does(world: World, owner: Client, settings: Any) -> None:
    settings.RETENTION_REFUSED_DAYS = 0
    prune("events")
    root = client_of(UserFactory.make(is_superuser=True, is_staff=True))
    page = root.get(url(Pruning, "changelist")).content.decode()
    for said in ("Finished events", "90 days", "30 days", "For good", "Up to date", "Not yet", "RETENTION_EVENTS_DAYS"):
        assert said in page
    assert owner.get(url(Pruning, "changelist")).status_code == 403
