"""GETTING A PASS: by which ways a template's passes are made, for whom, and making one on the spot."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import transaction

from passes.models import PassTemplate
from passes.refresh import issue, suits
from portal import ledger
from portal.models import Customer
from portal.sentences import Explained, Sentence, say

Issue = PassTemplate.Issue


class Way(StrEnum):
    """How somebody asks for a pass. What the template makes by itself is no way: see passes.refresh."""

    HAND = "hand"
    API = "api"
    LINK = "link"
    RULE = "rule"


_EVERY_WAY = frozenset(Way)
OPEN_TO: dict[str, frozenset[Way]] = {
    Issue.EVERY_CUSTOMER: _EVERY_WAY,
    Issue.CONDITION: _EVERY_WAY,  # for those who match
    Issue.LINK: _EVERY_WAY,
    Issue.BY_HAND: frozenset({Way.HAND, Way.API}),
    Issue.API: frozenset({Way.API}),
    Issue.RULE: frozenset({Way.RULE}),
}


class Refused(Explained, Exception):
    """The template makes no pass this way, or none for this customer."""


def choices_open_to(way: Way) -> list[str]:
    """The templates' choices under which the way makes a pass."""
    return [choice for choice, ways in OPEN_TO.items() if way in ways]


def is_open(template: PassTemplate) -> bool:
    """Whether strangers may ask for a pass on the template's own page."""
    ready = template.open_enrolment and template.active and template.published is not None
    return ready and Way.LINK in OPEN_TO[template.issue] and settings.MAIL_SET_UP and not template.tenant.suspended_at


def refusal(template: PassTemplate, customer: Customer, way: Way) -> Sentence:
    """Why the customer gets no pass of the template this way; empty where they do."""
    if not template.active or template.published is None:
        return say("“%(template)s” is not active, or not published yet.", template=template)
    if way not in OPEN_TO[template.issue]:
        return say("The template “%(template)s” says that its passes are made in another way.", template=template)
    if not suits(template, customer):
        return say("The customer does not match the conditions of “%(template)s”.", template=template)
    return Sentence()


def make(template: PassTemplate, customer: Customer, way: Way, *, kind: str, said: Sentence) -> bool:
    """Makes the customer's pass; False when there is one already. The news of `kind` begins its trace.

    Raises Refused, and ContentError when the template makes no content for this customer.
    """
    if template.passes.filter(customer=customer).exists():
        return False
    if reason := refusal(template, customer, way):
        raise Refused(reason)
    with transaction.atomic():
        cause = ledger.news(
            kind,
            tenant_id=customer.tenant_id,
            subject=f"customer:{customer.pk}",
            result=ledger.done(said),
            payload={"customer": customer.pk, "template": template.pk},
        )
        made = issue(template, customer, cause=cause)
        if made is None:  # somebody else made it at the same time: nothing happened here
            transaction.set_rollback(True)
    return made is not None
