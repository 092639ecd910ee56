"""What stands about one consent of one person, and what news of it comes to. Pure.

A side *knows* what stands when it was last seen, or written, with that state. A change by a side that knew what stands
is a new decision of the person, and is followed. A change by one that did not know is a conflict: the line's policy
says whose word counts. So the same news in any order come to the same end, and an echo comes to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Seen:
    """The state in which a side was last seen or written, and when that was.

    `said`: False where nobody reported it: found unsubscribed, somebody may never have been asked. `decided`: when the
    person decided so, where the side goes by such times: what it tells of before is past.
    """

    state: bool
    at: datetime
    said: bool = True
    decided: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        more = {"said": None if self.said else False, "decided": _told(self.decided)}
        return {
            "state": self.state,
            "at": _told(self.at),
            **{name: each for name, each in more.items() if each is not None},
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Seen:
        return cls(
            kept["state"], datetime.fromisoformat(kept["at"]), kept.get("said", True), _read(kept.get("decided"))
        )


@dataclass(frozen=True)
class Standing:
    """`state` None: nobody has said anything yet. `at`: when the person decided, None where nobody knows."""

    state: bool | None = None
    at: datetime | None = None
    by: str = ""  # the side that said it: "didomi:1", or "portal" for a person of the team
    sides: Mapping[str, Seen] = field(default_factory=dict)
    held: bool = False

    def knows(self, side: str) -> bool:
        seen = self.sides.get(side)
        return seen is not None and seen.state == self.state

    def with_side(self, side: str, seen: Seen) -> Standing:
        return replace(self, sides={**self.sides, side: seen})

    def is_past(self, word: Word) -> bool:
        """Whether an event says nothing of its side's state: it came before, or one of a later decision did.

        A side that was read, and said no, has no older yes.
        """
        seen = self.sides.get(word.side)
        if seen is None or not word.of_event or word.at is None:
            return False
        if seen.decided is None:
            return word.state and not seen.state and word.at < seen.at - CLOCKS_DIFFER
        return word.at < seen.decided or (word.at == seen.decided and word.state == seen.state)

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state, "at": _told(self.at), "by": self.by,
            "sides": {side: seen.as_json() for side, seen in self.sides.items()},
            **({"held": True} if self.held else {}),
        }  # fmt: skip


def standing_of(kept: Mapping[str, Any] | None) -> Standing:
    """What `as_json` made of one."""
    if not kept:
        return Standing()
    sides = {side: Seen.of_json(each) for side, each in kept["sides"].items()}
    return Standing(kept["state"], _read(kept["at"]), kept["by"], sides, kept.get("held", False))


def _told(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _read(at: str | None) -> datetime | None:
    return datetime.fromisoformat(at) if at else None


@dataclass(frozen=True)
class Word:
    """What a side says of a consent. `at`: when the person decided, None where nobody knows.

    `of_event`: it comes with an event, which may be late; else the side was read, and is in that state.
    """

    side: str
    state: bool
    at: datetime | None
    of_event: bool = False


class Verdict(StrEnum):
    FOLLOWED = "followed"  # what stands is another now
    KNOWN = "known"  # it says what stands already
    OVERRULED = "overruled"  # what stands stays, and the side is set right
    HELD = "held"  # a person decides


class Policy(StrEnum):
    NEWEST, CONSENTS, PROFILES, RESTRICTIVE, HOLD = "newest", "consents", "profiles", "restrictive", "hold"


def judge(standing: Standing, word: Word, policy: str, master: str = "") -> Verdict:
    """What the word comes to. `master`: the side that wins where the policy names one."""
    past = standing.state is not None and standing.is_past(word)
    if standing.held and not past:
        return Verdict.HELD
    if standing.state is None:
        return Verdict.FOLLOWED
    if past or word.state == standing.state:
        return Verdict.KNOWN if word.state == standing.state else Verdict.OVERRULED
    if _decided_anew(standing, word):
        return Verdict.FOLLOWED
    if word.side == standing.by or policy == Policy.NEWEST:
        wins = _is_newer(standing, word)
    elif policy == Policy.HOLD:
        return Verdict.HELD
    elif policy == Policy.RESTRICTIVE:
        wins = not word.state
    else:
        wins = word.side == master or (standing.by != master and _is_newer(standing, word))
    return Verdict.FOLLOWED if wins else Verdict.OVERRULED


def _decided_anew(standing: Standing, word: Word) -> bool:
    """The side knew what stands when it changed. A change without a time may be as old as that knowledge."""
    seen = standing.sides.get(word.side)
    if seen is None or seen.state != standing.state:
        return False
    if word.at is None:
        return standing.at is None or seen.at >= standing.at
    return word.at > seen.at and (standing.at is None or word.at > standing.at)


def _is_newer(standing: Standing, word: Word) -> bool:
    """A known time beats an unknown one; of the same time, the opt-out."""
    if word.at == standing.at:
        return not word.state
    if word.at is None or standing.at is None:
        return standing.at is None
    return word.at > standing.at


def after(standing: Standing, word: Word, verdict: Verdict, seen_at: datetime) -> Standing:
    """What stands then. `seen_at`: when the side was found in that state."""
    seen = standing.sides.get(word.side)
    decided = word.at if word.of_event else (seen.decided if seen else None)
    seen_so = Seen(word.state, seen_at, said=word.at is not None, decided=decided)
    noted = standing if standing.is_past(word) else standing.with_side(word.side, seen_so)
    if verdict is Verdict.FOLLOWED:
        return replace(noted, state=word.state, at=word.at or (seen.at if seen else None), by=word.side)
    if verdict is Verdict.KNOWN and word.at and (standing.at is None or word.at > standing.at):
        return replace(noted, at=word.at)
    return replace(noted, held=True) if verdict is Verdict.HELD else noted
