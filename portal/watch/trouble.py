"""What is wrong, as a page or a message tells it: what, what to do, and where. Higher storeys add readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from django.utils.module_loading import import_string

from portal.tenancy import Action


class Kind(StrEnum):
    """In the order in which they are told."""

    WORKER = "worker"
    PAUSED = "paused"
    SILENT = "silent"
    REFUSED = "refused"
    CERTIFICATE = "certificate"
    STUCK = "stuck"
    BACKLOG = "backlog"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    MAIL = "mail"


ORDER = {kind: place for place, kind in enumerate(Kind)}
# Shown on Home alone: it ends by itself, or no message could tell of it.
NOT_MAILED = frozenset({Kind.BACKLOG, Kind.MAIL})


class Tone(StrEnum):
    """As the pages colour it."""

    BAD = "bad"  # something stands still
    WARN = "warn"  # a person should look
    BUSY = "busy"  # much to do, and it is being done
    QUIET = "quiet"  # to know in time


@dataclass(frozen=True)
class Remedy:
    """A button: where a person who may do `needs` puts it right."""

    label: str
    url: str
    needs: Action = Action.VIEW
    dialog: bool = False


@dataclass(frozen=True)
class Trouble:
    """Its texts are in the language that was active when it was read.

    `key` names it for as long as it lasts. `mark` grows when it has become worse, so that it is told once more.
    """

    kind: Kind
    key: str
    tenant_id: int | None  # None: of the whole installation
    since: datetime | None
    title: str
    wrong: str
    to_do: str
    url: str  # a path
    mark: int = 0
    tone: Tone = Tone.BAD
    remedy: Remedy | None = None


Reader = Callable[[Sequence[int]], Iterable[Trouble]]
_readers: list[str] = []


def watches(reader: str) -> None:
    """Registers a reader of tenants' troubles by its dotted name, in `AppConfig.ready()`."""
    if reader not in _readers:
        _readers.append(reader)


@lru_cache(maxsize=64)
def _load(reader: str) -> Reader:
    found: Reader = import_string(reader)
    return found


def troubles_of(tenants: Iterable[int]) -> list[Trouble]:
    """Those of the tenants and of the installation, worst first."""
    wanted = list(tenants)
    found = [trouble for reader in _readers for trouble in _load(reader)(wanted)]
    return sorted(found, key=lambda each: (ORDER[each.kind], each.key))
