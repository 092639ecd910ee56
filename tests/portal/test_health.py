"""/health/live and /health/ready: what a probe hears, also while the database is down or hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal import __version__, readiness
from portal.aside import Aside, impatient
from portal.models import Heart
from portal.readiness import DATABASE, MIGRATIONS, OLDEST_DUE, WORKER, Check, State, Verdict, verdict
from tests.portal.ledger_world import Desk, registered_kinds, seconds

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATHS = pytest.mark.parametrize("path", ["/health/live", "/health/ready"])


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    readiness._aside.forget()
    readiness._migrated.clear()


@pytest.fixture
def kinds() -> Iterator[None]:
    with registered_kinds():
        yield


def ask(client: Client) -> tuple[int, str, dict[str, Any]]:
    readiness._aside.forget()
    answer = client.get("/health/ready")
    told = answer.json()
    return answer.status_code, told["status"], told["checks"]


def beat(age: float = 0) -> None:
    Heart.objects.create(cluster="c", process=f"c/{age}", beat_at=timezone.now() - seconds(age))


def test_live_says_so_without_asking_the_database(client: Client) -> None:
    # No database mark: a query would fail this test.
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": __version__})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db(transaction=True)
@PATHS
def test_a_probe_calls_a_process_by_its_own_address_and_without_https(
    client: Client, settings: Settings, path: str
) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["wallet.example.com"], True
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/admin/", headers={"host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "delete"])
@PATHS
def test_probes_change_nothing(client: Client, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_portal_with_a_database_and_a_worker_is_ready(client: Client) -> None:
    beat(age=1)
    status, said, checks = ask(client)
    assert (status, said) == (200, "ready")
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(readiness.NAMES, "ok")
    assert 1 <= checks[WORKER]["age_seconds"] < 10
    assert checks[OLDEST_DUE]["age_seconds"] == 0


@pytest.mark.django_db(transaction=True)
def test_without_a_worker_it_still_takes_requests(client: Client, settings: Settings) -> None:
    assert ask(client)[:2] == (200, "degraded")
    beat(age=settings.HEART_LIMIT_SECONDS + 5)
    status, said, checks = ask(client)
    assert (status, said, checks[WORKER]["status"]) == (200, "degraded", "failed")
    assert "10 seconds" in checks[WORKER]["reason"]


@pytest.mark.django_db(transaction=True)
def test_work_that_waits_too_long_degrades_it_and_names_nobody(client: Client, kinds: None) -> None:
    beat()
    desk = Desk("secretive")
    desk.event("customer:anna@example.com", due_at=timezone.now() - seconds(400))
    status, said, checks = ask(client)
    assert (status, said, checks[OLDEST_DUE]["status"]) == (200, "degraded", "failed")
    assert 400 <= checks[OLDEST_DUE]["age_seconds"] < 420
    readiness._aside.forget()
    told = client.get("/health/ready").content.decode()
    assert not [word for word in ("secretive", "anna", "licence") if word in told]


@pytest.mark.django_db(transaction=True)
def test_work_that_is_meant_to_wait_does_not_count(client: Client, kinds: None) -> None:
    beat()
    desk, now = Desk(), timezone.now()
    paused, deferred = desk.new_lane("paused", paused_at=now), desk.new_lane("later", not_before=now + seconds(900))
    for number, lane in enumerate((paused, deferred)):
        desk.event(f"customer:{number}", lane=lane, due_at=now - seconds(900))
    desk.event("customer:3", due_at=now + seconds(900))
    suspended = Desk("suspended")
    suspended.event(due_at=now - seconds(900))
    suspended.tenant.suspended_at = now
    suspended.tenant.save()
    assert ask(client)[1] == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_is_not_applied_keeps_requests_away(client: Client) -> None:
    recorder = MigrationRecorder(connection)
    ((app, newest),) = MigrationLoader(connection).graph.leaf_nodes("passes")
    recorder.record_unapplied(app, newest)
    try:
        status, said, checks = ask(client)
    finally:
        recorder.record_applied(app, newest)
    assert (status, said) == (503, "unready")
    assert "manage.py migrate" in checks[MIGRATIONS]["reason"]
    assert ask(client)[2][MIGRATIONS] == {"status": "ok"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ([], Verdict.READY),
        ([WORKER], Verdict.DEGRADED),
        ([OLDEST_DUE, WORKER], Verdict.DEGRADED),
        ([MIGRATIONS], Verdict.UNREADY),
        ([DATABASE, WORKER], Verdict.UNREADY),
    ],
)
def test_only_what_a_request_needs_makes_it_unready(wrong: list[str], expected: Verdict) -> None:
    states = {name: State.FAILED if name in wrong else State.OK for name in readiness.NAMES}
    assert verdict(Check(name, state) for name, state in states.items()) is expected


def test_what_is_not_known_is_not_ok() -> None:
    assert verdict([Check(DATABASE, State.OK), Check(MIGRATIONS, State.UNKNOWN)]) is Verdict.UNREADY


def test_a_clock_that_is_ahead_makes_no_heart_young_or_old() -> None:
    assert readiness.worker(NOW + timedelta(seconds=30), NOW) == Check(WORKER, State.OK, age=0.0)


class Hanging:
    """Gives its first item, then waits until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = threading.Event()

    def __call__(self) -> Iterator[str]:
        self.begun += 1
        yield "first"
        self.go.wait(10)
        yield "second"


def test_nobody_waits_longer_than_the_limit_and_one_thread_waits_for_all() -> None:
    work = Hanging()
    aside = Aside(work, seconds=0.3, keep_seconds=0)
    began = time.monotonic()
    assert aside.ask() == ["first"]
    assert 0.25 < time.monotonic() - began < 1
    began = time.monotonic()
    assert [aside.ask() for _ in range(50)] == [["first"]] * 50
    assert time.monotonic() - began < 0.2, "who asks while it hangs is told at once"
    assert work.begun == 1
    work.go.set()
    while work.begun == 1:
        assert time.monotonic() - began < 5, "once it has ended, it is begun anew"
        aside.ask()
    assert aside.ask() == ["first", "second"]


def test_what_was_found_is_shared_for_a_second() -> None:
    work = Hanging()
    work.go.set()
    aside = Aside(work, seconds=5)
    assert [aside.ask() for _ in range(20)] == [["first", "second"]] * 20
    assert work.begun == 1


def test_work_that_breaks_off_tells_what_it_had(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> Iterator[str]:
        yield "first"
        raise ValueError("anna@example.com")

    assert Aside(work, seconds=5).ask() == ["first"]
    assert "ValueError" in caplog.text
    assert "anna" not in caplog.text


def test_the_look_gives_up_on_both_sides() -> None:
    found = impatient("postgresql", {"options": "-c jit=off", "connect_timeout": 10, "sslmode": "require"}, 2)
    assert found["options"] == "-c jit=off -c statement_timeout=2000"
    assert (found["connect_timeout"], found["sslmode"]) == (2, "require")
    assert impatient("sqlite", {"timeout": 20, "init_command": "PRAGMA x"}, 2) == {
        "timeout": 2,
        "init_command": "PRAGMA x",
    }
