"""The admin's pages, of a brand with a thousand rows and of one with millions, measured in turns in one process.

    DATABASE_URL=postgres://… python -m bench.admin [--customers 1000000] [--events 5000000] [--passes 1000000]

Makes two databases on the server that DATABASE_URL names and removes them. Prints medians and ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

from bench.place import need_postgresql, place

SMALL = 1_000
# First pages, filters and searches may take half as long again; the deepest page four times as long.
RATIO, DEEPEST_RATIO = 1.5, 4.0
DEEPEST = "deepest"


def main() -> None:
    asked = _arguments()
    need_postgresql("bench.admin")
    with place(databases=2, LOG_LEVEL="ERROR") as here:
        from bench.crowd import Size  # noqa: PLC0415 - after setup

        small_url, large_url = here.urls
        small = _Side(small_url, Size(SMALL, SMALL, SMALL, lively=True))
        large = _Side(large_url, Size(asked.customers, asked.events, asked.passes, lively=False))
        failed = _compare(small, large, asked.rounds, asked.only)
        small.close()
        large.close()
    sys.exit(f"Above the limit: {', '.join(failed)}" if failed else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("customers", 1_000_000), ("events", 5_000_000), ("passes", 1_000_000), ("rounds", 9)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--only", default="", help="measure pages alone whose name contains this")
    return parser.parse_args()


class _Side:
    """One database, two people who look at it, and the addresses of what they see."""

    def __init__(self, url: str, size: Any) -> None:
        from django.contrib.auth import get_user_model  # noqa: PLC0415 - after setup
        from django.core.cache import caches  # noqa: PLC0415
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connections  # noqa: PLC0415
        from django.test import Client  # noqa: PLC0415

        from bench.crowd import fill  # noqa: PLC0415
        from portal.models import Customer, Heart  # noqa: PLC0415

        settings = {**connections["default"].settings_dict, "NAME": url.rsplit("/", 1)[1], "CONN_MAX_AGE": None}
        backend = type(connections["default"])
        self._connections, self._link, self._cache = connections, backend(settings, "default"), caches["default"]
        self.use()
        call_command("migrate", verbosity=0)
        began = time.perf_counter()
        self.brand = fill(size)
        print(f"{size.customers:,} customers, {size.events:,} events, {size.passes:,} passes, and four neighbours of a "
              f"twentieth: filled in {time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip
        _count_days()
        self.key = Customer.objects.get(pk=self.brand.first_customer + size.customers // 2).key
        Heart.objects.create(cluster="bench", process="bench")
        users = get_user_model().objects
        people = {"owner": users.get(memberships__tenant=self.brand.tenant), "root": users.create_superuser("root")}
        self.clients = {name: Client(headers={"host": "localhost"}) for name in people}
        for name, user in people.items():
            self.clients[name].force_login(user)

    def use(self) -> None:
        """The whole process speaks with this database now."""
        self._connections["default"] = self._link
        self._cache.key_prefix = self._link.settings_dict["NAME"]

    def close(self) -> None:
        self.use()
        self._link.close()

    def time(self, person: str, page: str) -> float:
        self.use()
        began = time.perf_counter()
        response = self.clients[person].get(self.pages()[page])
        spent = time.perf_counter() - began
        if response.status_code != 200:
            sys.exit(f"{page} of {person}: {response.status_code}")
        return spent

    def pages(self) -> dict[str, str]:
        from bench.crowd import PROFILE, PUSH, REPLAYED  # noqa: PLC0415

        brand, middle = self.brand, self.brand.size.customers // 2
        customers, events, passes = "/admin/portal/customer/", "/admin/portal/event/", "/admin/passes/walletpass/"
        statuses = ("open", "waiting", "leased", "done", "ignored", "merged", "failed", "uncertain")
        usual, _other, seldom = brand.templates
        return {
            "Home": "/admin/",
            "customers: first page": customers,
            **{f"customers: changed, {name}": f"{customers}?changed={name}" for name in ("today", "month")},
            "customers: exact search": f"{customers}?q={self.key}",
            "customers: search, none": f"{customers}?q=nobody@example.com",
            "customers: search by beginning": f"{customers}?q=A",
            f"customers: {DEEPEST} page": f"{customers}?p=200",
            f"customers: {DEEPEST} page, changed": f"{customers}?changed=month&p=200",
            "customer": f"{customers}{brand.first_customer + middle}/change/",
            "events: first page": events,
            **{f"events: {status}": f"{events}?status={status}" for status in statuses},
            "events: usual kind": f"{events}?kind={PROFILE}",
            "events: rare kind": f"{events}?kind={REPLAYED}",
            "events: what started something": f"{events}?part=first",
            "events: usual kind, failed": f"{events}?kind={PUSH}&status=failed",
            "events: rare kind, running": f"{events}?kind={REPLAYED}&status=leased",
            "events: exact search": f"{events}?q=pass:{brand.first_pass + middle // 8}",
            "events: search, none": f"{events}?q=nothing",
            "events: search by beginning": f"{events}?q=pass:",
            f"events: {DEEPEST} page": f"{events}?p=200",
            f"events: {DEEPEST} page, done": f"{events}?status=done&p=200",
            f"events: {DEEPEST} page, usual kind": f"{events}?kind={PROFILE}&p=200",
            f"events: {DEEPEST} page, started": f"{events}?part=first&p=200",
            "event (trace)": f"{events}{brand.first_event + brand.size.events // 10 * 5}/change/",
            "passes: first page": passes,
            "passes: usual template": f"{passes}?template={usual}",
            "passes: rare template": f"{passes}?template={seldom}",
            "passes: void": f"{passes}?void=yes",
            "passes: exact search": f"{passes}?q={self.key}",
            "passes: search, none": f"{passes}?q=nobody@example.com",
            "passes: search by beginning": f"{passes}?q=A",
            f"passes: {DEEPEST} page": f"{passes}?p=200",
            "pass": f"{passes}{brand.first_pass + middle}/change/",
        }


def _count_days() -> None:
    """As the worker has done long since, when somebody looks: thirty days for the first time, and today once more."""
    from django.utils import timezone  # noqa: PLC0415 - after setup

    from portal.daily.counting import count  # noqa: PLC0415
    from portal.models import Tenant  # noqa: PLC0415

    for what in ("thirty days", "today again"):
        began = time.perf_counter()
        for tenant in Tenant.objects.all():
            count(tenant, timezone.now())
        print(f"{what} counted in {time.perf_counter() - began:.1f} s", flush=True)


def _compare(small: _Side, large: _Side, rounds: int, only: str) -> list[str]:
    failed, size = [], f"{large.brand.size.customers:,} / {large.brand.size.events:,}"
    print(f"\n| page | owner: {SMALL:,} rows, ms | {size} | ratio | superuser, ms | {size} | ratio |")
    print("|---|---|---|---|---|---|---|")
    for page in (each for each in small.pages() if only in each):
        cells = []
        for person in ("owner", "root"):
            few, many, ratio = _take_turns(small, large, person, page, rounds)
            cells += [f"{few * 1e3:.0f}", f"{many * 1e3:.0f}", f"{ratio:.2f}"]
            if ratio > (DEEPEST_RATIO if DEEPEST in page else RATIO):
                failed.append(f"{page} ({person}, {ratio:.2f})")
        print(f"| {page} | {' | '.join(cells)} |", flush=True)
    return failed


def _take_turns(small: _Side, large: _Side, person: str, page: str, rounds: int) -> tuple[float, float, float]:
    """The medians of both, and the median of each round's ratio: what else the machine does slows both of a round."""
    measured = [(small.time(person, page), large.time(person, page)) for _ in range(rounds + 1)][1:]
    few, many = (statistics.median(times) for times in zip(*measured, strict=True))
    return few, many, statistics.median(much / little for little, much in measured)


if __name__ == "__main__":
    main()
