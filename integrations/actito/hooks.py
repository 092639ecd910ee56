"""Which webhooks a connection needs at Actito, and what is the matter with those that are there. Pure.

One subscription per event type; `headers` are the only authentication that Actito's webhooks have.
https://developers.actito.com/docs/integration-framework/webhooks/events/data
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from integrations.actito.subscriptions import Subscription

KEY_HEADER = "X-API-KEY"
PROFILE_EVENTS = ("CREATE", "UPDATE", "UPDATED_SUBSCRIPTION", "DELETE")
TRIGGER = "TRIGGER"
PROFILE_TABLE, CUSTOM_ACTION = "PROFILE_TABLE", "CUSTOM_ACTION"


class State(StrEnum):
    GOOD = "good"
    UNSEEN = "unseen"  # it is there, and Actito does not show its header
    MISSING = "missing"
    INACTIVE = "inactive"
    KEY = "key"  # our key in its header lets nobody in
    NO_ACTION = "no_action"  # there is no custom action to subscribe to


WORKING = {State.GOOD, State.UNSEEN}


@dataclass(frozen=True)
class Wanted:
    """A webhook that there should be. `element` is the table's or custom action's id; empty where there is none."""

    on: str
    element: str
    event_type: str
    url: str

    def body(self, key: str) -> dict[str, Any]:
        """Without `onFields`, so that it is pushed whatever changed."""
        return {
            "on": self.on,
            "onElementId": self.element,
            "eventType": self.event_type,
            "targetUrl": self.url,
            "headers": {KEY_HEADER: key},
            "webhookPushType": "ONE_BY_ONE",
            "isActive": True,
        }

    def is_met_by(self, found: Subscription) -> bool:
        return (found.on, found.element, found.event_type, _plain(found.target_url)) == (
            self.on, self.element, self.event_type, _plain(self.url)
        )  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What there is of a wanted webhook. `surplus` are more of the same, each of which would push once more."""

    wanted: Wanted
    state: State
    kept: Subscription | None = None
    surplus: tuple[Subscription, ...] = field(default=())

    @property
    def key(self) -> str:
        return self.kept.header(KEY_HEADER) if self.kept else ""


def wanted_of(addresses: dict[str, str], table: str, action: str) -> list[Wanted]:
    """`addresses`: event type -> the listener's; `table` and `action` are ids at Actito."""
    profiles = [Wanted(PROFILE_TABLE, table, each, addresses[each]) for each in PROFILE_EVENTS]
    return [*profiles, Wanted(CUSTOM_ACTION, action, TRIGGER, addresses[TRIGGER])]


def findings_of(
    wanted: Iterable[Wanted], existing: list[Subscription], lets_in: Callable[[str], bool]
) -> list[Finding]:
    """`lets_in`: whether a key is ours, valid, and speaks for the connection."""
    return [_finding(each, [one for one in existing if each.is_met_by(one)], lets_in) for each in wanted]


def _finding(wanted: Wanted, found: list[Subscription], lets_in: Callable[[str], bool]) -> Finding:
    if not wanted.element:
        return Finding(wanted, State.NO_ACTION)
    if not found:
        return Finding(wanted, State.MISSING)
    order = [State.GOOD, State.UNSEEN, State.INACTIVE, State.KEY]
    states = {one.remote_id: _state(one, lets_in) for one in found}
    first, *others = sorted(found, key=lambda one: order.index(states[one.remote_id]))
    return Finding(wanted, states[first.remote_id], first, tuple(others))


def _state(found: Subscription, lets_in: Callable[[str], bool]) -> State:
    if found.headers is not None and not lets_in(found.header(KEY_HEADER)):
        return State.KEY
    if not found.active:
        return State.INACTIVE
    return State.GOOD if found.headers is not None else State.UNSEEN


def ours(existing: Iterable[Subscription], wanted: Iterable[Wanted]) -> list[Subscription]:
    """Those that push to the connection's listeners, for its table or custom action, whatever their event type."""
    places = {(each.element, _plain(each.url)) for each in wanted}
    return [one for one in existing if (one.element, _plain(one.target_url)) in places]


def _plain(url: str) -> str:
    return url.strip().rstrip("/")
