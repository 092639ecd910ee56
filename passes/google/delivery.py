"""DELIVERY to Google: the class first, then one PATCH per object; and what its owner is told of it.

Vendor state is read and written inside the lease of the object's subject, so the last change wins. What is compared is
what was last sent, never Google's echo, which spells things its own way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from passes.google import installs
from passes.google.announcing import Announcement, Way, announcement, readings
from passes.google.answers import Refused
from passes.google.asking import GOOGLE_CLASS, GOOGLE_MESSAGE, GOOGLE_RETIRE, next_generation
from passes.google.client import GoogleClient
from passes.google.meter import used
from passes.google.patches import hash_of, patch, takeover
from passes.google.wanted import Wanted, wanted_for
from passes.models import GoogleClass, GoogleIssuer, GoogleNotification, GoogleObject
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import Sentence, joined, say

NOT_THERE = say("The pass is not in Google Wallet.")
LOOK_STAYS = say("The card keeps the look that the other vendor gave it: Google lets it not change its class.")
CLASS_WAIT = timedelta(milliseconds=300)
# Shorter than the wait before a retry.
JUST_ASKED = timedelta(seconds=4)
_READ_ALONG = ("issuer", "wallet_pass__template__google", "wallet_pass__template__tenant", "wallet_pass__customer")


@dataclass(frozen=True)
class Sent:
    """What Google took."""

    wanted: Wanted
    echo: dict[str, Any]
    announced: Announcement


def send_object(work: Work) -> Result | partial[Result]:
    """Handles `google.pass`: gives Google the pass as it is now, or says that nothing changed."""
    held = _held(work.event)
    if held is None:
        return ledger.ignored(NOT_THERE)
    issuer = _issuer_for(held)
    if issuer is None:
        return partial(_withdrawn, held, work.event)
    wanted = wanted_for(held, issuer)
    if first := _before_sending(held, wanted, work.event):
        return first
    announced = _announcement(held, wanted)
    client = GoogleClient(wanted.issuer, work.trail)
    try:
        echo = _send(client, held, wanted, announced)
    except Refused as refusal:
        if kept := _sent_in_its_class(client, refusal, held, wanted):
            return partial(_stored, held, kept, work.event)
        return _after_refusal(refusal, held, wanted, work.event)
    return partial(_stored, held, Sent(wanted, echo, announced), work.event)


def _before_sending(held: GoogleObject, wanted: Wanted, event: Event) -> Result | partial[Result] | None:
    """What comes before the object is sent, or in its place."""
    if (held.issuer_id, held.type) != (wanted.issuer.pk, wanted.type):
        return partial(_moved, held, wanted, event)
    if held.sent is not None and held.sent_hash == hash_of(wanted.object_):
        return ledger.ignored(say("Google has this content already."))
    if not _class_is_sent(wanted):
        return partial(_class_first, held.wallet_pass_id, wanted, event)
    return None


def _held(event: Event) -> GoogleObject | None:
    found = GoogleObject.objects.for_tenant(event.tenant_id).select_related(*_READ_ALONG)
    held: GoogleObject | None = found.filter(wallet_pass=event.payload["pass"]).first()
    return held


def _issuer_for(held: GoogleObject) -> GoogleIssuer | None:
    """Where the pass is to be; the empty card of somebody who was erased goes to where the card lies."""
    wallet_pass = held.wallet_pass
    return held.issuer if wallet_pass.customer.erased_at else wallet_pass.template.google


def _class_is_sent(wanted: Wanted) -> bool:
    if wanted.keeps_class:
        return True
    sent = GoogleClass.objects.filter(issuer=wanted.issuer, class_id=wanted.class_id)
    return sent.filter(sent_hash=hash_of(wanted.class_)).exists()


def _announcement(held: GoogleObject, wanted: Wanted) -> Announcement:
    """Nobody is told of a card that nobody has, or of one that is no longer valid."""
    if held.sent is None or not held.installed:
        return Announcement(Way.SILENT)
    return announcement(
        wanted.content, told=held.told, type_=wanted.type, before=held.sent, after=wanted.object_, used=used(held)
    )


def _send(client: GoogleClient, held: GoogleObject, wanted: Wanted, announced: Announcement) -> dict[str, Any]:
    """What Google answers. Raises ApiError."""
    kind = f"{wanted.type}Object"
    whole = takeover(wanted.object_, kind)
    if held.sent is None and not held.imported:
        return client.put_up(kind, wanted.object_, whole)
    notify = {"notifyPreference": "NOTIFY_ON_UPDATE"} if announced.way is Way.UPDATE else {}
    change = whole if held.sent is None else patch(held.sent, wanted.object_)
    try:
        return client.patch(kind, held.object_id, {**change, **notify})
    except Refused as refusal:
        if refusal.status != 404 or refusal.reason == "classNotFound":
            raise
        return client.put_up(kind, wanted.object_, whole)


def _sent_in_its_class(client: GoogleClient, refusal: Refused, held: GoogleObject, wanted: Wanted) -> Sent | None:
    """An imported card that Google lets not change its class gets its content all the same; None for another refusal.

    Another object would not be on its owner's phone. Raises ApiError: what is refused now is the content.
    """
    if refusal.status != 400 or not held.imported:
        return None
    kind = f"{wanted.type}Object"
    class_id = (client.get(kind, held.object_id) or {}).get("classId")
    if not class_id or class_id == wanted.object_["classId"]:
        return None
    kept = wanted.in_class(class_id)
    return Sent(kept, client.patch(kind, held.object_id, takeover(kept.object_, kind)), Announcement(Way.SILENT))


def _after_refusal(refusal: Refused, held: GoogleObject, wanted: Wanted, event: Event) -> partial[Result]:
    """Google lost the class, or lets an object not change its class; any other refusal is told as it is."""
    if wanted.keeps_class:
        raise refusal
    if refusal.status == 404:
        return partial(_class_lost, held.wallet_pass_id, wanted, event)
    if refusal.status == 400 and held.sent is not None and held.class_id != wanted.class_id and not held.imported:
        return partial(_moved, held, wanted, event)
    raise refusal


def _class_first(wallet_pass_id: int, wanted: Wanted, event: Event) -> Result:
    """Waits for the class that it asked for. One that Google does not take is asked for again with each retry."""
    now, said = timezone.now(), say("The class “%(name)s” is sent first.", name=wanted.class_id)
    of_class = Event.objects.filter(tenant_id=event.tenant_id, subject=_class_subject(wanted), kind=GOOGLE_CLASS)
    asked = of_class.filter(parent=event).order_by("-pk").first()
    if asked and asked.status in Event.PENDING:
        return ledger.later(said, max(now + CLASS_WAIT, asked.due_at or now))
    if asked and asked.created_at > now - JUST_ASKED:
        reason = asked.outcome
        raise ledger.retry(say("Google has no class “%(name)s”: %(reason)s", name=wanted.class_id, reason=reason))
    publish_class(wallet_pass_id, wanted, cause=event)
    return ledger.later(said, now + CLASS_WAIT)


def _class_lost(wallet_pass_id: int, wanted: Wanted, event: Event) -> Result:
    GoogleClass.objects.filter(issuer=wanted.issuer, class_id=wanted.class_id).delete()
    return _class_first(wallet_pass_id, wanted, event)


def _class_subject(wanted: Wanted) -> str:
    return f"google:{wanted.class_id}"


def publish_class(wallet_pass_id: int, wanted: Wanted, *, cause: Event) -> None:
    ledger.publish(
        GOOGLE_CLASS, cause=cause, subject=_class_subject(wanted), payload={"pass": wallet_pass_id},
        lane_id=wanted.issuer.lane_id,
    )  # fmt: skip


def _locked(held: GoogleObject) -> GoogleObject:
    """As it is now. Raises Failure where an import has given the pass another object since it was read."""
    rows = GoogleObject.objects.select_for_update(of=("self",)).select_related("issuer", "wallet_pass")
    found: GoogleObject = rows.get(pk=held.pk)
    if found.object_id != held.object_id:
        raise ledger.retry(say("The pass was given another object at Google meanwhile."))
    return found


def _moved(before: GoogleObject, wanted: Wanted, event: Event) -> Result:
    """The pass gets another object, and the one of before is shown as no longer valid."""
    held = _locked(before)
    if held.imported and held.sent is None and held.issuer_id == wanted.issuer.pk:
        held.type = wanted.type
        held.save(update_fields=["type"])
        return ledger.later(say("The card is of another kind now."), timezone.now())
    _retire(held, say("The card in Google Wallet was replaced by another one."), event)
    next_generation(held, wanted.issuer, wanted.type)
    return ledger.later(say("The pass gets another object at Google."), timezone.now())


def _withdrawn(before: GoogleObject, event: Event) -> Result:
    """The template is for Google Wallet no longer. The pass is asked for anew should it ever be again."""
    held = _locked(before)
    _retire(held, say("The card is no longer given to Google Wallet."), event)
    if held.sent is not None:
        next_generation(held, held.issuer, held.type)
    return ledger.done(say("The template is not for Google Wallet any more."))


def _retire(held: GoogleObject, said: Sentence, event: Event) -> None:
    if held.sent is not None:
        payload = {"issuer": held.issuer_id, "type": held.type, "object": held.object_id}
        ledger.publish(GOOGLE_RETIRE, cause=event, subject=held.subject, payload=payload, lane_id=held.issuer.lane_id)
    if held.installed:
        installs.removed(held, said, cause=event)


def _stored(before: GoogleObject, sent: Sent, event: Event) -> Result:
    held = _locked(before)
    new, now = held.sent is None, timezone.now()
    held.sent, held.sent_hash, held.sent_at = sent.wanted.object_, hash_of(sent.wanted.object_), now
    held.class_id, held.told = str(sent.wanted.object_["classId"]), readings(sent.wanted.content)
    held.keeps_class = sent.wanted.keeps_class
    held.save(update_fields=["sent", "sent_hash", "sent_at", "class_id", "keeps_class", "told"])
    if new and held.imported:
        installs.known(held, sent.echo)
    else:
        installs.seen(held, sent.echo, cause=event)
    if sent.announced.way in {Way.UPDATE, Way.MESSAGE}:
        GoogleNotification.objects.create(google_object=held, sort=sent.announced.way.value, at=now)
    if sent.announced.way is Way.MESSAGE:
        _publish_message(held, sent, event)
    said = say("Google has the pass.") if new else say("Google has the new content.")
    look = LOOK_STAYS if held.keeps_class else Sentence()
    return ledger.done(joined([said, look, _told_how(sent.announced.way)]))


def _told_how(way: Way) -> Sentence:
    match way:
        case Way.UPDATE | Way.MESSAGE:
            return say("Its owner is notified.")
        case Way.OVER:
            return say("Its owner is not notified: Google shows three notifications of this sort in 24 hours.")
    return Sentence()


def _publish_message(held: GoogleObject, sent: Sent, event: Event) -> None:
    payload = {
        "object": held.pk,
        "header": sent.wanted.content["organization_name"],
        "language": sent.wanted.content["language"],
        "texts": dict(sent.announced.texts),
    }
    ledger.publish(GOOGLE_MESSAGE, cause=event, subject=held.subject, payload=payload,
                   lane_id=held.issuer.lane_id)  # fmt: skip


def send_class(work: Work) -> Result | partial[Result]:
    """Handles `google.class`: gives Google the class of a pass as its template is published now."""
    held = _held(work.event)
    issuer = _issuer_for(held) if held else None
    if held is None or issuer is None:
        return ledger.ignored(NOT_THERE)
    wanted = wanted_for(held, issuer)
    if _class_is_sent(wanted):
        return ledger.ignored(say("Google has this class already."))
    kind = f"{wanted.type}Class"
    client = GoogleClient(wanted.issuer, work.trail)
    echo = client.put_up(kind, wanted.class_, takeover(wanted.class_, kind))
    if str(echo.get("reviewStatus", "")).upper() == "REJECTED":
        said = say("Google rejected the class “%(name)s”. The console says why; mend the template and publish it.",
                   name=wanted.class_id)  # fmt: skip
        raise ledger.dead(said)
    return partial(_class_stored, wanted, timezone.now())


def _class_stored(wanted: Wanted, now: datetime) -> Result:
    GoogleClass.objects.update_or_create(
        issuer=wanted.issuer, class_id=wanted.class_id,
        defaults={"type": wanted.type, "sent_hash": hash_of(wanted.class_), "sent_at": now},
    )  # fmt: skip
    return ledger.done(say("Google has the class “%(name)s”.", name=wanted.class_id))


def retire_object(work: Work) -> Result:
    """Handles `google.retire`: an object that no pass of ours stands behind any more is no longer valid."""
    payload = work.event.payload
    issuer = GoogleIssuer.objects.for_tenant(work.event.tenant_id).filter(pk=payload["issuer"]).first()
    if issuer is None:
        return ledger.ignored(say("The Google issuer is no longer there."))
    try:
        GoogleClient(issuer, work.trail).patch(f"{payload['type']}Object", payload["object"], {"state": "INACTIVE"})
    except Refused as refusal:
        if refusal.status != 404:
            raise
        return ledger.ignored(say("Google no longer knows it."))
    return ledger.done(say("Google shows the old card as no longer valid."))
