"""An export into customers, against the same lines brought into the same tables by hand (bench.actito.bare_import).

Three files, one after the other: one of people who are all new, the same again, and one in which everybody's points
are others. Beside it stands what a table of three columns takes, which holds nothing of what customers are found by.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import cache
from typing import Any

from bench.actito import bare_import
from bench.place import place
from bench.ratios import Round, told

NEW, AGAIN, CHANGED = "all new", "nothing changed", "all changed"
OURS, RAW, NARROW = "imported", "by hand into the same tables", "into a table of three columns"
HEAD = "profileId;emailAddress;firstName;loyaltyPoints;tier;birthDate;motherLanguage"
MAPPED = {"firstName": "text", "loyaltyPoints": "number", "tier": "text", "birthDate": "date"}
WANTED = {"postgresql": 0.6, "sqlite": 0.5}
TIERS = "bronze", "silver", "gold"
FIRST_BORN, DAYS = date(1935, 1, 1), 27_000
TABLE = "CREATE TABLE bench_people (brand int, mailbox text, known text, PRIMARY KEY (brand, mailbox))"
MERGE = """
INSERT INTO bench_people SELECT * FROM bench_new
ON CONFLICT (brand, mailbox) DO UPDATE SET known = excluded.known
"""
UPSERT = """
INSERT INTO bench_people VALUES (%s, %s, %s) ON CONFLICT (brand, mailbox) DO UPDATE SET known = excluded.known
"""


def run(asked: argparse.Namespace) -> bool:
    print("imports: from the file to the customers")
    with place(LOG_LEVEL="ERROR"):
        from django.core.management import call_command  # noqa: PLC0415 - after setup
        from django.db import connection  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
        print(f"  {connection.vendor}, {os.cpu_count()} cores, {asked.lines:,} lines a file")
        promised = {(f"{OURS}, {NEW}", f"{RAW}, {NEW}"): WANTED[connection.vendor]}
        beside = [(f"{OURS}, {how}", f"{RAW}, {how}") for how in (AGAIN, CHANGED)]
        beside.append((f"{OURS}, {NEW}", f"{NARROW}, {NEW}"))
        kept = told([_round(number, asked.lines) for number in range(asked.rounds)], promised, beside)
        print(f"  at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB of memory")
        return kept


def _round(number: int, lines: int) -> Round:
    first, other = _file(lines, 0), _file(lines, 1)
    by_hand, actito = _place(_connection(2 * number)), _connection(2 * number + 1)
    spent = {f"{NARROW}, {NEW}": _seconds(_narrow, number, first)}
    for how, file in ((NEW, first), (AGAIN, first), (CHANGED, other)):
        spent[f"{RAW}, {how}"] = _seconds(bare_import.bring_in, by_hand, file)
        spent[f"{OURS}, {how}"] = _imported(actito, file)
    return {name: lines / seconds for name, seconds in spent.items()}


def _file(lines: int, more: int) -> bytes:
    return "\n".join([HEAD, *(_line(each, more) for each in range(1, lines + 1))]).encode()


def _line(number: int, more: int) -> str:
    born = FIRST_BORN + timedelta(number * 7919 % DAYS)
    points, tier = number % 9000 + more, TIERS[number % 3]
    return f"{number};c{number}@example.com;Anna {number};{points};{tier};{born:%d/%m/%Y};fr"


def _seconds(work: Callable[..., Any], *arguments: Any) -> float:
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


def _connection(number: int) -> Any:
    from integrations.actito.models import ActitoConnection, AttributeMapping  # noqa: PLC0415
    from portal.models import Tenant  # noqa: PLC0415

    tenant = Tenant.objects.create(slug=f"bench{number}", name="Bench")
    made = ActitoConnection.objects.create(
        tenant=tenant, name="Actito", host="http://127.0.0.1:9", licence="b", entity="b", table="P", api_key="k"
    )
    for name, kind in MAPPED.items():
        AttributeMapping.objects.create(connection=made, attribute=name, value_name=name.lower(), value_type=kind)
    return made


def _place(actito: Any) -> bare_import.Place:
    from portal.ledger import lane_id_for  # noqa: PLC0415
    from portal.ledger.record import new_chain  # noqa: PLC0415
    from portal.models import Event  # noqa: PLC0415

    tenant, lane, chain = actito.tenant_id, lane_id_for(actito.tenant_id), new_chain()
    parent = Event.objects.create(
        tenant_id=tenant, lane_id=lane, kind="actito.customers", subject="by hand", status="done", correlation_id=chain
    )
    return bare_import.Place(tenant, lane, actito.source, parent.pk, chain, parent.pk)


def _imported(actito: Any, file: bytes) -> float:
    """The seconds that an upload, a worker and the person who goes on take.

    What follows for passes is not run, and the pauses of a worker between two looks at a job are left out.
    """
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from integrations.actito.customer_import.job import begin  # noqa: PLC0415
    from integrations.actito.customer_import.upload import receive  # noqa: PLC0415

    somebody = User.objects.get_or_create(username="bench")[0]
    begun = time.perf_counter()
    seen = receive(actito, io.BytesIO(file), name="export.csv", who="bench", exported_at=timezone.now())
    spent = time.perf_counter() - begun
    while seen.looked_at is None:
        spent += _worked()
        seen.refresh_from_db()
    begun = time.perf_counter()
    job = begin(seen, by=somebody)
    spent += time.perf_counter() - begun
    while job and not job.finished_at:
        spent += _worked()
        job.refresh_from_db()
    return spent


def _worked() -> float:
    """The seconds of a worker that looks for work once and does it, on as many threads as it has."""
    from portal import ledger  # noqa: PLC0415
    from portal.models import Event  # noqa: PLC0415

    Event.objects.filter(kind__startswith="customer.changed", status="waiting").update(status="ignored")
    Event.objects.filter(kind="portal.job", status="waiting").update(due_at="2020-01-01T00:00:00Z")
    return _seconds(lambda: list(_pool().map(_run, ledger.claim(64, "bench"))))


@cache
def _pool() -> ThreadPoolExecutor:
    from django.conf import settings  # noqa: PLC0415

    return ThreadPoolExecutor(settings.WORKER_THREADS)


def _run(event: Any) -> str:
    from portal import ledger  # noqa: PLC0415

    return ledger.run(event)


def _narrow(brand: int, file: bytes) -> None:
    from django.db import connection, transaction  # noqa: PLC0415

    rows = [
        (brand, mailbox, json.dumps({"firstname": first, "loyaltypoints": int(points), "tier": tier, "born": born}))
        for _, mailbox, first, points, tier, born, _ in _cells(file)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(UPSERT, rows)
            return
        cursor.execute("CREATE TEMP TABLE bench_new (LIKE bench_people) ON COMMIT DROP")
        with cursor.copy("COPY bench_new FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(MERGE)


def _cells(file: bytes) -> Any:
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(file), "utf-8", newline=""), delimiter=";")
    next(lines)
    return lines
