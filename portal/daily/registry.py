"""Which numbers of a day there are. Every storey registers its own in `AppConfig.ready()`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q

from portal.models import Event

# Events of one kind and status, and whether they came from outside.
Tally = Mapping[tuple[str, str, bool], int]


@dataclass(frozen=True)
class EventsOf:
    """Events that count for a flow."""

    kind: str
    statuses: Collection[str]
    from_outside: bool


@dataclass(frozen=True)
class RowsOf:
    """Rows that count for a flow. An index begins with the tenant and each of `branches`, and ends with the key."""

    model: type[Model]
    at: str  # the field that says when
    branches: tuple[Q, ...] = (Q(),)

    @property
    def label(self) -> str:
        return self.model._meta.label_lower


@dataclass(frozen=True)
class Flow:
    """What happens so and so often on a day. `list_name`: of the model that lists it; `query`: its filter there."""

    name: str
    title: Any
    list_name: str
    query: str = ""
    position: int = 50

    @property
    def events(self) -> list[EventsOf]:
        return _events[self.name]

    @property
    def rows(self) -> list[RowsOf]:
        return _rows[self.name]


Stock = Callable[[int], int]  # tenant -> how many there are
_flows: dict[str, Flow] = {}
# By the flow's name: a higher storey may come before the one whose flow it counts for.
_events: defaultdict[str, list[EventsOf]] = defaultdict(list)
_rows: defaultdict[str, list[RowsOf]] = defaultdict(list)
_stocks: dict[str, Stock] = {}


def flow(name: str, title: Any, list_name: str, *, query: str = "", position: int = 50) -> None:
    _flows[name] = Flow(name, title, list_name, query, position)


def counts_events(
    name: str, *kinds: str, statuses: Iterable[str] = Event.Status.values, from_outside: bool = False
) -> None:
    """Events of these kinds count for the flow; `from_outside`: those alone that began a chain and others sent."""
    _events[name] += [EventsOf(kind, frozenset(statuses), from_outside) for kind in kinds]


def counts_rows(name: str, model: type[Model], at: str, branches: Iterable[Q] = (Q(),)) -> None:
    """Rows of the model count for the flow, by the moment in their field `at`, in whose order their keys grow."""
    _rows[name].append(RowsOf(model, at, tuple(branches)))


def stock(name: str, how_many: Stock) -> None:
    """What there is so and so much of. Asked once an hour at most, aside from any page."""
    _stocks[name] = how_many


def flows() -> list[Flow]:
    return sorted(_flows.values(), key=lambda each: each.position)


def stocks() -> dict[str, Stock]:
    return dict(_stocks)


def numbers_of(tally: Tally) -> Counter[str]:
    """What the Events say of each flow."""
    found: Counter[str] = Counter()
    for each in flows():
        for part in each.events:
            found[each.name] += sum(
                number for (kind, status, outside), number in tally.items()
                if kind == part.kind and status in part.statuses and (outside or not part.from_outside)
            )  # fmt: skip
    return found
