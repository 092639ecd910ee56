"""IN and LEDGER: writing Events."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone

from portal import bulk
from portal.ledger.registry import Result, registry
from portal.ledger.text import encode, fitting_subject, storable_payload
from portal.models import Event, Lane
from portal.prepared import prepared_cursor
from portal.text import storable

LOCAL_LANE, OURS = "local", "portal"
LOCAL_MAX_RUNNING = 256
# A claim merges all that waits of a subject, so what still waits is among its newest Events.
EARLIER_SEARCHED = 20


def new_chain() -> uuid.UUID:
    """The id of a chain, growing with time (RFC 9562, version 7): random ones would dirty a page of their own each."""
    milliseconds, chance = time.time_ns() // 1_000_000, uuid.uuid4().int
    number = milliseconds << 80 | 7 << 76 | (chance >> 52 & 0xFFF) << 64 | 2 << 62 | chance & (1 << 62) - 1
    return uuid.UUID(int=number)


@dataclass(frozen=True)
class Receipt:
    """What became of an arrival."""

    event_id: int
    repeats: int  # how often the same vendor's event id had come before
    same_body: bool  # whether that earlier body was the same
    earlier_waiting: bool  # whether an earlier Event of the subject waits and will cover this one

    @property
    def already_reported(self) -> bool:
        return self.repeats > 0 or self.earlier_waiting


_TABLE = Event._meta.db_table
_EARLIER = f"""EXISTS (
    SELECT 1 FROM (
        SELECT past.kind, past.coalesces, past.status FROM {_TABLE} past
        WHERE past.tenant_id = {{tenant}} AND past.subject = {{subject}} AND past.id < {_TABLE}.id
        ORDER BY past.id DESC LIMIT {EARLIER_SEARCHED}
    ) earlier WHERE earlier.kind = {{kind}} AND earlier.coalesces AND earlier.status = 'waiting'
)"""  # noqa: S608 - names only, no values
# SQLite follows the index by subject only when it is told the values.
_TOLD = {"tenant": "%s", "subject": "%s", "kind": "%s"}
_OF_THE_ROW = {"tenant": f"{_TABLE}.tenant_id", "subject": f"{_TABLE}.subject", "kind": f"{_TABLE}.kind"}


@lru_cache(maxsize=4)
def _arrival_sql(vendor: str, columns: tuple[str, ...]) -> str:
    """One INSERT that also finds a repeat and an earlier waiting Event: no second statement per arrival.

    The earlier ones are taken by subject alone. Asked for by status, PostgreSQL would read all that waits for each
    arrival of a rush, because its statistics still say that hardly anything waits.

    The ORM cannot say it: `update_conflicts` refuses a partial unique index, and sets the new row's values only.
    """
    holes = ("%s::jsonb" if vendor == "postgresql" and name == "payload" else "%s" for name in columns)
    earlier = _EARLIER.format(**(_OF_THE_ROW if vendor == "postgresql" else _TOLD))
    return f"""
        INSERT INTO {_TABLE} ({", ".join(columns)}) VALUES ({", ".join(holes)})
        ON CONFLICT (tenant_id, source, source_id) WHERE source_id IS NOT NULL
        DO UPDATE SET repeats = {_TABLE}.repeats + 1
        RETURNING id, repeats, body_hash, {earlier}"""  # noqa: S608 - names only, no values


def record(
    *,
    tenant_id: int,
    lane_id: int,
    kind: str,
    subject: str,
    payload: Mapping[str, Any],
    source: str,
    source_id: str | None = None,
    body_hash: str = "",
) -> Receipt:
    """Commits one arrival as an Event. Raises KeyError for a kind that nobody handles."""
    subject = fitting_subject(subject)
    row = _waiting(tenant_id, lane_id, kind, source, new_chain()) | {
        "subject": subject,
        "payload": encode(payload),
        "source_id": None if source_id is None else storable(source_id),
        "body_hash": body_hash,
    }
    with prepared_cursor() as cursor:
        asked: list[Any] = [] if connection.vendor == "postgresql" else [tenant_id, subject, kind]
        cursor.execute(_arrival_sql(connection.vendor, tuple(row)), [*row.values(), *asked])
        event_id, repeats, first_hash, earlier_waiting = cursor.fetchone()
    return Receipt(event_id, repeats, first_hash == body_hash, bool(earlier_waiting))


def _waiting(tenant_id: int, lane_id: int, kind: str, source: str, chain: uuid.UUID) -> dict[str, Any]:
    """The columns of a new Event that waits, as the database stores them; what it is about is still to be told."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    return {
        "tenant_id": tenant_id,
        "lane_id": lane_id,
        "kind": kind,
        "subject": "",
        "coalesces": registry.kinds[kind].coalesces,
        "payload": "{}",
        "source": source,
        "body_hash": "",
        "repeats": 0,
        "status": Event.Status.WAITING.value,
        "attempts": 0,
        "retries": 0,
        "due_at": now,
        "leased_by": "",
        "correlation_id": chain if connection.features.has_native_uuid_field else chain.hex,
        "outcome": "",
        "created_at": now,
    }


def lane_id_for(
    tenant_id: int, key: str = LOCAL_LANE, max_running: int = LOCAL_MAX_RUNNING, calls_per_minute: int = 0
) -> int:
    defaults = {"max_running": max_running, "calls_per_minute": calls_per_minute}
    lane, _ = Lane.objects.get_or_create(tenant_id=tenant_id, key=fitting_subject(key), defaults=defaults)
    return int(lane.pk)


def publish(
    news_kind: str,
    *,
    cause: Event,
    subject: str,
    payload: Mapping[str, Any],
    lane_id: int | None = None,
) -> list[Event]:
    """Writes one Event per subscriber, or one for a kind with a single handler, as consequences of `cause`.

    Call it inside the transaction of what the news tells of. The subscriber is part of the subject, so that a slow
    subscriber never holds up another.
    """
    kinds = _heard_by(news_kind, cause)
    lane_id = lane_id or (lane_id_for(cause.tenant_id) if kinds else 0)
    events = [
        Event(
            tenant_id=cause.tenant_id,
            lane_id=lane_id,
            kind=kind,
            subject=_subject(news_kind, kind, subject),
            coalesces=registry.kinds[kind].coalesces,
            payload=storable_payload(payload),
            source=OURS,
            correlation_id=cause.correlation_id,
            parent=cause,
        )
        for kind in kinds
    ]
    return Event.objects.bulk_create(events)


def publish_all(news_kind: str, pieces: Sequence[tuple[str, Mapping[str, Any]]], *, cause: Event) -> None:
    """`publish` for many pieces of news, subject and payload each, with one statement for each subscriber."""
    kinds = _heard_by(news_kind, cause) if pieces else []
    for kind in kinds:
        row = _waiting(cause.tenant_id, lane_id_for(cause.tenant_id), kind, OURS, cause.correlation_id)
        row["parent_id"] = cause.pk
        bulk.insert(Event, list(row), _about(row, [(_subject(news_kind, kind, each), told) for each, told in pieces]))


def _about(row: dict[str, Any], pieces: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[Any, ...]]:
    for row["subject"], payload in pieces:
        row["payload"] = encode(payload)
        yield tuple(row.values())


def _heard_by(news_kind: str, cause: Event) -> list[str]:
    """The kinds of the Events that the news becomes."""
    kinds = registry.subscribed(news_kind, cause.tenant_id)
    return kinds if kinds is not None else [news_kind] if news_kind in registry.kinds else []


def _subject(news_kind: str, kind: str, subject: str) -> str:
    return fitting_subject(f"{kind}:{subject}" if kind != news_kind else subject)


def news(
    kind: str,
    *,
    tenant_id: int,
    subject: str,
    result: Result,
    cause: Event | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Event:
    """Notes something that happened, so that it shows in the trace, and publishes it to those who subscribed to it."""
    now = timezone.now()
    noted = Event.objects.create(
        tenant_id=tenant_id,
        lane_id=cause.lane_id if cause else lane_id_for(tenant_id),
        kind=kind,
        subject=fitting_subject(subject),
        payload=storable_payload(payload or {}),
        source="portal",
        status=result.status,
        outcome=result.outcome,
        correlation_id=cause.correlation_id if cause else new_chain(),
        parent=cause,
        created_at=now,
        finished_at=now,
    )
    if kind in registry.subscribers:
        publish(kind, cause=noted, subject=subject, payload=noted.payload)
    return noted
