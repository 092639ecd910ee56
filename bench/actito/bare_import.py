"""The same file into the same tables, as one would write it by hand for this file alone, in one transaction.

It leaves behind what an import does: each customer with values and where they come from, both names, and the Event of
each who is new or changed, in the product's own tables with all their columns, indexes and foreign keys; and it writes
only who differs. PostgreSQL: COPY into a temporary table, then one merge per table. SQLite: executemany of an upsert
per table, with keys given out beforehand.

Of a changed customer it does not tell values apart: all are taken as coming from this file, and the Event names them
all, without before and after.

It leaves out: the look that comes before (dry run, counts, first differences), separators and encodings that are found
out, mapping by rules and the errors of single values, lines that are about somebody again, values, names and marks of
a later reading that stay, going on after a kill, progress, and Django.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

KIND = "customer.changed/passes"
NAMES = ["birthdate", "firstname", "loyaltypoints", "tier"]  # of the values


@dataclass(frozen=True)
class Place:
    """Whose customers they are, and what the Events follow from."""

    tenant: int
    lane: int
    source: str  # "actito:3"
    parent: int
    chain: UUID
    number: int


def bring_in(place: Place, file: bytes) -> None:
    from django.db import connection, transaction  # noqa: PLC0415 - after setup

    with transaction.atomic(), connection.cursor() as cursor:
        (_copied if connection.vendor == "postgresql" else _upserted)(cursor.cursor, place, file)


def _read(file: bytes) -> Iterator[tuple[str, str, str, str]]:
    """Profile id, address, language, and the values as JSON."""
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(file), "utf-8", newline=""), delimiter=";")
    next(lines)
    for profile, mailbox, first, points, tier, born, language in lines:
        day, month, year = born.split("/")
        values = {
            "firstname": first,
            "loyaltypoints": int(points),
            "tier": tier,
            "birthdate": f"{year}-{month:0>2}-{day:0>2}",
        }
        yield profile, mailbox, language, json.dumps(values)


def _origins(place: Place, now: datetime) -> str:
    """The same for all of them."""
    each = {"source": place.source, "number": place.number, "changed": place.number, "at": now.isoformat()}
    return json.dumps(dict.fromkeys(NAMES, each))


_MERGE = (
    """
    CREATE TEMP TABLE bench_lines (profile varchar, mailbox varchar, language varchar, known jsonb) ON COMMIT DROP
    """,
    "COPY bench_lines FROM STDIN",
    """
    CREATE TEMP TABLE bench_new ON COMMIT DROP AS
    SELECT n.*, i.id IS NULL AS made, COALESCE(c.id, nextval(pg_get_serial_sequence('portal_customer', 'id'))) AS id
    FROM bench_lines n
    LEFT JOIN portal_identity i ON i.tenant_id = %(tenant)s AND i.namespace = %(source)s AND i.value = n.profile
    LEFT JOIN portal_customer c ON c.id = i.customer_id
    WHERE (c.key, c.language, c.values) IS DISTINCT FROM (n.mailbox, n.language, n.known)
    """,
    """
    INSERT INTO portal_customer
        (id, tenant_id, key, language, values, origins, created_at, changed_at, synced_at)
    SELECT id, %(tenant)s, mailbox, language, known, %(origins)s, %(now)s, %(now)s, %(now)s FROM bench_new
    ON CONFLICT (id) DO UPDATE SET key = excluded.key, language = excluded.language, values = excluded.values,
        origins = excluded.origins, changed_at = excluded.changed_at, synced_at = excluded.synced_at
    """,
    """
    INSERT INTO portal_identity (tenant_id, customer_id, namespace, value, number)
    SELECT %(tenant)s, id, space, name, %(number)s
    FROM bench_new, LATERAL (VALUES (%(source)s, profile), (%(source)s || ':key', mailbox)) AS names (space, name)
    ON CONFLICT (tenant_id, namespace, value) DO UPDATE SET number = excluded.number, customer_id = excluded.customer_id
    """,
    """
    INSERT INTO portal_event
        (tenant_id, lane_id, kind, subject, coalesces, payload, source, body_hash, repeats, status, attempts, retries,
         due_at, leased_by, correlation_id, parent_id, outcome, created_at)
    SELECT %(tenant)s, %(lane)s, %(kind)s, %(kind)s || ':customer:' || id, true,
        jsonb_build_object('customer', id, 'names', %(names)s::jsonb), 'portal', '', 0, 'waiting', 0, 0,
        %(now)s, '', %(chain)s, %(parent)s, '', %(now)s
    FROM bench_new
    """,
)


def _copied(cursor: Any, place: Place, file: bytes) -> None:
    now = datetime.now(UTC)
    told = {**vars(place), "origins": _origins(place, now), "now": now, "kind": KIND, "names": json.dumps(NAMES)}
    make, copy, *merges = _MERGE
    cursor.execute(make)
    with cursor.copy(copy) as lines:
        for line in _read(file):
            lines.write_row(line)
    for merge in merges:
        cursor.execute(merge, told)


_CUSTOMERS = """
INSERT INTO portal_customer (id, tenant_id, key, language, "values", origins, created_at, changed_at, synced_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET key = excluded.key, language = excluded.language, "values" = excluded."values",
    origins = excluded.origins, changed_at = excluded.changed_at, synced_at = excluded.synced_at
"""
_IDENTITIES = """
INSERT INTO portal_identity (tenant_id, customer_id, namespace, value, number) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant_id, namespace, value) DO UPDATE SET number = excluded.number, customer_id = excluded.customer_id
"""
_EVENTS = """
INSERT INTO portal_event
    (tenant_id, lane_id, kind, subject, coalesces, payload, source, body_hash, repeats, status, attempts, retries,
     due_at, leased_by, correlation_id, parent_id, outcome, created_at)
VALUES (?, ?, ?, ?, 1, ?, 'portal', '', 0, 'waiting', 0, 0, ?, '', ?, ?, '', ?)
"""
_KNOWN = """
SELECT i.value, c.id, c.key, c.language, c."values"
FROM portal_identity i JOIN portal_customer c ON c.id = i.customer_id WHERE i.tenant_id = ? AND i.namespace = ?
"""


def _upserted(cursor: Any, place: Place, file: bytes) -> None:
    """By the cursor of sqlite3 itself."""
    known = {row[0]: row[1:] for row in cursor.execute(_KNOWN, (place.tenant, place.source))}
    (last,) = cursor.execute("SELECT COALESCE(MAX(id), 0) FROM portal_customer").fetchone()
    differing = []
    for profile, *told in _read(file):
        found = known.get(profile)
        if found is None:
            last += 1
        if found is None or found[1:] != tuple(told):
            differing.append((found[0] if found else last, profile, *told))
    moment = datetime.now(UTC)
    now, origins = str(moment.replace(tzinfo=None)), _origins(place, moment)
    tenant, source, number, names = place.tenant, place.source, place.number, json.dumps(NAMES)
    cursor.executemany(_CUSTOMERS, (
        (key, tenant, mailbox, language, values, origins, now, now, now)
        for key, _, mailbox, language, values in differing
    ))  # fmt: skip
    cursor.executemany(_IDENTITIES, (
        name
        for key, profile, mailbox, *_ in differing
        for name in ((tenant, key, source, profile, number), (tenant, key, f"{source}:key", mailbox, number))
    ))  # fmt: skip
    cursor.executemany(_EVENTS, (
        (tenant, place.lane, KIND, f"{KIND}:customer:{key}", f'{{"customer": {key}, "names": {names}}}',
         now, place.chain.hex, place.parent, now)
        for key, *_ in differing
    ))  # fmt: skip
