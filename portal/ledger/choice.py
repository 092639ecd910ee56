"""Which due Events a claim takes: reads only. The oldest of each subject, a fair share of the places for each lane."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from portal.ledger.limits import BURST_SECONDS, DEBT_SECONDS, FAILURES_IN_A_ROW
from portal.models import Event, Lane, SharedBudget, Tenant
from portal.prepared import prepared_cursor

LANES_PER_CLAIM = 64
# Candidates per place of a lane's share: Events of one subject stand together, and only one of them can be leased.
CANDIDATES_PER_PLACE = 8

_EVENT, _LANE, _TENANT = Event._meta.db_table, Lane._meta.db_table, Tenant._meta.db_table
_SHARED = SharedBudget._meta.db_table
# Written so that PostgreSQL follows the index `event_due` however wrong its statistics are after a sudden rush:
# subqueries with LIMIT are not turned into joins, which would read and sort everything that waits, and `<> 1` is
# taken to be nearly always true, so that no costly plan (nor its compilation) is expected.
# The plus keeps SQLite off the index of the lane's whole past; the few leased rows have an index of their own.
_BUSY = f"(SELECT COUNT(*) FROM {_EVENT} busy WHERE busy.status = 'leased' AND +busy.lane_id = lane.id)"  # noqa: S608
# Of all lanes that share the account.
_ALL_BUSY = f"""(SELECT COUNT(*) FROM {_EVENT} busy WHERE busy.status = 'leased' AND +busy.lane_id IN (
        SELECT other.id FROM {_LANE} other WHERE other.shared_id = lane.shared_id))"""  # noqa: S608
_SHARED_IS_USED_UP = f"""COALESCE((SELECT 1 FROM {_SHARED} s
        WHERE s.id = lane.shared_id AND s.budget_until > %s AND s.budget_until <= %s), 0)"""  # noqa: S608
_SUSPENDED = f"""COALESCE((
        SELECT 1 FROM {_TENANT} t WHERE t.id = lane.tenant_id AND t.suspended_at IS NOT NULL), 0)"""  # noqa: S608
# One at a time where calls keep failing.
_MOST = f"CASE WHEN lane.failures >= {FAILURES_IN_A_ROW} THEN 1 ELSE lane.max_running END"
_OPEN = f"""
    FROM {_LANE} lane WHERE lane.paused_at IS NULL AND lane.not_before <= %s AND {_SUSPENDED} <> 1
    AND (lane.calls_per_minute = 0 OR lane.budget_until <= %s OR lane.budget_until > %s)
    AND (SELECT e.due_at FROM {_EVENT} e WHERE e.lane_id = lane.id AND e.status = 'waiting'
        ORDER BY e.due_at LIMIT 1) <= %s
    AND {_BUSY} < {_MOST}
    AND (lane.shared_id IS NULL OR (
        {_ALL_BUSY} < lane.max_running AND (lane.calls_per_minute = 0 OR {_SHARED_IS_USED_UP} <> 1)))"""  # noqa: S608
_CANDIDATES = f"""
    SELECT * FROM (
        SELECT e.lane_id, e.id, e.subject FROM {_EVENT} e
        WHERE e.lane_id = %s AND e.status = 'waiting' AND e.due_at <= %s AND COALESCE((
            SELECT 1 FROM {_EVENT} running WHERE running.tenant_id = e.tenant_id
            AND running.subject = e.subject AND running.status = 'leased' LIMIT 1), 0) <> 1
        {{besides}} ORDER BY e.due_at LIMIT %s) lane_{{index}}"""  # noqa: S608


class Candidate(NamedTuple):
    lane_id: int
    event_id: int
    subject: str


def moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def holes(values: list[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _values_of_open(now: datetime) -> list[Any]:
    seconds = now.timestamp()
    over = [seconds + BURST_SECONDS, seconds + DEBT_SECONDS + 1]
    return [moment(now), *over, moment(now), *over]


def look() -> bool:
    """Whether a lane has due work and room for it. One read, no transaction: an idle worker does it all the time."""
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT 1 {_OPEN} LIMIT 1", _values_of_open(timezone.now()))
        return cursor.fetchone() is not None


def open_lanes(now: datetime, *, lock: bool = False) -> list[int]:
    """Lanes with due work and room, in random order; with `lock`, only those that no other worker claims from."""
    skip = "FOR NO KEY UPDATE OF lane SKIP LOCKED" if lock else ""
    with prepared_cursor() as cursor:
        # In random order: when there are more lanes than places, each has its turn.
        cursor.execute(
            f"SELECT lane.id, lane.shared_id {_OPEN} ORDER BY RANDOM() LIMIT {LANES_PER_CLAIM} {skip}",
            _values_of_open(now),
        )
        found = cursor.fetchall()
    free = _unheld({shared for _, shared in found if shared}) if lock else None
    return [lane for lane, shared in found if free is None or not shared or shared in free]


def _unheld(shared: set[int]) -> set[int]:
    """Those that no other worker is claiming for by another lane, locked: their limit holds over all workers."""
    if not shared:
        return set()
    rows = SharedBudget.objects.filter(pk__in=shared).select_for_update(skip_locked=True, no_key=True)
    return set(rows.values_list("pk", flat=True))


def choose(lanes: list[int], places: int, now: datetime) -> list[int]:
    """Ids of the Events to lease: at most `places`, one per subject, within each lane's limit."""
    return _Choice(lanes, places, now).made() if lanes else []


class _Choice:
    def __init__(self, lanes: list[int], places: int, now: datetime) -> None:
        self._now = now
        self._places = places
        self._share = max(1, places // len(lanes))
        self._chosen: list[int] = []
        self._tenants: dict[int, int] = {}
        self._room: dict[int, int] = {}
        self._shared: dict[int, int] = {}
        self._measure(lanes)
        self._subjects: dict[int, set[str]] = {tenant: set() for tenant in self._tenants.values()}

    def made(self) -> list[int]:
        lanes = self._open()
        while lanes and len(self._chosen) < self._places:
            candidates = self._candidates(lanes)
            before = len(self._chosen)
            self._take(candidates, {lane: self._fair_share(lane) for lane in self._room})
            self._take(candidates, dict.fromkeys(self._room, self._places))
            if len(self._chosen) == before:
                break
            # A full answer may be one busy subject standing in front of the others: ask for what is behind it.
            lanes = [lane for lane in self._open() if sum(each.lane_id == lane for each in candidates) == self._limit]
        return self._chosen

    @property
    def _limit(self) -> int:
        return self._share * CANDIDATES_PER_PLACE

    def _open(self) -> list[int]:
        return [lane for lane, room in self._room.items() if room > 0]

    def _measure(self, lanes: list[int]) -> None:
        """Each lane's tenant, and how many more Events it may run: read once the lanes are locked, so it holds."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT lane.id, lane.tenant_id, lane.shared_id, {_MOST} - {_BUSY}, "  # noqa: S608
                f"CASE WHEN lane.shared_id IS NULL THEN 0 ELSE lane.max_running - {_ALL_BUSY} END "
                f"FROM {_LANE} lane WHERE lane.id IN ({holes(lanes)})",
                lanes,
            )
            found = {lane: rest for lane, *rest in cursor.fetchall()}
        # In their random order, so that of those that share an account none is always first.
        for lane in lanes:
            if lane not in found:
                continue
            self._tenants[lane], shared, self._room[lane], left = found[lane]
            if shared:
                self._shared[lane] = shared
                self._room[lane] = min(self._room[lane], left)

    def _fair_share(self, lane: int) -> int:
        """Of the places, and of the room that the lane shares."""
        return max(1, min(self._share, self._room[lane] // len(self._of_account(lane))))

    def _of_account(self, lane: int) -> list[int]:
        """The lane, and those that share its room."""
        shared = self._shared.get(lane)
        return [each for each in self._room if self._shared.get(each) == shared] if shared else [lane]

    def _take(self, candidates: list[Candidate], most: dict[int, int]) -> None:
        """Up to so many of each lane."""
        taken = dict.fromkeys(self._room, 0)
        for lane_id, event_id, subject in candidates:
            if len(self._chosen) == self._places:
                return
            subjects = self._subjects[self._tenants[lane_id]]
            if subject in subjects or self._room[lane_id] < 1 or taken[lane_id] == most[lane_id]:
                continue
            self._chosen.append(event_id)
            subjects.add(subject)
            taken[lane_id] += 1
            for each in self._of_account(lane_id):
                self._room[each] -= 1

    def _candidates(self, lanes: list[int]) -> list[Candidate]:
        """Due Events whose subject is neither leased nor chosen, oldest first within each lane."""
        selects, values = [], []
        for index, lane in enumerate(lanes):
            subjects = sorted(self._subjects[self._tenants[lane]])
            besides = f"AND e.subject NOT IN ({holes(subjects)})" if subjects else ""
            selects.append(_CANDIDATES.format(besides=besides, index=index))
            values += [lane, moment(self._now), *subjects, self._limit]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(selects), values)
            return [Candidate(*row) for row in cursor.fetchall()]
