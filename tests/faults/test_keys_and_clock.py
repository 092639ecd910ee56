"""Keys that are rotated with a full ledger, clocks that are set, and a periodic task's row that is broken."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.models import Event, Lane, PeriodicTask
from tests.faults import vendor
from tests.faults.conftest import SAME_ON_SQLITE
from tests.faults.harness import Site, prove
from tests.faults.kinds import SLOW
from tests.faults.worker import OWN, wait_until

pytestmark = [pytest.mark.slow, SAME_ON_SQLITE]
HOUR = 3600


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def restart(site: Site, **environment: str) -> None:
    """As a deployment does it: with SIGTERM, one after the other."""
    site.environment.update(environment)
    assert site.worker
    assert site.web
    site.web.send_signal(signal.SIGTERM)
    site.web.wait(30)
    site.worker.stop(60)
    site.start_web()
    site.start_worker()
    # A server that is told to stop while it starts does not hear it.
    wait_until(lambda: site.answers("restarted"), 30, "the web server answers")


def test_keys_are_rotated_with_a_full_ledger(site: Site) -> None:
    """Both keys at once, while events wait behind a closed lane; then the old encryption key is taken away."""
    old, new = site.shell("from django.conf import settings; print(settings.ENCRYPTION_KEYS[0])"), new_key()
    lanes = Lane.objects.using(OWN).filter(key__startswith="actito:")
    with site.load("keys") as load:
        lanes.update(not_before=timezone.now() + timedelta(hours=1))
        time.sleep(2)
        restart(site, SECRET_KEY=secrets.token_urlsafe(60), ENCRYPTION_KEYS=f"{new},{old}")
        site.shell("from django.core.management import call_command; call_command('rotate_secrets')")
        restart(site, ENCRYPTION_KEYS=new)
        lanes.update(not_before=timezone.now())
        load.mark()
    prove(site, load, "SECRET_KEY and the encryption key rotated")
    read = "from integrations.actito.models import ActitoConnection as A; print(A.objects.get().api_key)"
    assert site.shell(read) == "sandbox-api-key"


@pytest.mark.parametrize("hours", [1, -1])
def test_the_clock_is_set_under_load(site: Site, hours: int) -> None:
    """Calls are in flight, retries wait, and a lane waits for its vendor."""
    site.vendor.takes_seconds = 0.3
    with site.load(f"clock{hours}", per_second=20) as load:
        site.vendor.fault = vendor.error_500
        time.sleep(0.5)
        site.vendor.fault = None
        time.sleep(1)
        running = site.database.put(SLOW, seconds=6)
        wait_until(lambda: site.database.status(running) == "leased", 10, "it runs")
        set_clock(site, hours * HOUR)
        load.mark()
        time.sleep(3)
        site.vendor.takes_seconds = 0.01
    prove(site, load, f"Clock set {'forward' if hours > 0 else 'back'} by an hour", retried=True)
    assert site.database.events().get(pk=running.pk).attempts == 1  # no lease was taken away
    set_clock(site, 0)
    Event.objects.using(OWN).filter(status="waiting").update(due_at=timezone.now())
    wait_until(lambda: site.database.serve_one(20) < 2, 40, "work flows")


def set_clock(site: Site, seconds: float) -> None:
    new = site.clock.with_suffix(".new")
    new.write_text(str(seconds))
    os.replace(new, site.clock)


def test_a_broken_row_of_a_periodic_task_stops_neither_the_others_nor_the_work(site: Site) -> None:
    """Due in a century, of a task that nobody knows, and of one that always fails."""
    rows = PeriodicTask.objects.using(OWN)
    rows.create(name="nobody.knows", due_at=timezone.now() - timedelta(days=1))
    rows.filter(name="actito.scenarios").update(due_at=timezone.now() + timedelta(days=36500))
    known = rows.get(name="actito.scenarios").due_at
    restart(site)  # looks for what is due at once
    with site.load("schedule") as load:
        load.mark()
        time.sleep(1)
    wait_until(lambda: rows.get(name="actito.scenarios").due_at < known, 90, "the known task has run")
    prove(site, load, "A broken row of a periodic task")
