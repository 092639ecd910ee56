"""PASS: values that are put on one pass, a message, or another template. The arrival's number decides what is newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet

from passes.content import ContentError
from passes.design import MESSAGE
from passes.happenings import subject_of
from passes.models import PassTemplate, WalletPass
from passes.moving import reason_against
from passes.refresh import locked_passes, refresh, values_of
from passes.values import Held, NoSum, Write, written
from portal import ledger
from portal.ledger import Receipt, Result, Work
from portal.models import Event
from portal.sentences import Explained, changes, joined, say

PASS_UPDATE = "pass.update"
COUNTED = "counted"  # in an Event's payload: its additions are in the value


@dataclass(frozen=True)
class Update:
    """What one arrival wants of a pass."""

    writes: tuple[Write, ...] = ()
    message: str | None = None  # empty: the last one goes
    template_id: int | None = None  # the template that the pass moves to
    silent: bool = False  # phones show it without a line on the lock screen


class Impossible(Explained, ValueError):
    """The pass cannot be changed so."""


def order(wallet_pass: WalletPass, update: Update, *, cause: Event, number: int) -> Event:
    """Publishes an Event of its own for the pass. `number` is that of the arrival which brought the values."""
    payload = {**_payload(wallet_pass, update), "number": number}
    (published,) = ledger.publish(PASS_UPDATE, cause=cause, subject=subject_of(wallet_pass.pk), payload=payload)
    return published


def arrive(wallet_pass: WalletPass, update: Update, *, source: str, source_id: str | None, body_hash: str) -> Receipt:
    """Commits an update that came from outside as an Event, which is its own arrival."""
    return ledger.record(
        tenant_id=wallet_pass.tenant_id,
        lane_id=ledger.lane_id_for(wallet_pass.tenant_id),
        kind=PASS_UPDATE,
        subject=subject_of(wallet_pass.pk),
        payload=_payload(wallet_pass, update),
        source=source,
        source_id=source_id,
        body_hash=body_hash,
    )


def _payload(wallet_pass: WalletPass, update: Update) -> dict[str, Any]:
    return {
        "pass": wallet_pass.pk,
        "customer": wallet_pass.customer_id,
        "writes": [asdict(write) for write in update.writes],
        "message": update.message,
        "template": update.template_id,
        **({"silent": True} if update.silent else {}),
    }


def update_pass(work: Work) -> partial[Result]:
    """Handles `pass.update`."""
    return partial(_update, work.event)


def _update(event: Event) -> Result:
    payload = event.payload
    found = locked_passes(event.tenant_id, pk=payload["pass"])
    if not found:
        return ledger.ignored(say("The pass is no longer there."))
    if found[0].customer.erased_at:
        return ledger.ignored(say("The customer was erased."))
    wallet_pass, before = found[0], values_of(found[0])
    update = _uncounted(event, ordered(payload))
    try:
        if update.silent:
            _tell_the_rest(wallet_pass, event)
        apply(wallet_pass, update, number_of(event))
        wallet_pass.save(update_fields=["values", "origins", "template"])
        changed = refresh(wallet_pass, cause=event, silent=update.silent)
    except (Impossible, ContentError) as error:
        raise ledger.dead(error.sentence) from error
    return _told(wallet_pass, before, changed)


def _tell_the_rest(wallet_pass: WalletPass, event: Event) -> None:
    """What else changed, and whose own renewal still waits, is not silenced along."""
    with suppress(ContentError):
        refresh(wallet_pass, cause=event)


def ordered(payload: Mapping[str, Any]) -> Update:
    """What `order` published, or `arrive` committed."""
    writes = tuple(Write(**write) for write in payload["writes"])
    return Update(writes, payload["message"], payload["template"], payload.get("silent", False))


def number_of(event: Event) -> int:
    """The number of the arrival that brought the values: another Event's, or its own."""
    return int(event.payload.get("number", event.pk))


def _uncounted(event: Event, update: Update) -> Update:
    """The update without additions that have counted, and the Event marked: a replay of it adds nothing.

    A replay of the arrival makes another Event for the pass, so the arrival's others are asked too. The mark commits
    with the addition, and one Event of a pass runs at a time.
    """
    if not any(write.add for write in update.writes):
        return update
    of_arrival = Q(parent__isnull=False, parent=event.parent_id, kind=event.kind, subject=event.subject)
    counted = has_counted(Event.objects.filter(Q(pk=event.pk) | of_arrival))
    Event.objects.filter(pk=event.pk).update(payload={**event.payload, COUNTED: True})
    return without_additions(update) if counted else update


def has_counted(events: QuerySet[Event]) -> bool:
    """Whether the additions of one of these `pass.update` are in the value."""
    return any(payload.get(COUNTED) for payload in events.values_list("payload", flat=True))


def without_additions(update: Update) -> Update:
    return replace(update, writes=tuple(write for write in update.writes if not write.add))


def apply(wallet_pass: WalletPass, update: Update, number: int) -> None:
    """Changes the row in memory, also for a preview. Raises Impossible."""
    writes: Iterable[Write] = update.writes
    if update.message is not None:
        writes = [*writes, Write(MESSAGE, update.message or None)]
    customer = wallet_pass.customer
    held = Held(wallet_pass.values, wallet_pass.origins)
    try:
        new = written(Held(customer.values, customer.origins), held, writes, number)
    except NoSum as error:
        raise Impossible(error.sentence) from error
    wallet_pass.values, wallet_pass.origins = dict(new.values), dict(new.origins)
    if update.template_id is not None and update.template_id != wallet_pass.template_id:
        _move(wallet_pass, update.template_id)


def _move(wallet_pass: WalletPass, template_id: int) -> None:
    templates = PassTemplate.objects.for_tenant(wallet_pass.tenant_id).select_related("apple")
    template = templates.filter(pk=template_id).first()
    if template is None:
        raise Impossible(say("The template to move to is no longer there."))
    if reason := reason_against(wallet_pass, template):
        raise Impossible(reason)
    wallet_pass.template = template


def _told(wallet_pass: WalletPass, before: Mapping[str, Any], changed: bool) -> Result:
    after = values_of(wallet_pass)
    names = [name for name in after if after[name] != before.get(name)] + [name for name in before if name not in after]
    if not names and not changed:
        return ledger.ignored(say("A newer value is there already, or the same."))
    said = changes({name: (before.get(name), after.get(name)) for name in names})
    if changed:
        return ledger.done(joined([said, say("New content for %(templates)s.", templates=wallet_pass.template)]))
    return ledger.done(joined([said, say("The card shows none of it.")]))
