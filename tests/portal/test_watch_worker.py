"""Messages from real `manage.py worker` processes: once over two of them, and not again when one is killed over it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from portal.models import Event, Membership, PeriodicTask, Watcher
from portal.tenancy import Role
from tests.faults.worker import OWN, Database, WorkerProcess, wait_until
from tests.portal.mail_server import MailServer

pytestmark = pytest.mark.slow
LOOK_SECONDS = 30
OWNERS = 5


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as running:
        host, port = running.address
        monkeypatch.setenv("FAULT_PERIODIC_SECONDS", "2")  # in place of once a minute
        monkeypatch.setenv("EMAIL_URL", f"smtp://{host}:{port}")
        yield running


@pytest.fixture
def workers(database: Database, tmp_path: Path) -> Iterator[list[WorkerProcess]]:
    """Two, once the owners have a dead letter that has lasted."""
    event = database.put()
    Event.objects.using(OWN).filter(pk=event.pk).update(status="failed", finished_at=timezone.now())
    for number in range(OWNERS):
        user = User.objects.using(OWN).create(username=f"owner-{number}@example.com")
        Membership.objects.using(OWN).create(tenant=database.tenant, user=user, role=Role.OWNER)
        seen = {f"failed:{database.lane.pk}": timezone.now().timestamp() - 3_600}
        Watcher.objects.using(OWN).create(tenant=database.tenant, user=user, seen=seen)
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    started = [WorkerProcess(database, folder) for folder in folders]
    try:
        yield started
    finally:
        for each in started:
            each.clean_up()


def looks(workers: list[WorkerProcess]) -> int:
    return sum(each.log().count("periodic=watch done") for each in workers)


def test_two_workers_tell_each_person_once(
    database: Database, server: MailServer, workers: list[WorkerProcess]
) -> None:
    wait_until(lambda: len(server.received) == OWNERS, LOOK_SECONDS, "all are told")
    wait_until(lambda: not Watcher.objects.using(OWN).exclude(sending_at=None).exists(), 10, "all are settled")
    PeriodicTask.objects.using(OWN).filter(name="watch").update(due_at=timezone.now() - timedelta(seconds=1))
    before = looks(workers)
    wait_until(lambda: looks(workers) > before, LOOK_SECONDS, "they look again")
    assert len(server.received) == OWNERS
    assert len({text.split("To: ")[1].split("\n")[0] for text in server.received}) == OWNERS


def test_a_message_that_was_handed_over_when_its_worker_was_killed_is_not_sent_again(
    database: Database, server: MailServer, workers: list[WorkerProcess]
) -> None:
    server.answering.clear()
    wait_until(lambda: len(server.received) == 1, LOOK_SECONDS, "one is handed over")
    held = Watcher.objects.using(OWN).exclude(sending_at=None).get()
    (killed,) = [each for each in workers if "periodic=watch done" in each.log()]
    (left,) = [each for each in workers if each is not killed]
    killed.process.kill()
    killed.process.wait()
    server.answering.set()
    PeriodicTask.objects.using(OWN).filter(name="watch").update(due_at=timezone.now())
    wait_until(lambda: looks([left]), LOOK_SECONDS, "the other one looks")
    wait_until(lambda: len(server.received) == OWNERS, 20, "the others are told")
    first, *others = [text.split("To: ")[1].split("\n")[0].strip() for text in server.received]
    assert first == User.objects.using(OWN).get(pk=held.user_id).username
    assert first not in others
    assert Watcher.objects.using(OWN).get(pk=held.pk).sending_at is not None
