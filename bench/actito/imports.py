"""An export into customers, against the same lines into a bare table."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import resource
import time
from typing import Any

from bench.place import place
from bench.ratios import Round, told

OURS, AGAIN, RAW = "lines imported", "lines imported, nothing changed", "lines into a bare table"
HEAD = "profileId;emailAddress;firstName;loyaltyPoints;tier;birthDate;motherLanguage"
MAPPED = {"firstName": "text", "loyaltyPoints": "number", "tier": "text", "birthDate": "date"}
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
            cursor.execute(
                "CREATE TABLE bench_people (brand int, mailbox text, known text, PRIMARY KEY (brand, mailbox))"
            )
        wanted = 0.6 if connection.vendor == "postgresql" else 0.5
        print(f"  {connection.vendor}, {os.cpu_count()} cores, {asked.lines:,} lines")
        kept = told([_round(number, asked.lines) for number in range(asked.rounds)], {(OURS, RAW): wanted})
        print(f"  at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB of memory")
        return kept


def _round(number: int, lines: int) -> Round:
    file = "\n".join([HEAD, *(_line(each) for each in range(1, lines + 1))]).encode()
    actito = _connection(number)
    spent = {RAW: _seconds(_raw, number, file), OURS: _seconds(_imported, actito, file)}
    spent[AGAIN] = _seconds(_imported, actito, file)
    return {name: lines / seconds for name, seconds in spent.items()}


def _line(number: int) -> str:
    return f"{number};c{number}@example.com;Anna {number};{number % 9000};gold;12/0{1 + number % 9}/1980;fr"


def _seconds(work: Any, *arguments: Any) -> float:
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


def _imported(actito: Any, file: bytes) -> None:
    """As an upload, a worker and the person who goes on do it; what follows for passes is not run."""
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from integrations.actito.customer_import.job import begin  # noqa: PLC0415
    from integrations.actito.customer_import.upload import receive  # noqa: PLC0415

    somebody = User.objects.get_or_create(username="bench")[0]
    seen = receive(actito, io.BytesIO(file), name="export.csv", who="bench", exported_at=timezone.now())
    while seen.looked_at is None:
        _work()
        seen.refresh_from_db()
    job = begin(seen, by=somebody)
    while job and not job.finished_at:
        _work()
        job.refresh_from_db()


def _work() -> None:
    from portal import ledger  # noqa: PLC0415
    from portal.models import Event  # noqa: PLC0415

    Event.objects.filter(kind__startswith="customer.changed", status="waiting").update(status="ignored")
    Event.objects.filter(kind="portal.job", status="waiting").update(due_at="2020-01-01T00:00:00Z")
    for event in ledger.claim(64, "bench"):
        ledger.run(event)


def _raw(brand: int, file: bytes) -> None:
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
