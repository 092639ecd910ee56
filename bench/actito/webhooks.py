"""Ten thousand webhooks for two thousand profiles, to a real web server: while no worker runs, and while one does."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import threading
import time
from collections import Counter
from typing import Any

from bench.place import place
from bench.processes import process
from bench.web import granian

POSTS, PROFILES, SENDERS = 10_000, 2_000, 8
PATH = "/api/bench/webhooks/listeners/actito/profile/Update"
NO_LIMIT = "1000000"


def run(asked: argparse.Namespace) -> bool:
    print(f"webhooks: {POSTS:,} for {PROFILES:,} profiles")
    with place(WEBHOOK_RATE=NO_LIMIT, WEBHOOK_BURST=NO_LIMIT, SANDBOX="true", LOG_LEVEL="ERROR") as here:
        site = _Site()
        with granian("portal.wsgi:application", here.folder / "web.log") as (port, _):
            return all([site.posted_first(port), site.posted_meanwhile(port)])


class _Site:
    """The tables, a tenant with its connection to a sandbox, and the sandbox, whose readings are counted."""

    def __init__(self) -> None:
        from django.core.management import call_command  # noqa: PLC0415 - after setup

        from integrations.actito.models import ActitoConnection, AttributeMapping  # noqa: PLC0415
        from integrations.actito.sandbox import ActitoSandbox  # noqa: PLC0415
        from portal.access import make_key  # noqa: PLC0415
        from portal.models import Lane, Scope, Tenant  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        self.actito = ActitoSandbox()
        self.actito.switches.throttle = False  # how fast a licence may be asked is not what is measured
        self.actito.requests = _Readings()  # type: ignore[assignment]
        people = [{"emailAddress": f"c{number}@example.com", "points": 0} for number in range(PROFILES)]
        self.actito.seed(entity="bench", table="Profiles", api_key="bench", profiles=people)
        self.actito.start()
        tenant = Tenant.objects.create(slug="bench", name="Bench")
        connection = ActitoConnection.objects.create(
            tenant=tenant, name="Actito", host=self.actito.url, licence="b", entity="bench", table="Profiles",
            api_key="bench",
        )  # fmt: skip
        AttributeMapping.objects.create(
            connection=connection, attribute="points", value_name="points", value_type="number"
        )
        Lane.objects.update(calls_per_minute=0, max_running=4)
        self.key = make_key(tenant, "Actito", [Scope.ACTITO_LISTENER], bound_to=connection.source)[1]
        self.source = connection.source

    def posted_first(self, port: int) -> bool:
        """Whatever waits for one profile is one reading."""
        seconds = self._post(port, self._changes(1))
        with process("worker"):
            begun = time.perf_counter()
            self._until_all_is_done()
        readings = self.actito.requests.count()
        print(f"  before the worker runs: posted in {seconds:.1f} s, {readings:,} readings in "
              f"{time.perf_counter() - begun:.1f} s (wanted: {PROFILES:,})")  # fmt: skip
        return readings == PROFILES and self._all_have_the_last(1)

    def posted_meanwhile(self, port: int) -> bool:
        """Each change is at Actito before its webhook is posted, as it is in life."""
        before = self.actito.requests.count()
        with process("worker"):
            seconds = self._post(port, self._changes(2))
            self._until_all_is_done()
        readings = self.actito.requests.count() - before
        last = self._all_have_the_last(2)
        print(f"  while it runs: posted in {seconds:.1f} s, {readings:,} readings; the last state is "
              f"{'everybody’s' if last else 'NOT everybody’s'}")  # fmt: skip
        return last

    def _changes(self, turn: int) -> list[tuple[int, int]]:
        """Profile and points, in the order in which they are posted: every profile at least once."""
        profiles = [*range(1, PROFILES + 1), *random.Random(turn).choices(range(1, PROFILES + 1), k=POSTS - PROFILES)]
        random.Random(turn).shuffle(profiles)
        count: Counter[int] = Counter()
        changes = []
        for profile in profiles:
            count[profile] += 1
            changes.append((profile, turn * 1000 + count[profile]))
        self.last = dict(changes)
        return changes

    def _post(self, port: int, changes: list[tuple[int, int]]) -> float:
        begun = time.perf_counter()
        # Of one profile's changes one sender is in charge, so that their order is that of the posts.
        parts = [[each for each in changes if each[0] % SENDERS == number] for number in range(SENDERS)]
        threads = [threading.Thread(target=self._send, args=(port, part)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begun

    def _send(self, port: int, changes: list[tuple[int, int]]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"X-API-KEY": self.key, "Content-Type": "application/json"}
        for profile, points in changes:
            self.actito.set_attribute("bench", "Profiles", profile, "points", points)
            body = {"eventType": "UPDATE", "operation": "UPDATE", "data": {"profileId": profile}}
            line.request("POST", PATH, json.dumps(body), headers)
            answer = line.getresponse()
            answer.read()
            if answer.status not in {200, 208}:
                raise RuntimeError(f"not taken: {answer.status}")

    def _until_all_is_done(self) -> None:
        from portal.models import Event  # noqa: PLC0415

        while Event.objects.filter(kind="actito.profile", status__in=Event.PENDING).exists():
            time.sleep(0.2)

    def _all_have_the_last(self, turn: int) -> bool:
        from portal.models import Identity  # noqa: PLC0415

        known = Identity.objects.filter(namespace=self.source).select_related("customer")
        found = {int(each.value): each.customer.values.get("points") for each in known}
        return found == self.last


class _Readings:
    """Takes the sandbox's log and keeps only how often a profile was read."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0

    def append(self, request: dict[str, Any]) -> None:
        if request["method"] == "GET" and re.search(r"/profile/[^/]+$", request["path"]):
            with self._lock:
                self._count += 1

    def count(self) -> int:
        return self._count

    def clear(self) -> None:
        pass
