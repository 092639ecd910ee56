"""Questions for a person of the team: asked once, heard on while they are open, answered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations.pairing.models import ConsentReview, Pairing
from integrations.pairing.standing import Standing, Word
from portal import ledger
from portal.models import Customer, Event
from portal.sentences import say

CONSENTS_ASKED, CONSENTS_ANSWER = "consents.asked", "consents.answer"


def ask(pairing: Pairing, customer: Customer, name: str, standing: Standing, word: Word, cause: Event) -> None:
    """Both systems say something else: whose word counts?"""
    _ask(pairing, customer, ConsentReview.Reason.CONFLICT, name, _both(name, standing, word), cause)


def ask_flips(pairing: Pairing, customer: Customer, name: str, standing: Standing, word: Word, cause: Event) -> None:
    """The person changes to and fro: what is right? Until it is answered, all that is heard of them waits."""
    _ask(pairing, customer, ConsentReview.Reason.FLIPS, "", _both(name, standing, word), cause)


def hear(pairing: Pairing, customer: Customer, name: str, word: Word, cause: Event) -> None:
    """One more word about a person who is paused."""
    _ask(pairing, customer, ConsentReview.Reason.FLIPS, "", [_claim(name, word.side, word.state, word.at)], cause)


def ask_deleted(pairing: Pairing, customer: Customer, cause: Event) -> None:
    _ask(pairing, customer, ConsentReview.Reason.DELETED, "", [], cause)


def _both(name: str, standing: Standing, word: Word) -> list[dict[str, Any]]:
    said = [_claim(name, word.side, word.state, word.at)]
    return said if standing.state is None else [_claim(name, standing.by, standing.state, standing.at), *said]


def _claim(name: str, side: str, state: bool, at: datetime | None) -> dict[str, Any]:
    return {"name": name, "side": side, "state": state, "at": at.isoformat() if at else None}


def _ask(
    pairing: Pairing, customer: Customer, reason: str, name: str, claims: Sequence[dict[str, Any]], cause: Event
) -> None:
    """One open question of a kind: what is heard meanwhile joins it, the last word of each side for each consent."""
    review, new = ConsentReview.objects.select_for_update().get_or_create(
        pairing=pairing, customer=customer, reason=reason, name=name, answered_at=None,
        defaults={"tenant_id": pairing.tenant_id, "event": cause, "claims": list(claims)},
    )  # fmt: skip
    if new:
        said = ledger.ignored(say("Waits for an answer: %(reason)s.", reason=review.get_reason_display()))
        ledger.news(CONSENTS_ASKED, tenant_id=pairing.tenant_id, subject=f"customer:{customer.pk}", result=said,
                    cause=cause, payload={"review": review.pk})  # fmt: skip
        return
    heard = {(each["name"], each["side"]): each for each in [*review.claims, *claims]}
    review.claims = list(heard.values())
    review.save(update_fields=["claims"])


def ask_answer(review: ConsentReview, states: Mapping[str, bool], who: str) -> None:
    """Records a person's answer; a worker carries it out. `states`: customer value -> consent."""
    ledger.record(
        tenant_id=review.tenant_id, lane_id=ledger.lane_id_for(review.tenant_id), kind=CONSENTS_ANSWER,
        subject=f"customer:{review.customer_id}",
        payload={"review": review.pk, "states": dict(states), "who": who}, source="portal",
    )  # fmt: skip


def answered(event: Event) -> ConsentReview | None:
    """The question that the Event answers, marked as answered; None where somebody was quicker."""
    asked = ConsentReview.objects.for_tenant(event.tenant_id).filter(pk=event.payload["review"], answered_at=None)
    # Whoever has news of the person locks them first, too, and then what is asked about them.
    Customer.objects.select_for_update().filter(pk__in=asked.values("customer")).first()
    review = asked.select_for_update(of=("self",)).select_related("pairing", "customer").first()
    if review is None:
        return None
    review.answered_at, review.answered_by = timezone.now(), event.payload["who"]
    review.answer = event.payload["states"]
    review.save(update_fields=["answered_at", "answered_by", "answer"])
    return review
