"""The tour's second part: a consent of Didomi's becomes a subscription in Actito, and its end there comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from integrations.demo.outside import ActitoHand, DidomiHand
from integrations.demo.people import NEWSLETTER, PURPOSE
from integrations.demo.tour import Stop, StopFailed, until
from integrations.pairing.models import PairedPerson, Pairing, value_name_of
from integrations.pairing.registry import profile_side_of
from integrations.pairing.standing import Standing
from portal.models import Attempt, Event

PEOPLE_MOST = 1000
ACTITO_CONSENTS, DIDOMI_CONSENTS = "actito.consents", "didomi.consents"
_CALLS = {ACTITO_CONSENTS: ("PUT", "/profile/"), DIDOMI_CONSENTS: ("POST", "/consents/events")}


@dataclass(frozen=True)
class Reader:
    """Somebody on the tour of consents. `profile`: their id in Actito."""

    customer: int
    email: str
    profile: int
    subscribed: bool


def reader_of(pairing: Pairing, actito: ActitoHand) -> Reader:
    """Of whom both systems and the portal say the same, somebody unsubscribed, who changed least lately.

    Whoever changes to and fro in every start would be paused for that.

    Raises StopFailed when there is nobody.
    """
    there = actito.subscribed()
    held = {each.customer_id: each for each in PairedPerson.objects.filter(pairing=pairing)}
    people = profile_side_of(pairing.profiles).people(pairing.profiles, 0, PEOPLE_MOST)
    numbers = {each.customer: int(each.subject.rpartition(":")[2]) for each in people}
    able = [
        Reader(each.customer, each.key, numbers[each.customer], there[numbers[each.customer]]) for each in people
        if numbers[each.customer] in there and not _is_held(held.get(each.customer))
    ]  # fmt: skip
    if not able:
        raise StopFailed("DIDOMI: everybody in Actito waits for an answer under the consents to review.")
    line = pairing.mappings.get(target=NEWSLETTER)

    def rank(reader: Reader) -> tuple[bool, bool, int]:
        known = held.get(reader.customer) or PairedPerson()
        return not _agree(known.standing(value_name_of(line)), reader), reader.subscribed, len(known.flips)

    return min(able, key=rank)


def _agree(standing: Standing, reader: Reader) -> bool:
    return {standing.state, *(seen.state for seen in standing.sides.values())} <= {None, reader.subscribed}


def _is_held(held: PairedPerson | None) -> bool:
    return held is not None and (
        held.paused_at is not None or any(each.get("held") for each in held.standings.values())
    )


def stands(pairing: Pairing, reader: Reader) -> bool:
    """Whether the portal holds it that the reader wants the newsletter."""
    held = PairedPerson.objects.filter(pairing=pairing, customer=reader.customer).first()
    line = pairing.mappings.get(target=NEWSLETTER)
    return held is not None and held.standing(value_name_of(line)).state is True


def given(pairing: Pairing, reader: Reader, didomi: DidomiHand, actito: ActitoHand) -> list[Stop]:
    """The reader says yes in Didomi. Raises StopFailed."""
    newest = _newest()
    said_at = didomi.say(reader.email, PURPOSE, yes=True)
    written = until("SUBSCRIBED", lambda: _written(ACTITO_CONSENTS, reader, newest), lambda: _so_far(pairing, newest))
    if not actito.subscribed()[reader.profile]:
        raise StopFailed(f"SUBSCRIBED: Actito took the portal's call, but {reader.email} is not subscribed there.")
    return [
        Stop("DIDOMI", said_at, f"{reader.email} says yes to the newsletter in the preference centre"),
        Stop("SUBSCRIBED", _done_at(written), written.outcome),
    ]


def ended(pairing: Pairing, reader: Reader, didomi: DidomiHand, actito: ActitoHand) -> list[Stop]:
    """The reader unsubscribes in Actito. Raises StopFailed."""
    newest = _newest()
    ended_at = actito.unsubscribe(reader.profile)
    written = until("WITHDRAWN", lambda: _written(DIDOMI_CONSENTS, reader, newest), lambda: _so_far(pairing, newest))
    event = didomi.last_event(reader.email)
    if not (event.get("delegate") and {"id": PURPOSE, "enabled": False}.items() <= _purpose(event).items()):
        raise StopFailed(f"WITHDRAWN: Didomi's last event of {reader.email} is another one: {event}.")
    return [
        Stop("ACTITO", ended_at, f"{reader.email} unsubscribes by a link in a mail"),
        Stop("WITHDRAWN", _done_at(written), f"{written.outcome} Event {event['id'][:8]}…"),
    ]


def _purpose(event: dict[str, object]) -> dict[str, object]:
    consents = event.get("consents")
    found = consents.get("purposes") if isinstance(consents, dict) else None
    return found[0] if found else {}


def _newest() -> int:
    return Event.objects.order_by("-pk").values_list("pk", flat=True)[0]


def _written(kind: str, reader: Reader, newest: int) -> Event | None:
    """The event that wrote to a system about the reader, once it has."""
    done = Event.objects.filter(kind=kind, pk__gt=newest, payload__customer=reader.customer, status=Event.Status.DONE)
    return next((event for event in done.order_by("pk") if _calls(event).exists()), None)


def _calls(event: Event) -> QuerySet[Attempt]:
    method, path = _CALLS[event.kind]
    return Attempt.objects.filter(event=event, method=method, url__contains=path, status__range=(200, 299))


def _done_at(event: Event) -> datetime:
    call = _calls(event).latest("pk")
    return call.started_at + timedelta(milliseconds=call.milliseconds or 0)


def _so_far(pairing: Pairing, newest: int) -> str:
    events = Event.objects.for_tenant(pairing.tenant_id).filter(pk__gt=newest).order_by("pk")
    return "So far: " + "; ".join(
        f"{event.kind} is {event.status} ({event.outcome or 'no outcome yet'})" for event in events[:20]
    )
