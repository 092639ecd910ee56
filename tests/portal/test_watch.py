"""What is wrong, in words: read of the tables, and summed up for Home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from integrations.actito.models import ActitoConnection
from passes import watch as certificates
from passes.watch import step, tone
from portal.ledger.limits import BURST_SECONDS, FAILURES_IN_A_ROW, note_answer
from portal.ledger.states import State, budget_left, state_of
from portal.models import Event, Heart, Lane
from portal.watch import words
from portal.watch.digest import marks_of
from portal.watch.pace import expected, rate
from portal.watch.trouble import ORDER, Kind, Tone, Trouble, troubles_of
from portal.watch.verdict import verdict
from tests import factories as make
from tests.passes.world import apple
from tests.portal.admin_world import World, make_world
from tests.portal.ledger_world import seconds

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _alive() -> None:
    Heart.objects.create(cluster="a", process="1")


@pytest.fixture
def verdi() -> World:
    """A tenant of which all is well."""
    world = make_world("Verdi")
    Event.objects.filter(status=Event.Status.FAILED).delete()
    return world


def lane_of(world: World, **columns: Any) -> Lane:
    lane: Lane = world.rows[ActitoConnection].lane
    Lane.objects.filter(pk=lane.pk).update(**columns)
    return lane


def waiting(world: World, number: int = 1, **columns: Any) -> None:
    rows = [
        Event(tenant=world.tenant, kind="actito.profile", subject=f"s:{each}", source="t",
              **{"lane_id": world.rows[ActitoConnection].lane_id, "due_at": timezone.now() - 5 * MINUTE, **columns})
        for each in range(number)
    ]  # fmt: skip
    Event.objects.bulk_create(rows)


def found(world: World) -> dict[Kind, Trouble]:
    return {each.kind: each for each in troubles_of([world.tenant.pk])}


# What is read.


def test_a_tenant_of_which_all_is_well_has_no_troubles(verdi: World) -> None:
    assert found(verdi) == {}


def test_a_paused_connection_says_why_since_when_and_what_waits(verdi: World) -> None:
    lane_of(verdi, paused_at=timezone.now() - timedelta(hours=30), pause_reason="The key is refused.")
    waiting(verdi, 3)
    trouble = found(verdi)[Kind.PAUSED]
    assert (trouble.title, trouble.wrong) == ("Verdi connection", "The key is refused.")
    assert "Events waiting: 3; none is lost." in trouble.to_do
    assert words.since(trouble.since) in trouble.to_do
    assert Kind.STUCK not in found(verdi)


def test_an_account_that_does_not_answer_is_told_while_work_waits_for_it(verdi: World) -> None:
    lane = lane_of(verdi)
    for _ in range(FAILURES_IN_A_ROW):
        note_answer(lane.pk, 503)
    assert found(verdi) == {}
    waiting(verdi)
    trouble = found(verdi)[Kind.SILENT]
    assert "5 calls failed, one after the other." in trouble.wrong
    assert "The next try is in 1" in trouble.to_do
    assert timezone.now() - MINUTE < (trouble.since or NOW) < timezone.now()
    note_answer(lane.pk, 200)
    assert Kind.SILENT not in found(verdi)
    assert Lane.objects.get(pk=lane.pk).failing_since is None


def test_work_that_waits_while_nothing_moves_is_stuck(verdi: World) -> None:
    lane_of(verdi, calls_per_minute=100)
    waiting(verdi, 500)
    trouble = found(verdi)[Kind.STUCK]
    assert trouble.wrong == "The oldest event has waited 5 minutes."


def test_late_work_that_is_being_done_is_no_trouble_to_be_mailed(verdi: World) -> None:
    waiting(verdi, 2, status=Event.Status.DONE, finished_at=timezone.now() - MINUTE)
    waiting(verdi, 3)
    assert set(found(verdi)) == {Kind.BACKLOG}
    assert marks_of(troubles_of([verdi.tenant.pk])) == {}


def test_a_backlog_that_is_worked_on_says_when_it_ends(verdi: World) -> None:
    lane_of(verdi, calls_per_minute=100)
    waiting(verdi, 2, status=Event.Status.DONE, finished_at=timezone.now() - MINUTE)
    waiting(verdi, 1_500)
    trouble = found(verdi)[Kind.BACKLOG]
    assert trouble.wrong == "1\N{NARROW NO-BREAK SPACE}500 profiles to read, about 15 min at 100 a minute."
    with translation.override("nl"):
        assert "profielen te lezen, ongeveer 15 min" in found(verdi)[Kind.BACKLOG].wrong


def test_where_there_is_no_limit_the_pace_of_the_last_minutes_tells_the_end(verdi: World) -> None:
    lane_of(verdi, calls_per_minute=0)
    waiting(verdi, 50, status=Event.Status.DONE, finished_at=timezone.now() - MINUTE)
    waiting(verdi, 40, status=Event.Status.DONE, finished_at=timezone.now() - 10 * MINUTE)
    waiting(verdi, 300)
    assert found(verdi)[Kind.BACKLOG].wrong == "300 profiles to read, about 30 min at 10 a minute."


def test_dead_letters_are_counted_by_connection_and_marked_by_the_newest(verdi: World) -> None:
    lane = lane_of(verdi)
    events = [
        make.EventFactory.make(tenant=verdi.tenant, lane_id=lane.pk, status="failed", finished_at=timezone.now())
        for _ in range(2)
    ]
    make.EventFactory.make(tenant=verdi.tenant, lane_id=lane.pk, status="uncertain", finished_at=timezone.now())
    trouble = found(verdi)[Kind.FAILED]
    assert trouble.wrong.startswith("2 events failed for good, the last one at ")
    assert (trouble.title, trouble.mark, trouble.tone) == ("Verdi connection", events[-1].pk, Tone.WARN)
    assert found(verdi)[Kind.UNCERTAIN].wrong.startswith("1 call may have been carried out")


def test_troubles_of_others_and_of_suspended_tenants_are_left_out(verdi: World) -> None:
    other = make_world("Other")
    lane_of(other, paused_at=timezone.now())
    assert found(verdi) == {}
    lane_of(verdi, paused_at=timezone.now())
    verdi.tenant.suspended_at = timezone.now()
    verdi.tenant.save()
    assert Kind.PAUSED not in found(verdi)


def test_many_tenants_take_as_many_queries_as_one() -> None:
    counts = []
    worlds = [make_world(name) for name in ("Verdi", "Other", "Third")]
    for world in worlds:
        waiting(world, 3, due_at=timezone.now())
        lane_of(world, paused_at=timezone.now(), pause_reason="No.")
    for number in (1, 3):
        with CaptureQueriesContext(connection) as asked:
            troubles_of([world.tenant.pk for world in worlds[:number]])
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 13


def test_home_takes_a_fixed_number_of_queries_whatever_is_wrong(verdi: World) -> None:
    def ask() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert owner.get("/admin/").status_code == 200
        return len(asked)

    owner = Client()
    owner.force_login(verdi.owner)
    ask()
    waiting(verdi, 1)
    few = ask()
    waiting(verdi, 400)
    assert ask() == few
    assert few <= 64


# Certificates.


@pytest.mark.parametrize(
    ("days", "passed", "colour"),
    [(61, 0, Tone.QUIET), (60, 1, Tone.QUIET), (30, 2, Tone.QUIET), (14, 3, Tone.WARN), (7, 4, Tone.WARN),
     (3, 5, Tone.WARN), (1, 6, Tone.WARN), (0.5, 6, Tone.WARN), (0, 7, Tone.BAD), (-5, 7, Tone.BAD)],
)  # fmt: skip
def test_a_certificate_is_told_at_these_days(days: float, passed: int, colour: Tone) -> None:
    assert step(timedelta(days=days)) == passed
    assert tone(timedelta(days=days)) is colour


def test_a_certificate_near_its_end_is_read(verdi: World, monkeypatch: pytest.MonkeyPatch) -> None:
    apple(verdi.tenant, "pass.com.example.loyalty")
    assert Kind.CERTIFICATE not in found(verdi)
    monkeypatch.setattr(certificates, "TOLD_AT_DAYS", (366 * 20,))
    told = [each for each in troubles_of([verdi.tenant.pk]) if each.kind is Kind.CERTIFICATE]
    assert len(told) == 2
    assert all("It ends in 3" in each.wrong for each in told)


# Pure.


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, State.MOVING),
        ({"paused_at": NOW, "failures": 9}, State.PAUSED),
        ({"failures": FAILURES_IN_A_ROW, "not_before": NOW + MINUTE}, State.SILENT),
        ({"failures": FAILURES_IN_A_ROW - 1}, State.MOVING),
        ({"not_before": NOW + MINUTE}, State.DEFERRED),
        ({"calls_per_minute": 100, "budget_until": NOW.timestamp() + BURST_SECONDS + 1}, State.OVER_BUDGET),
        ({"calls_per_minute": 100, "budget_until": NOW.timestamp() + 2}, State.MOVING),
        ({"calls_per_minute": 0, "budget_until": NOW.timestamp() + BURST_SECONDS + 1}, State.MOVING),
    ],
)
def test_what_an_account_does(columns: dict[str, Any], state: State) -> None:
    assert state_of(Lane(**{"not_before": NOW, **columns}), NOW) is state


@pytest.mark.parametrize(("ahead", "left"), [(-100, 1), (0, 1), (2.5, 0.5), (5, 0), (40, 0), (5_000, 1)])
def test_what_is_left_of_the_calls_a_minute(ahead: float, left: float) -> None:
    assert budget_left(100, NOW.timestamp() + ahead, NOW) == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize(
    ("ended", "reaches_back", "per_minute"),
    [([], None, 0), ([1, 2], None, 0.4), ([400], None, 0), ([1] * 2_000, 60, 2_000), ([1] * 100, 600, 20)],
)
def test_the_pace_of_what_ended(ended: list[float], reaches_back: float | None, per_minute: float) -> None:
    oldest = None if reaches_back is None else NOW - seconds(reaches_back)
    assert rate([NOW - seconds(each) for each in ended], oldest, NOW) == pytest.approx(per_minute)


@pytest.mark.parametrize(("limit", "measured", "per_minute"), [(100, 60, 100), (0, 60, 60), (100, 0, 0), (0, 0, 0)])
def test_the_pace_that_is_expected(limit: int, measured: float, per_minute: float) -> None:
    assert expected(limit, measured) == per_minute


@pytest.mark.parametrize(
    ("spent", "said"),
    [(0, "1 s"), (45, "45 s"), (60, "1 min"), (15 * 60, "15 min"), (8.3 * 3600, "8 h"), (100 * 3600, "4 days")],
)
def test_lengths_are_said_in_one_unit(spent: float, said: str) -> None:
    assert words.length(spent) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(20, "less than a minute"), (60, "about 1 minute"), (5_000, "about 83 minutes"), (28_800, "about 8 hours"),
     (604_800, "about 7 days")],
)  # fmt: skip
def test_estimates_are_said_in_one_unit(seconds: float, said: str) -> None:
    assert words.lasting(seconds) == said


def trouble(kind: Kind, tone: Tone = Tone.BAD) -> Trouble:
    return Trouble(kind, f"{kind}:1", 1, NOW, f"The {kind}", "It is wrong.", "Mend it.", "/admin/", tone=tone)


@pytest.mark.parametrize(
    ("kinds", "tone", "title"),
    [
        ([], "good", "Everything is moving"),
        ([(Kind.MAIL, Tone.QUIET), (Kind.CERTIFICATE, Tone.QUIET)], "good", "Everything is moving"),
        ([(Kind.FAILED, Tone.WARN)], "warn", "Everything is moving"),
        ([(Kind.CERTIFICATE, Tone.WARN)], "warn", "Everything is moving"),
        ([(Kind.CERTIFICATE, Tone.BAD)], "bad", "The certificate"),
        ([(Kind.BACKLOG, Tone.BUSY), (Kind.FAILED, Tone.WARN)], "busy", "Much to do, and it is being done"),
        ([(Kind.STUCK, Tone.WARN)], "warn", "Running behind"),
        ([(Kind.REFUSED, Tone.BAD), (Kind.STUCK, Tone.WARN)], "bad", "Calls are refused"),
        ([(Kind.SILENT, Tone.BAD), (Kind.STUCK, Tone.WARN)], "bad", "Something does not answer"),
        ([(Kind.PAUSED, Tone.BAD), (Kind.SILENT, Tone.BAD)], "bad", "Something stands still"),
        ([(Kind.WORKER, Tone.BAD), (Kind.PAUSED, Tone.BAD)], "bad", "Nothing is moving"),
    ],
)
def test_home_says_the_worst_first(kinds: list[tuple[Kind, Tone]], tone: str, title: str) -> None:
    troubles = sorted((trouble(*each) for each in kinds), key=lambda each: ORDER[each.kind])
    said = verdict(troubles, connected=True, suspended=False)
    assert (said.tone, said.title) == (tone, title)
    assert verdict(troubles, connected=False, suspended=False).title == "Nothing is connected yet"
    assert verdict(troubles, connected=True, suspended=True).title == "Suspended"
