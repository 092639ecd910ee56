"""A vendor that misbehaves while webhooks come in: nothing is lost, and nothing that must not be is done twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from portal.models import Event, Lane
from tests.faults import vendor
from tests.faults.conftest import SAME_ON_SQLITE
from tests.faults.harness import FULL, READ_SECONDS, Site, Tally, prove
from tests.faults.worker import OWN, wait_until

pytestmark = [pytest.mark.slow, SAME_ON_SQLITE]

# Seconds that the fault lasts. Hanging calls are held for as long as a read may take.
BRIEF = 10.0 if FULL else 1.5
MINUTE = 60.0 if FULL else 1.5
FAULTS: dict[str, tuple[Callable[..., None], float]] = {
    "hangs": (vendor.hang, READ_SECONDS + 1),
    "drips": (vendor.drip, READ_SECONDS + 1),
    "resets after the effect": (vendor.reset_after_the_effect, BRIEF),
    "hangs after the effect": (vendor.hang_after_the_effect, READ_SECONDS + 1),
    "answers 500": (vendor.error_500, MINUTE),
    "answers 429 with Retry-After": (vendor.too_many, BRIEF),
    "answers HTML": (vendor.html, BRIEF),
    "answers 50 MB": (vendor.fifty_megabytes, BRIEF),
    "redirects": (vendor.redirect, BRIEF),
}
# One load for all of them: each opens the breaker, and only the last trial has to be waited for.
GROUPS = [[name] for name in FAULTS] if FULL else [list(FAULTS)]


@pytest.mark.parametrize("faults", GROUPS, ids=", ".join)
def test_nothing_is_lost_or_doubled_by_a_vendor_that(site: Site, faults: list[str]) -> None:
    with site.load(faults[0].replace(" ", "-"), per_second=20) as load:
        for fault in faults:
            behave, seconds = FAULTS[fault]
            site.vendor.fault = behave
            open_lanes()
            time.sleep(seconds)
        site.vendor.fault = None
        load.mark()
    told = ", ".join(f"{fault} ({FAULTS[fault][1]:g} s)" for fault in faults)
    prove(site, load, f"Vendor {told}", retried=True)


def open_lanes() -> None:
    """Each fault meets calls, whatever the one before has closed."""
    Lane.objects.using(OWN).filter(key__startswith="actito:").update(failures=0, not_before=timezone.now())


def test_a_trial_that_kills_its_worker_is_followed_by_another(site: Site) -> None:
    """The breaker opens while other events are claimed, too."""
    lanes = Lane.objects.using(OWN).filter(key__startswith="actito:")
    assert site.worker
    with site.load("trial") as load:
        site.vendor.fault = vendor.error_500
        wait_until(lambda: lanes.get().failures >= 5, 30, "the breaker opens")
        wait_until(lambda: not site.database.events().filter(status="leased").exists(), 10, "what was claimed ended")
        site.vendor.fault = vendor.hang
        asked = site.vendor.calls()
        wait_until(lambda: site.vendor.calls() > asked, 30, "a trial is made")
        for pid in site.worker.members()[1][:2]:
            os.kill(pid, signal.SIGKILL)
        site.vendor.fault = None
        load.mark()
    prove(site, load, "SIGKILL of the workers in a breaker's trial", retried=True)


def test_a_budget_that_is_used_up_holds_up_no_other_account(site: Site) -> None:
    lanes = Lane.objects.using(OWN).filter(key__startswith="actito:")
    count = 50_000 if FULL else 2_000
    lane = lanes.get()
    rows = [
        Event(tenant_id=lane.tenant_id, lane=lane, kind="worker.note", subject=f"many:{number}", source="t")
        for number in range(count)
    ]
    lanes.update(calls_per_minute=60, budget_until=time.time() + 30)
    Event.objects.using(OWN).bulk_create(rows, batch_size=500)
    began = time.monotonic()
    waits = []
    while time.monotonic() - began < 4:
        waits.append(site.database.serve_one(20))
    assert max(waits) < 2
    Event.objects.using(OWN).filter(subject__startswith="many:", status="waiting").update(status="ignored")
    lanes.update(calls_per_minute=0, budget_until=0)
    wait_until(site.is_quiet, 30, "all is done")
    Tally(count, 0, 0, 0, max(waits)).tell("Waiting behind a budget that is used up, beside other accounts")
