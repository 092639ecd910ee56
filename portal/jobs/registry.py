"""Kinds of jobs. Higher storeys register theirs, by dotted name, in `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.module_loading import import_string

from portal.ledger.registry import Title
from portal.models import Job
from portal.tenancy import Action


@dataclass(frozen=True)
class Row:
    """One row of a job, to become an Event of its own. `key`: JSON from which the next rows are found."""

    key: Any
    kind: str
    subject: str
    payload: Mapping[str, Any]
    lane_id: int


@dataclass(frozen=True)
class Again:
    """A row that is an Event already: it is run again."""

    key: Any
    event_id: int


class Source(Protocol):
    """Where the rows of a kind of job come from. Reads only; called outside any transaction."""

    def count(self, job: Job) -> int: ...

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row | Again]:
        """The rows behind the key `after` (None: the first), in the order of their keys; none when all were given."""
        ...

    def lane_id(self, job: Job) -> int | None:
        """The lane that all rows go through, for an estimate; None when they go through several."""
        ...


@dataclass(frozen=True)
class JobKind:
    name: str
    source: str
    title: Title
    needs: Action


_kinds: dict[str, JobKind] = {}


def job_kind(name: str, source: str, *, title: Title, needs: Action) -> None:
    """Registers a kind by the dotted name of its Source. `needs`: what starting, pausing and ending one takes."""
    _kinds[name] = JobKind(name, source, title, needs)


def kind_of(job: Job) -> JobKind | None:
    """None for a kind that nobody registers any more."""
    return _kinds.get(job.kind)


def needed_for(name: str) -> Action | None:
    """The action that jobs of this kind need."""
    kind = _kinds.get(name)
    return kind.needs if kind else None


def source_of(job: Job) -> Source:
    """Raises KeyError for a kind that nobody registers any more."""
    made: Source = import_string(_kinds[job.kind].source)()
    return made
