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


def stopped_with_idle_workers(site: Site) -> bool:
    """Stops who fills the queue, until it is empty. Where a kill before left a cluster that stands still, it never is:
    then who fills it goes on, and mends that first.
    """
    assert site.worker
    os.kill(site.worker.process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: not OrmQ.objects.using(OWN).exists(), 15, "the queue is empty")
    except AssertionError:
        os.kill(site.worker.process.pid, signal.SIGCONT)
        time.sleep(15)
        return False
    return True


@pytest.mark.parametrize("count", [1, 2])
def test_nothing_is_lost_or_doubled_by_a_kill_of_idle_workers(site: Site, count: int) -> None:
    """Idle ones wait for the queue and hold its lock, with which django-q2's cluster stands still unseen."""
    assert site.worker
    wait_until(lambda: stopped_with_idle_workers(site), 120, "the workers are idle")
    time.sleep(1)
    for pid in site.worker.members()[1][:count]:
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
