"""Who is told what, and when: decisions without a database, a mail or a clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.models import Watcher
from portal.tenancy import Role
from portal.watch.digest import BETWEEN, SETTLING, Digest, Memory, decide, next_try, wanted_by

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BRUSSELS = ZoneInfo("Europe/Brussels")  # an hour ahead of NOON's zone
AT_ONCE, DAILY, NEVER = Watcher.Wanted.AT_ONCE, Watcher.Wanted.DAILY, Watcher.Wanted.NEVER
LONG_AGO = (NOON - HOUR).timestamp()


def ask(
    memory: Memory, marks: Mapping[str, int], wanted: Watcher.Wanted = AT_ONCE, now: datetime = NOON
) -> tuple[Mapping[str, float], Digest | None]:
    return decide(memory, marks, wanted, now, BRUSSELS)


def told_of(minutes: float, **told: int) -> Memory:
    """Somebody who was told so long ago, and of whose troubles all that is over was over long enough."""
    at = NOON - minutes * MINUTE
    return Memory(told, dict.fromkeys(told, LONG_AGO), at, at)


def test_what_is_new_is_told_once_it_has_lasted() -> None:
    seen, digest = ask(Memory(), {"paused": 0})
    assert (seen, digest) == ({"paused": NOON.timestamp()}, None)
    assert ask(Memory(seen=seen), {"paused": 0}, now=NOON + SETTLING - MINUTE) == (seen, None)
    _, digest = ask(Memory(seen=seen), {"paused": 0}, now=NOON + SETTLING)
    assert digest == Digest(("paused",), (), 0, {"paused": 0})


def test_what_heals_by_itself_is_not_told() -> None:
    seen, _ = ask(Memory(), {"silent": 0})
    assert ask(Memory(seen=seen), {}, now=NOON + MINUTE) == ({}, None)


def test_what_was_told_is_not_told_again() -> None:
    for hours in range(1, 100):
        assert ask(told_of(1, paused=0), {"paused": 0}, now=NOON + hours * HOUR) == ({}, None)


@pytest.mark.parametrize(("minutes", "told"), [(5, False), (59, False), (60, True), (600, True)])
def test_the_next_message_comes_an_hour_later_at_the_earliest(minutes: float, told: bool) -> None:
    memory = told_of(minutes, paused=0)
    memory = Memory(memory.told, {"failed": LONG_AGO}, memory.told_at, memory.alarmed_at)
    _, digest = ask(memory, {"paused": 0, "failed": 7})
    expected = Digest(("failed",), ("paused",), 0, {"paused": 0, "failed": 7})
    assert digest == (expected if told else None)


def test_a_newer_dead_letter_is_told_and_an_older_one_that_is_left_is_not() -> None:
    memory = Memory({"failed": 7}, {"failed": LONG_AGO}, NOON - 2 * HOUR, NOON - 2 * HOUR)
    assert (digest := ask(memory, {"failed": 9})[1]) is not None
    assert digest.new == ("failed",)
    assert ask(memory, {"failed": 7})[1] is None
    assert ask(memory, {"failed": 3})[1] is None


def test_all_is_well_again_is_told_at_once_when_it_has_lasted() -> None:
    seen, digest = ask(Memory({"paused": 0}, {}, NOON - MINUTE, NOON - MINUTE), {})
    assert (seen, digest) == ({"paused": NOON.timestamp()}, None)
    _, digest = ask(told_of(5, paused=0, failed=7), {})
    assert digest == Digest((), (), 2, {})
    assert digest.all_is_well


def test_while_one_of_two_has_just_gone_it_is_not_said_that_all_is_well() -> None:
    memory = Memory({"paused": 0, "failed": 7}, {"paused": LONG_AGO}, NOON - 2 * HOUR, NOON - 2 * HOUR)
    assert ask(memory, {})[1] is None


def test_what_is_over_is_told_with_what_is_left() -> None:
    _, digest = ask(told_of(90, paused=0, failed=7), {"failed": 7})
    assert digest == Digest((), ("failed",), 1, {"failed": 7})
    assert not digest.all_is_well


def test_a_trouble_that_comes_and_goes_makes_few_messages() -> None:
    """Ten minutes of trouble, ten of peace, for a day."""
    memory, alarms, wells = Memory(), 0, 0
    for minute in range(24 * 60):
        now = NOON + minute * MINUTE
        marks = {"silent": 0} if minute % 20 < 10 else {}
        seen, digest = ask(memory, marks, now=now)
        if digest is None:
            memory = Memory(memory.told, seen, memory.told_at, memory.alarmed_at)
            continue
        alarms, wells = alarms + (not digest.all_is_well), wells + digest.all_is_well
        memory = Memory(digest.told, {}, now, memory.alarmed_at if digest.all_is_well else now)
    assert alarms <= 24 * HOUR / BETWEEN
    assert wells <= alarms


@pytest.mark.parametrize(
    ("hour", "told_hours_ago", "told"),
    [
        (5, None, False),
        (6, None, False),
        (7, None, True),
        (15, None, True),
        (15, 1, False),
        (7, 1, True),
        (7, 23, True),
    ],
)
def test_the_daily_message_comes_in_the_morning_by_the_tenants_clock(
    hour: int, told_hours_ago: int | None, told: bool
) -> None:
    now = NOON.replace(hour=hour)  # 7 is 8 in Brussels
    before = None if told_hours_ago is None else now - told_hours_ago * HOUR
    memory = Memory({}, {"failed": 0.0}, before, before)
    assert (ask(memory, {"failed": 7}, DAILY, now)[1] is not None) is told


def test_who_wants_no_messages_gets_none() -> None:
    assert ask(told_of(90, paused=0), {"failed": 7}, NEVER) == ({}, None)


@pytest.mark.parametrize(
    ("role", "chosen", "wanted"),
    [
        (Role.OWNER, "", AT_ONCE),
        (Role.OPERATOR, "", AT_ONCE),
        (Role.MARKETER, "", NEVER),
        (Role.AUDITOR, "", NEVER),
        (None, "", AT_ONCE),
        (Role.OWNER, "never", NEVER),
        (Role.AUDITOR, "daily", DAILY),
    ],
)
def test_owners_and_operators_are_told_until_they_choose(
    role: Role | None, chosen: str, wanted: Watcher.Wanted
) -> None:
    assert wanted_by(role, chosen) is wanted


@pytest.mark.parametrize(("tries", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (50, 60)])
def test_a_message_that_was_refused_is_tried_again_ever_more_rarely(tries: int, minutes: int) -> None:
    assert next_try(tries, NOON) == NOON + minutes * MINUTE
