"""Values that change while workers race, stop and come back: the last one wins, and one event has one effect."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from tests.faults import vendor
from tests.faults.harness import FULL, TIMES, Site, Tally
from tests.faults.kinds import EFFECT, SLOW
from tests.faults.worker import OWN, WorkerProcess, wait_until

pytestmark = pytest.mark.slow
CUSTOMERS, CHANGES = 100, 20


def effects(site: Site, profile: int) -> list[dict[str, object]]:
    rows = site.database.events().filter(kind=EFFECT, subject__endswith=f":profile:{profile}").order_by("pk")
    return list(rows.values_list("payload", flat=True))


def test_the_last_value_wins_for_all_customers(site: Site) -> None:
    first = 1_000
    work = [first + number for number in range(CUSTOMERS) for _ in range(CHANGES)]
    random.shuffle(work)
    answers: Counter[int] = Counter()

    def change(profile: int) -> None:
        site.vendor.values[str(profile)] += 1
        answers[site.post(f"change-{uuid.uuid4()}", profile)] += 1

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, work))
    posted = time.monotonic()
    wait_until(site.is_quiet, 90, "all work is done")
    stale = [p for p in range(first, first + CUSTOMERS) if effects(site, p)[-1]["value"] != CHANGES]
    counts = Counter(str(each["id"]) for p in range(first, first + CUSTOMERS) for each in effects(site, p))
    assert stale == []
    assert set(answers) <= {200, 208}
    doubled = sum(count > 1 for count in counts.values())
    Tally(sum(answers.values()), len(stale), doubled, 0, time.monotonic() - posted).tell(
        f"{CUSTOMERS} customers × {CHANGES} changes in {posted - began:.0f} s, {len(counts)} readings"
    )
    assert doubled == 0


def test_one_event_posted_fifty_times_at_once_has_one_effect(site: Site) -> None:
    name = f"same-{uuid.uuid4()}"
    with ThreadPoolExecutor(25) as pool:
        answers = Counter(pool.map(lambda _: site.post(name, 77), range(50)))
    wait_until(site.is_quiet, 30, "all work is done")
    assert (answers[200], answers[208]) == (1, 49)
    assert site.database.events().get(source_id__endswith=name).repeats == 49
    assert [each["id"] for each in effects(site, 77)] == [name]
    Tally(50, 0, 0, len(site.vendor.seen[name]) - 1).tell("One event posted 50 times at once")


def test_a_replay_during_a_pending_retry_is_one_run(site: Site) -> None:
    name = f"replayed-{uuid.uuid4()}"
    site.vendor.fault = vendor.error_500
    assert site.post(name, 78) == 200
    found = site.database.events().filter(source_id__endswith=name)
    wait_until(lambda: found.get().retries, 10, "it failed")
    site.vendor.fault = None
    event = found.get()
    found.update(due_at=timezone.now() + timedelta(minutes=2))  # it must not come before the replay does
    site.shell(f"from portal import ledger; ledger.replay({event.pk}, by='Ann')")
    wait_until(site.is_quiet, 30, "all work is done")
    assert (found.get().status, found.get().attempts) == ("done", 2)
    assert len(effects(site, 78)) == 1
    Tally(1, 0, 0, 0).tell("Replay during a pending retry")


def test_a_late_worker_leaves_nothing_behind(site: Site) -> None:
    """Its call hangs, its process stands still for longer than the lease, another takes over; then it wakes up."""
    name = f"late-{uuid.uuid4()}"
    site.vendor.fault = vendor.hang
    site.vendor.values["79"] = 1
    assert site.post(name, 79) == 200
    wait_until(lambda: site.vendor.seen[name], 10, "it is asked for")
    assert site.worker
    cluster = site.worker.groups()[-1]
    site.worker.send(signal.SIGSTOP)
    site.vendor.fault = None  # answered with a reset: the late worker hears of it when it wakes
    event = site.database.events().get(source_id__endswith=name)
    assert event.status == "leased"
    other = WorkerProcess(site.database, site.folder, site.environment, "other")
    took = wait_until(lambda: len(effects(site, 79)) == 1, 150 if FULL else 40, "another worker does it")
    site.worker.send(signal.SIGCONT)
    time.sleep(3)
    other.stop()
    wait_until(site.is_quiet, 30, "all work is done")
    assert len(effects(site, 79)) == 1
    assert site.database.events().get(pk=event.pk).attempts == 2
    assert cluster in site.worker.groups()
    Tally(1, 0, 0, 1, took).tell("A late worker ends after its lease was taken over")


def test_a_call_that_takes_longer_than_its_lease_is_made_once(site: Site) -> None:
    lease = float(TIMES["LEASE_SECONDS"])
    long = site.database.put(SLOW, seconds=lease * 1.4)
    took = wait_until(lambda: site.database.status(long) == "done", lease * 2 + 5, "it is done")
    assert took > lease
    assert site.database.events().get(pk=long.pk).attempts == 1
    Tally(1, 0, 0, 0).tell("A call longer than its lease")


def test_a_batch_of_a_late_worker_ends_only_what_it_still_holds(site: Site) -> None:
    """Straight at the ledger: half of the leases of a batch have moved on."""
    connections[OWN].close()
    told = site.shell(
        "from portal import ledger\n"
        "from portal.models import Event, Tenant\n"
        "import uuid\n"
        "tenant = Tenant.objects.get()\n"
        "lane = ledger.lane_id_for(tenant.pk, 'batch', max_running=50, calls_per_minute=0)\n"
        "from portal.models import Lane\n"
        "Lane.objects.filter(pk=lane).update(paused_at=None)\n"
        "rows = [Event.objects.create(tenant=tenant, lane_id=lane, kind='worker.note', subject=f'b:{n}', source='t',"
        " status='leased', lease_token=uuid.uuid4(), leased_by='late') for n in range(20)]\n"
        "Event.objects.filter(pk__in=[row.pk for row in rows[:10]]).update(lease_token=uuid.uuid4(), leased_by='new')\n"
        "ended = ledger.finish_all([(row, ledger.done('Late.')) for row in rows])\n"
        "assert ended == {row.pk for row in rows[10:]}, ended\n"
        "print(Event.objects.filter(lane_id=lane, status='leased', leased_by='new').count(),"
        " Event.objects.filter(lane_id=lane, status='done').count())\n"
        "ledger.release_leases('new')\n"
    )
    assert told.splitlines()[-1] == "10 10"
    wait_until(site.is_quiet, 30, "all work is done")
