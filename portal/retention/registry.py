"""Which classes of data are removed, and what of an Event is contents. Registered in `AppConfig.ready()`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Window:
    """A part of a table: rows with `after` < key < `below`, the first `size` of them, looked at as of `before`."""

    after: int
    below: int
    size: int
    before: datetime  # what ended earlier is past its time
    days: int
    removing: bool


@dataclass(frozen=True)
class Step:
    """What one batch removed, or would remove."""

    upto: int  # the walk goes on behind this key
    removed: Counter[int] = field(default_factory=Counter)  # rows by tenant
    oldest: datetime | None = None


# The first key that is not past its time, and one batch: None when nothing is left of the window.
Below = Callable[[datetime], int]
Batch = Callable[[Window], Step | None]


@dataclass(frozen=True)
class Rule:
    name: str
    title: str | Promise
    setting: str
    below: str
    batch: str

    @property
    def days(self) -> int:
        """0: kept for good."""
        return int(getattr(settings, self.setting))

    def whole(self, now: datetime, *, size: int, removing: bool) -> Window:
        """All that is past its time, from the table's beginning."""
        before = now - timedelta(days=self.days)
        below: Below = import_string(self.below)
        return Window(0, below(before), size, before, self.days, removing)

    def step(self, window: Window) -> Step | None:
        batch: Batch = import_string(self.batch)
        return batch(window)


@dataclass(frozen=True)
class Contents:
    """The entries of a kind's payload that are contents, and whether an Event cannot run again without them."""

    names: tuple[str, ...]
    needed: bool


_rules: dict[str, Rule] = {}
_contents: dict[str, Contents] = {}


def removes(name: str, title: str | Promise, *, setting: str, below: str, batch: str) -> None:
    """Registers a class of data: `below` and `batch` are dotted names of a Below and a Batch."""
    _rules[name] = Rule(name, title, setting, below, batch)


def holds(kind: str, *names: str, needed: bool = False) -> None:
    """Says which entries of a kind's payload are contents. Of a kind that says nothing, the payload stays."""
    _contents[kind] = Contents(names, needed)


def rules() -> list[Rule]:
    return list(_rules.values())


def contents() -> dict[str, Contents]:
    return dict(_contents)
