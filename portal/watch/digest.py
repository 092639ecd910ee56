"""Who is told what, and when. Pure: one message when something new is wrong and has lasted, then at most one an hour
with what changed, and one when all is well again; or one each morning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.models import Watcher
from portal.tenancy import Role
from portal.watch.trouble import NOT_MAILED, Trouble

# What heals by itself within this time is not told.
SETTLING = timedelta(minutes=3)
BETWEEN = timedelta(hours=1)
MORNING_HOUR = 8
# Of a message that was not taken: times until the next try; the last one for ever after.
RETRY = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
# Nobody saw how the sending of such an old one ended. It is not sent again, for it may have arrived.
LOST_AFTER = timedelta(minutes=10)

Wanted = Watcher.Wanted
Marks = Mapping[str, int]
_DEFAULTS = {Role.OWNER: Wanted.AT_ONCE, Role.OPERATOR: Wanted.AT_ONCE}


@dataclass(frozen=True)
class Memory:
    """What a person was told, and what changed since: when each change was first seen, in seconds since 1970."""

    told: Marks = field(default_factory=dict)
    seen: Mapping[str, float] = field(default_factory=dict)
    told_at: datetime | None = None
    alarmed_at: datetime | None = None


@dataclass(frozen=True)
class Digest:
    """One message, by the keys of troubles."""

    new: tuple[str, ...]
    still: tuple[str, ...]
    over: int  # how many are over since the last message
    told: Marks  # what the person knows then

    @property
    def all_is_well(self) -> bool:
        return not self.new and not self.still


def wanted_by(role: str | None, chosen: str) -> Wanted:
    """What a person chose, or what people of the role are told; `None` for superusers, of the installation."""
    if chosen:
        return Wanted(chosen)
    return Wanted.AT_ONCE if role is None else _DEFAULTS.get(Role(role), Wanted.NEVER)


def marks_of(troubles: Iterable[Trouble]) -> Marks:
    return {each.key: each.mark for each in troubles if each.kind not in NOT_MAILED}


def decide(
    memory: Memory, marks: Marks, wanted: Wanted, now: datetime, zone: ZoneInfo
) -> tuple[Mapping[str, float], Digest | None]:
    """What has changed since the last message, and the message that is due now, if one is."""
    if wanted is Wanted.NEVER:
        return {}, None
    worse = {key for key, mark in marks.items() if mark > memory.told.get(key, -1)}
    over = {key for key in memory.told if key not in marks}
    seen = {key: memory.seen.get(key, now.timestamp()) for key in worse | over}
    settled = {key for key, at in seen.items() if at <= (now - SETTLING).timestamp()}
    digest = _digest(memory, marks, worse & settled, over & settled)
    if not settled or _says_nothing(digest, marks) or not _is_due(memory, digest, wanted, now, zone):
        return seen, None
    return seen, digest


def _digest(memory: Memory, marks: Marks, new: set[str], over: set[str]) -> Digest:
    still = [key for key in marks if key in memory.told and key not in new]
    unsettled = {key: mark for key, mark in memory.told.items() if key not in marks and key not in over}
    # What is known and not told anew keeps the lower of its marks: it may become worse once more.
    known = {key: min(memory.told[key], marks[key]) for key in still}
    told = {**unsettled, **known, **{key: marks[key] for key in new}}
    return Digest(tuple(key for key in marks if key in new), (*still, *unsettled), len(over), told)


def _says_nothing(digest: Digest, marks: Marks) -> bool:
    """Nothing is wrong any more, but not for long enough to say so."""
    return not digest.new and not digest.all_is_well and not any(key in marks for key in digest.still)


def _is_due(memory: Memory, digest: Digest, wanted: Wanted, now: datetime, zone: ZoneInfo) -> bool:
    if wanted is Wanted.DAILY:
        morning = now.astimezone(zone).replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
        return now >= morning and (memory.told_at is None or memory.told_at < morning)
    return digest.all_is_well or memory.alarmed_at is None or now >= memory.alarmed_at + BETWEEN


def next_try(tries: int, now: datetime) -> datetime:
    """When a message is tried again that was refused `tries` times."""
    return now + RETRY[min(tries, len(RETRY)) - 1]


def is_lost(sending_at: datetime, now: datetime) -> bool:
    return now - sending_at > LOST_AFTER
