"""SIGKILL of each role under load: every accepted id is checked."""

from __future__ import annotations

import os
import signal
import time

import pytest
from django_q.models import OrmQ

from portal.models import Event
from tests.faults.conftest import SAME_ON_SQLITE
from tests.faults.harness import Site, prove
from tests.faults.kinds import KILL
from tests.faults.worker import OWN, processes, wait_until

pytestmark = pytest.mark.slow


def victims(site: Site, role: str) -> list[int]:
    worker = site.worker
    assert worker
    leader, (first, second, monitor, pusher) = worker.members()
    (sentinel,) = [pid for pid, parent in processes(leader).items() if parent == leader]
    return {
        "a web worker mid-request": site.web_workers()[:1],
        "a busy worker": [first],
        "all busy workers": [first, second],
        "the monitor": [monitor],
        "the pusher": [pusher],
        "the sentinel": [sentinel],
        "the cluster's parent": [leader],
        "the whole group": list(processes(leader)),
    }[role]


ROLES = [
    "a web worker mid-request",
    "a busy worker",
    *(
        pytest.param(role, marks=SAME_ON_SQLITE)
        for role in ("all busy workers", "the monitor", "the pusher", "the sentinel", "the cluster's parent")
    ),
    "the whole group",
]


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_lost_or_doubled_by_a_kill_of(site: Site, role: str) -> None:
    with site.load(role.replace(" ", "-").replace("'", "")) as load:
        for pid in victims(site, role):
            os.kill(pid, signal.SIGKILL)
        load.mark()
        time.sleep(1)
    prove(site, load, f"SIGKILL of {role}")


@pytest.mark.parametrize("count", [1, 2])
def test_nothing_is_lost_or_doubled_by_a_kill_of_idle_workers(site: Site, count: int) -> None:
    """Idle ones wait for the queue and hold its lock, with which django-q2's cluster stands still unseen."""
    assert site.worker
    idle = site.worker.members()[1][:count]
    os.kill(site.worker.process.pid, signal.SIGSTOP)  # nobody fills the queue
    wait_until(lambda: not OrmQ.objects.using(OWN).exists(), 60, "the workers are idle")
    time.sleep(1)
    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    os.kill(site.worker.process.pid, signal.SIGCONT)
    with site.load(f"idle{count}") as load:
        load.mark()
    prove(site, load, f"SIGKILL of {'an idle worker' if count == 1 else 'all idle workers'}")


def test_nothing_is_lost_or_doubled_by_a_kill_of_everything(site: Site) -> None:
    assert site.worker
    assert site.web
    with site.load("everything") as load:
        site.worker.clean_up()
        os.killpg(site.web.pid, signal.SIGKILL)
        site.web.wait()
        load.mark()
        site.start_web()
        site.start_worker()
        wait_until(lambda: site.answers("started"), 20, "the web server answers")
    prove(site, load, "SIGKILL of everything, started anew")


def test_an_event_that_kills_its_worker_stops_no_one_else(site: Site) -> None:
    killer = site.database.events().filter(kind=KILL)
    with site.load("killer") as load:
        site.database.put(KILL)
        load.mark()
        time.sleep(6)  # its first retry, too
    assert killer.get().attempts >= 2
    killer.update(status=Event.Status.FAILED)
    prove(site, load, "An event that kills its worker")
