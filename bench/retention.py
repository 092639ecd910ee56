"""How long a batch of the retention holds its rows, among millions of events of the last half year.

    DATABASE_URL=postgres://… python -m bench.retention [--events 5000000] [--batch 250] [--batches 600]

Makes a database on the server that DATABASE_URL names and removes it. A third of the events have contents to lose, half
are old enough to go. Ends with an error when one batch in twenty takes longer than the limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from itertools import islice
from typing import Any

from bench.place import need_postgresql, place

LIMIT_SECONDS = 0.2
DAYS = 180


def main() -> None:
    asked = _arguments()
    need_postgresql("bench.retention")
    with place(LOG_LEVEL="ERROR"):
        _fill(asked.events)
        slow = _measure(asked.batch, asked.batches)
    sys.exit(f"A batch took {slow * 1e3:.0f} ms" if slow > LIMIT_SECONDS else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("events", 5_000_000), ("batch", 250), ("batches", 600)):
        parser.add_argument(f"--{name}", type=int, default=number)
    return parser.parse_args()


def _fill(events: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415 - after setup
    from django.db import connection  # noqa: PLC0415

    from bench.crowd import Size, fill  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    brand = fill(Size(events // 50, events, events // 50, lively=False, days=DAYS))
    with connection.cursor() as cursor:
        # Each pass was changed last by one of the oldest renewals.
        cursor.execute(
            "UPDATE passes_walletpass SET changed_by_id = %s + 2 + 5 * ((id - %s) %% %s) WHERE tenant_id = %s",
            [brand.first_event - 1, brand.first_pass, events // 10, brand.tenant],
        )
        cursor.execute("VACUUM ANALYZE passes_walletpass")
    print(f"{events:,} events of {DAYS} days and four neighbours of a twentieth: "
          f"filled in {time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip


def _measure(size: int, batches: int) -> float:
    """Prints a line for each class; returns the slowest p95, in seconds."""
    from portal import retention  # noqa: PLC0415 - after setup

    print(f"\n| class | batches of {size} | first key found, ms | batch, median ms | p95 | longest | rows a second |")
    print("|---|---|---|---|---|---|---|")
    slowest = 0.0
    for rule in retention.rules():
        if rule.name == "refused":
            continue
        for what, removing in (("counted", False), ("removed", True)):
            slowest = max(slowest, _line(rule, f"{rule.name}, {what}", size, batches, removing=removing))
    return slowest


def _line(rule: Any, name: str, size: int, batches: int, *, removing: bool) -> float:
    from portal import retention  # noqa: PLC0415 - after setup

    began = time.perf_counter()
    steps = retention.prune(rule, size=size, pause_share=0) if removing else retention.look_at(rule, size=size)
    times, rows = [], 0
    next(steps)  # the first one also looks for where the old rows end
    found = time.perf_counter() - began
    began = time.perf_counter()
    for step in islice(steps, batches):
        times.append(time.perf_counter() - began)
        rows += step.removed.total()
        began = time.perf_counter()
    steps.close()
    times.sort()
    cells = [found, statistics.median(times), times[int(len(times) * 0.95)], times[-1]]
    told = " | ".join(f"{seconds * 1e3:.0f}" for seconds in cells)
    print(f"| {name} | {len(times)} | {told} | {rows / sum(times):,.0f} |", flush=True)
    return cells[2]


if __name__ == "__main__":
    main()
