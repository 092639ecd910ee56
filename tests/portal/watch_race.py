"""Several processes that tell people at once, started by test_watch_post.py; prints counts as JSON."""

from __future__ import annotations

import json
import multiprocessing
import sys
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from portal.models import Event, Heart, Lane, Membership, Tenant, Watcher
from portal.tenancy import Role
from portal.watch import post
from portal.watch.digest import BETWEEN, SETTLING

PROCESSES, ROUNDS, PEOPLE = 4, 3, 10
fork = multiprocessing.get_context("fork")


def look(begin: multiprocessing.synchronize.Barrier, sent: multiprocessing.sharedctypes.Synchronized[int]) -> None:
    connections.close_all()
    for _ in range(ROUNDS):
        begin.wait()
        number = post.tell_all(list(Tenant.objects.values_list("pk", flat=True)))
        with sent.get_lock():
            sent.value += number
        begin.wait()
        begin.wait()


def prepare() -> None:
    Heart.objects.create(cluster="race", process="race/1", beat_at=timezone.now() + timedelta(days=1))
    for number in range(PEOPLE):
        tenant = Tenant.objects.create(slug=f"race-{number}", name=f"Race {number}")
        user = User.objects.create(username=f"owner-{number}@example.com")
        Membership.objects.create(tenant=tenant, user=user, role=Role.OWNER)
        Lane.objects.create(tenant=tenant, key="local")


def fail_another(number: int) -> None:
    """One more dead letter in each tenant, seen long enough ago, and the last message an hour old."""
    for lane in Lane.objects.all():
        Event.objects.create(tenant_id=lane.tenant_id, lane=lane, kind="race", subject=f"s:{number}", source="race",
                             status=Event.Status.FAILED, finished_at=timezone.now())  # fmt: skip
    post.tell_all(list(Tenant.objects.values_list("pk", flat=True)))
    for watcher in Watcher.objects.all():
        earlier = {key: at - SETTLING.total_seconds() for key, at in watcher.seen.items()}
        alarmed_at = watcher.alarmed_at and watcher.alarmed_at - BETWEEN
        Watcher.objects.filter(pk=watcher.pk).update(seen=earlier, alarmed_at=alarmed_at)


def main() -> None:
    prepare()
    connections.close_all()
    begin, sent = fork.Barrier(PROCESSES + 1), fork.Value("i", 0)
    processes = [fork.Process(target=look, args=(begin, sent)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    found = []
    for number in range(ROUNDS):
        fail_another(number)
        connections.close_all()
        begin.wait()
        begin.wait()
        found.append(sent.value)
        sent.value = 0
        begin.wait()
    for process in processes:
        process.join()
    sys.stdout.write(json.dumps({"sent": found, "exits": [process.exitcode for process in processes]}))
