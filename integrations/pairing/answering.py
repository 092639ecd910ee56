"""ANSWERING: what a person of the team decided in a review stands, and both systems are told."""

from __future__ import annotations

from functools import partial

from django.utils import timezone

from integrations.pairing import flips, reviews
from integrations.pairing.judging import entry, held_of, publish_due
from integrations.pairing.standing import Standing
from portal import customers, ledger
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import say

PORTAL = "portal"


def answer(work: Work) -> Result | partial[Result]:
    """Handles `consents.answer`: {"review": 7, "states": {"newsletter": false}, "who": "anna"}."""
    return partial(_answer, work.event)


def _answer(event: Event) -> Result:
    review = reviews.answered(event)
    if review is None:
        return ledger.ignored(say("Somebody answered this already."))
    held = held_of(review.pairing, review.customer)
    if held is None:
        return ledger.ignored(say("The customer is no longer there."))
    now, entries = timezone.now(), []
    flips.forgive(held, review)
    for name, state in event.payload["states"].items():
        standing = held.standing(name)
        held.keep(name, Standing(state, now, PORTAL, standing.sides))
        entries.append(entry("given" if state else "withdrawn", name, review.pairing, standing.state, state, now,
                              PORTAL, {"who": event.payload["who"]}))  # fmt: skip
    held.save()
    customers.apply_consents(review.customer, entries, cause=event)
    publish_due(review.pairing, held, review.customer, event)
    return ledger.done(say("Answered by %(who)s.", who=event.payload["who"]))
