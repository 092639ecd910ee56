"""What one scrape of /metrics takes on a full PostgreSQL, collector by collector, in a rush as well.

    DATABASE_URL=postgres://… python -m bench.metrics [--events 5000000]

Makes a database on the server that DATABASE_URL names and removes it. Prints medians in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.place import need_postgresql, place

LIMIT_MS = 100
# A twelfth of all events wait and are due, and as many dead letters as a vendor's bad day leaves; no statistics yet.
_RUSH = (
    "UPDATE portal_event SET status = 'waiting', due_at = now() - interval '1 hour' WHERE id % 12 = 0",
    "UPDATE portal_event SET status = 'failed' WHERE id % 61 = 0",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    need_postgresql("bench.metrics")
    with place(LOG_LEVEL="ERROR"):
        over = _measure(asked.events, asked.rounds)
    sys.exit(f"Above {LIMIT_MS} ms: {', '.join(over)}" if over else 0)


def _measure(events: int, rounds: int) -> list[str]:
    from django.core.management import call_command  # noqa: PLC0415 - after setup
    from django.db import connection  # noqa: PLC0415

    from bench.crowd import Size, fill  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    fill(Size(events // 5, events, events // 5, lively=False))
    calm = _table(f"{events:,} events", rounds)
    with connection.cursor() as cursor:
        for statement in _RUSH:
            cursor.execute(statement)
    rush = _table("a rush", rounds)
    connection.close()
    return [name for name, median in (("calm", calm), ("rush", rush)) if median > LIMIT_MS]


def _table(title: str, rounds: int) -> float:
    """Prints each collector and returns the median of whole scrapes, connection and exposition included."""
    from portal.aside import Aside  # noqa: PLC0415 - after setup
    from portal.metrics.page import exposition, scrape  # noqa: PLC0415
    from portal.metrics.registry import collectors, load  # noqa: PLC0415
    from portal.readiness import look  # noqa: PLC0415

    print(f"\n| {title} | ms |\n|---|---|")
    for name, dotted in collectors().items():
        print(f"| {name} | {_median(lambda dotted=dotted: list(load(dotted)()), rounds):.1f} |")

    def whole() -> Any:
        return exposition(Aside(scrape, seconds=60).ask(), Aside(look, seconds=60).ask())

    median = _median(whole, rounds)
    print(f"| the whole scrape | {median:.0f} |", flush=True)
    return median


def _median(work: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
