"""IN: one INSERT per arrival, repeats and earlier ones found by it; PUBLISH: one Event per subscriber."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portal import ledger
from portal.models import Event, Lane
from tests.portal.ledger_world import ACT, NEWS, READ, Desk, again

pytestmark = pytest.mark.django_db


def test_an_arrival_is_one_insert_and_no_second_statement(desk: Desk) -> None:
    desk.arrive()
    for source_id in (None, "vendor-1", "vendor-1"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            desk.arrive(source_id=source_id)
        assert len(queries) == 1
        assert queries[0]["sql"].strip().startswith("INSERT")


def test_an_arrival_waits_to_be_claimed_with_all_that_was_said(desk: Desk) -> None:
    receipt = desk.arrive(payload={"points": 3, "nested": {"é": [None, 1.5]}}, source_id="a", body_hash="h")
    event = Event.objects.get(pk=receipt.event_id)
    assert (event.status, event.attempts, event.coalesces, event.kind) == ("waiting", 0, True, READ)
    assert event.payload == {"points": 3, "nested": {"é": [None, 1.5]}}
    assert (event.source, event.source_id, event.body_hash, event.lane_id) == ("vendor:1", "a", "h", desk.lane.pk)
    assert not receipt.already_reported


def test_each_status_is_a_workers_turn_or_a_persons_or_the_end() -> None:
    assert sorted([*Event.PENDING, *Event.UNRESOLVED, *Event.FINISHED]) == sorted(Event.Status.values)


def test_two_arrivals_do_not_share_a_trace(desk: Desk) -> None:
    desk.arrive()
    desk.arrive()
    assert len(set(Event.objects.values_list("correlation_id", flat=True))) == 2


def test_a_second_arrival_of_a_subject_is_covered_by_the_one_that_waits_and_is_a_row_all_the_same(desk: Desk) -> None:
    desk.arrive()
    assert desk.arrive().already_reported
    assert Event.objects.count() == 2


def test_an_arrival_is_news_when_the_earlier_one_already_runs(desk: Desk) -> None:
    desk.leased()
    assert not desk.arrive().already_reported


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ({"subject": "customer:2"}, "another subject"),
        ({"kind": NEWS + "/second"}, "another kind"),
    ],
)
def test_an_arrival_is_news_beside_one_of(desk: Desk, second: dict[str, Any], why: str) -> None:
    desk.arrive()
    assert not desk.arrive(**second).already_reported, why


def test_an_arrival_that_carries_values_is_news_though_another_waits(desk: Desk) -> None:
    desk.arrive(kind=ACT)
    assert not desk.arrive(kind=ACT).already_reported


def test_another_tenants_arrival_covers_nothing_here(desk: Desk) -> None:
    Desk("other").arrive(source_id="a")
    assert not desk.arrive(source_id="a").already_reported


def test_the_same_vendor_event_id_is_one_event_however_often_it_comes(desk: Desk) -> None:
    first = desk.arrive(kind=ACT, source_id="a", body_hash="h")
    repeats = [desk.arrive(kind=ACT, source_id="a", body_hash="h") for _ in range(3)]
    assert [each.repeats for each in repeats] == [1, 2, 3]
    assert {each.event_id for each in repeats} == {first.event_id}
    assert all(each.already_reported and each.same_body for each in repeats)


def test_the_same_vendor_event_id_with_another_body_is_visible(desk: Desk) -> None:
    desk.arrive(source_id="a", body_hash="one")
    assert not desk.arrive(source_id="a", body_hash="two").same_body


def test_a_vendor_event_id_is_remembered_after_its_event_is_done(desk: Desk) -> None:
    receipt = desk.arrive(source_id="a")
    (event,) = ledger.claim(1, "tester")
    ledger.run(event)
    repeat = desk.arrive(source_id="a")
    assert (repeat.event_id, repeat.already_reported, again(event).status) == (receipt.event_id, True, "done")


def test_an_unknown_kind_is_refused(desk: Desk) -> None:
    with pytest.raises(KeyError):
        desk.arrive(kind="nobody.knows")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        ("\udc00\ud83d", "\ufffd\ufffd"),
        ("\N{GRINNING FACE}", "\N{GRINNING FACE}"),
        ("\\u0000", "\\u0000"),
        ("\\\0", "\\\ufffd"),
        ("\\\\ud800", "\\\\ud800"),
    ],
)
def test_what_postgresql_cannot_hold_is_replaced_and_the_rest_stays(desk: Desk, sent: str, kept: str) -> None:
    receipt = desk.arrive(subject=f"s{sent}", payload={f"name{sent}": [sent, {"in": sent}]}, source_id=f"i{sent}")
    event = Event.objects.get(pk=receipt.event_id)
    assert event.payload == {f"name{kept}": [kept, {"in": kept}]}
    assert (event.subject, event.source_id) == (f"s{kept}", f"i{kept}")


def test_long_subjects_stay_apart_by_their_ends(desk: Desk) -> None:
    for end in ("a", "b", "a"):
        desk.arrive(subject="x" * 300 + end)
    assert len({event.subject for event in Event.objects.all()}) == 2


def test_a_deeply_nested_payload_with_strange_signs_is_kept(desk: Desk) -> None:
    payload: dict[str, Any] = {"deep": "\0\N{GRINNING FACE}"}
    for _ in range(400):
        payload = {"deep": payload}
    assert desk.arrive(payload=payload).event_id


def test_published_news_is_one_event_per_subscriber_in_the_same_trace(desk: Desk) -> None:
    cause = desk.event()
    ledger.publish(NEWS, cause=cause, subject="pass:1", payload={"pass": 1})
    events = list(Event.objects.filter(parent=cause).order_by("kind"))
    assert [event.kind for event in events] == [f"{NEWS}/first", f"{NEWS}/second"]
    assert [event.coalesces for event in events] == [False, True]
    assert {event.correlation_id for event in events} == {cause.correlation_id}
    assert len({event.subject for event in events}) == 2  # neither holds up the other
    assert {event.tenant_id for event in events} == {desk.tenant.pk}
    assert events[0].lane.key == "local"


def test_news_that_nobody_wants_writes_nothing(desk: Desk) -> None:
    assert ledger.publish("test.unheard", cause=desk.event(), subject="x", payload={}) == []


def test_a_kind_with_one_handler_is_published_to_it_alone_on_the_lane_asked_for(desk: Desk) -> None:
    (event,) = ledger.publish(READ, cause=desk.event(), subject="x", payload={"a\0": 1}, lane_id=desk.lane.pk)
    assert (event.kind, event.subject, event.lane_id) == (READ, "x", desk.lane.pk)
    assert again(event).payload == {"a\ufffd": 1}


def test_published_news_goes_when_what_it_tells_of_is_rolled_back(desk: Desk) -> None:
    cause = desk.event()

    def tell_and_break() -> None:
        with transaction.atomic():
            ledger.publish(NEWS, cause=cause, subject="pass:1", payload={})
            Lane.objects.create(tenant=desk.tenant, key=desk.lane.key)

    with pytest.raises(IntegrityError):
        tell_and_break()
    assert not Event.objects.filter(parent=cause).exists()


def test_noted_news_is_final_and_reaches_its_subscribers(desk: Desk) -> None:
    noted = ledger.news(NEWS, tenant_id=desk.tenant.pk, subject="pass:1", result=ledger.done("It \0happened."))
    assert (noted.status, again(noted).outcome) == ("done", "It \ufffdhappened.")
    assert Event.objects.filter(parent=noted).count() == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no such statistics on its own")
def test_a_rush_after_a_quiet_time_does_not_make_each_arrival_read_all_that_waits(desk: Desk) -> None:
    rows = [Event(tenant=desk.tenant, lane=desk.lane, kind=READ, subject=f"s:{number}", coalesces=True, source="t")
            for number in range(4000)]  # fmt: skip
    Event.objects.bulk_create(rows[:500])
    Event.objects.update(status="done")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE portal_event")  # PostgreSQL now believes that nothing ever waits
        Event.objects.bulk_create(rows[500:])
        desk.arrive()
        with CaptureQueriesContext(connection) as queries:
            desk.arrive(subject="s:1")
        cursor.execute("EXPLAIN " + re.sub(r"\$\d+", "NULL", queries[0]["sql"]))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "event_by_subject" in plan, plan
