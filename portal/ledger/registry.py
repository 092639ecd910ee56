"""Handlers by kind. Higher storeys register theirs, by dotted name, in `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.utils.functional import Promise
from django.utils.module_loading import import_string

from portal.models import Event
from portal.sentences import Sentence

Title = str | Promise


@dataclass(frozen=True)
class Result:
    """How an Event ended: its final status and one sentence for staff. `due_at`: it goes on then."""

    status: str
    outcome: Sentence
    due_at: datetime | None = None


def done(sentence: Sentence) -> Result:
    return Result(Event.Status.DONE, sentence)


def ignored(sentence: Sentence) -> Result:
    return Result(Event.Status.IGNORED, sentence)


def later(sentence: Sentence, due_at: datetime) -> Result:
    """The Event has done a part of its work and runs again at that time, with all its tries."""
    return Result(Event.Status.WAITING, sentence, due_at)


class Trail(Protocol):
    """Where outgoing calls leave their Attempt rows."""

    def open(self, *, target: str, method: str, url: str, repeatable: bool, request_excerpt: str) -> int: ...

    def close(self, call: int, *, status: int | None, milliseconds: int, error: str, response_excerpt: str) -> None: ...


@dataclass(frozen=True)
class Work:
    """What a handler is given: the leased Event, and the trail for its outgoing calls."""

    event: Event
    trail: Trail


# Runs inside finish's transaction: writes rows, publishes, and says how it ended. No network.
Effects = Callable[[], Result]
Handler = Callable[[Work], Result | Effects]


@dataclass(frozen=True)
class Kind:
    name: str
    handler: str
    title: Title
    coalesces: bool


@dataclass
class Registry:
    kinds: dict[str, Kind] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    subscribers: dict[str, list[str]] = field(default_factory=dict)
    titles: dict[str, Title] = field(default_factory=dict)

    def handler(self, kind: str) -> Handler:
        """Raises KeyError for a kind that nobody handles."""
        handler: Handler = import_string(self.kinds[kind].handler)
        return handler

    def subscribed(self, news: str, tenant_id: int) -> list[str] | None:
        """The kinds of those who want this news of the tenant; None for news that nobody subscribes to."""
        kinds = self.subscribers.get(news)
        return None if kinds is None else [kind for kind in kinds if self._wants(kind, tenant_id)]

    def _wants(self, kind: str, tenant_id: int) -> bool:
        asked = self.wanted.get(kind)
        return asked is None or bool(import_string(asked)(tenant_id))


registry = Registry()


def handles(kind: str, handler: str, *, title: Title, coalesces: bool = False) -> None:
    """Registers the one handler of a kind. `coalesces`: one run covers all waiting Events of the same subject."""
    registry.kinds[kind] = Kind(kind, handler, title, coalesces)


def subscribe(
    news: str, subscriber: str, handler: str, *, title: Title, coalesces: bool = False, wanted: str = ""
) -> None:
    """Registers one of several handlers of a piece of news; each gets an Event, and retries, of its own.

    `wanted`: the dotted name of a function that takes a tenant's key and says whether news of it are of any use. It is
    asked with each piece of news, in the publisher's transaction.
    """
    kind = f"{news}/{subscriber}"
    subscribers = registry.subscribers.setdefault(news, [])
    if kind not in subscribers:
        subscribers.append(kind)
    if wanted:
        registry.wanted[kind] = wanted
    handles(kind, handler, title=title, coalesces=coalesces)


def name_news(kind: str, title: Title) -> None:
    """Gives a kind that is only noted, never handled, its title."""
    registry.titles[kind] = title


def kind_title(kind: str) -> str:
    known = registry.kinds.get(kind)
    return str(known.title if known else registry.titles.get(kind, kind))
