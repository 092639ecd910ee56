"""The tour: one points change in Actito, followed through every stop of the flow to both phones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.demo.outside import ActitoHand, AndroidPhone, Phone
from integrations.demo.people import POINTS
from integrations.demo.seed import Demo
from passes.models import WalletPass
from portal.models import Attempt, Event

STOP_SECONDS = 30.0
ADDED_POINTS = 50


class StopFailed(Exception):
    """A stop of the tour that was not reached; the message says what was seen instead."""


@dataclass(frozen=True)
class Stop:
    name: str
    at: datetime
    sentence: str


@dataclass(frozen=True)
class Phones:
    """The same pass on an iPhone and, as `object_id`, on an Android phone."""

    iphone: Phone
    android: AndroidPhone
    object_id: str


@dataclass(frozen=True)
class Trace:
    """The rows that one arrival led to."""

    arrival: Event
    events: dict[str, Event]
    read: Attempt
    push: Attempt


def tour(
    demo: Demo, actito: ActitoHand, phones: Phones, wallet_pass: WalletPass, profile: int
) -> tuple[list[Stop], float]:
    """Changes the points and returns each stop with its time, and the seconds from Actito to the iPhone.

    Raises StopFailed, naming the first stop that was not reached.
    """
    serial = str(wallet_pass.serial_number)
    before, newest = actito.attribute(profile, POINTS), Event.objects.order_by("-pk").values_list("pk", flat=True)[0]
    shown_before, told_before = (
        len(phones.iphone.lock_screen(serial)),
        len(phones.android.lock_screen(phones.object_id)),
    )
    started = time.time()
    actito.set_attribute(profile, POINTS, before + ADDED_POINTS)
    subject = f"{demo.connection.source}:profile:{profile}"
    arrival = until("1 IN", lambda: Event.objects.filter(pk__gt=newest, subject=subject).order_by("pk").first())
    noted = until(
        "8 BACK", lambda: Event.objects.filter(correlation_id=arrival.correlation_id, kind="pass.fetched").first(),
        lambda: _where_it_stands(arrival),
    )  # fmt: skip
    entry = until("8 BACK", lambda: phones.iphone.lock_screen(serial)[shown_before:])[0]
    told = until(
        "ANDROID", lambda: phones.android.lock_screen(phones.object_id)[told_before:], lambda: _where_it_stands(arrival)
    )[0]
    trace = _trace(arrival, noted)
    stops = _stops(trace, actito.last_delivery(profile), (before, before + ADDED_POINTS), entry)
    # The two wallets race each other.
    in_turn = sorted([*stops, _android(told, arrival)], key=lambda stop: stop.at)
    return in_turn, float(entry["at"]) - started


def _android(told: dict[str, Any], arrival: Event) -> Stop:
    """Google notified by itself, because points are on its list."""
    at = datetime.fromtimestamp(told["at"], arrival.created_at.tzinfo)
    return Stop("ANDROID", at, f"Google notifies: “{told['text']}”")


def until(stop: str, find: Callable[[], Any], why: Callable[[], str] = lambda: "") -> Any:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if found := find():
            return found
        time.sleep(0.02)
    raise StopFailed(f"{stop} was not reached within {STOP_SECONDS:.0f} s. {why()}".strip())


def _where_it_stands(arrival: Event) -> str:
    events = Event.objects.filter(correlation_id=arrival.correlation_id).order_by("pk")
    return "So far: " + "; ".join(
        f"{event.kind} is {event.status} ({event.outcome or 'no outcome yet'})" for event in events
    )


def _trace(arrival: Event, fetched: Event) -> Trace:
    events = {event.kind: event for event in Event.objects.filter(correlation_id=arrival.correlation_id)}
    missing = {"actito.profile", "customer.changed/passes", "apple.push"} - set(events)
    if missing:
        raise StopFailed(f"The trace has no {', '.join(sorted(missing))}.")
    calls = Attempt.objects.filter(event__correlation_id=arrival.correlation_id)
    return Trace(
        events["actito.profile"],
        {**events, "pass.fetched": fetched},
        calls.filter(event__kind="actito.profile", target="Actito", status=200).latest("pk"),
        calls.filter(event__kind="apple.push", status=200).latest("pk"),
    )


def _stops(trace: Trace, delivery: dict[str, Any], points: tuple[int, int], entry: dict[str, Any]) -> list[Stop]:
    arrival, refresh, push = trace.arrival, trace.events["customer.changed/passes"], trace.events["apple.push"]
    if not arrival.claimed_at or not arrival.finished_at or not refresh.finished_at:
        raise StopFailed("3 CLAIM: the arrival was never claimed.")
    sent = datetime.fromtimestamp(delivery["sent_at"], arrival.created_at.tzinfo)
    back = datetime.fromtimestamp(entry["at"], arrival.created_at.tzinfo)
    return [
        Stop("ACTITO", sent, f"{POINTS} {points[0]} → {points[1]}: Actito posts its webhook"),
        Stop("1 IN", arrival.created_at, f"the portal answers {delivery['status']} after {delivery['ms']:.0f} ms"),
        Stop("2 LEDGER", arrival.created_at, f"event {arrival.pk} is committed"),
        Stop("3 CLAIM", arrival.claimed_at, "a worker leases it"),
        Stop(
            "4 FETCH",
            trace.read.started_at,
            f"the whole profile is read: {trace.read.status} in {trace.read.milliseconds} ms",
        ),
        Stop("5 CUSTOMER", arrival.finished_at, arrival.outcome),
        Stop("6 PASS", refresh.finished_at, refresh.outcome),
        Stop("7 DELIVERY", trace.push.started_at, f"{push.outcome or 'pushed'} ({trace.push.milliseconds} ms)"),
        Stop("8 BACK", trace.events["pass.fetched"].created_at, trace.events["pass.fetched"].outcome),
        Stop("IPHONE", back, f"on the lock screen: “{entry['text']}”"),
    ]


def printed(stops: list[Stop], zone: ZoneInfo) -> list[str]:
    """One line a stop: name, clock time, milliseconds since the stop before, and what happened."""
    lines = []
    for index, stop in enumerate(stops):
        since = (stop.at - stops[index - 1].at).total_seconds() * 1000 if index else 0.0
        lines.append(
            f"  {stop.name:<11} {stop.at.astimezone(zone):%H:%M:%S.%f}"[:-3] + f"  {since:+7.0f} ms   {stop.sentence}"
        )
    return lines
