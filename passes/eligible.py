"""What can be said of a template's saved conditions before they are published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from passes.conditions import ORDERING, is_typed, matches
from passes.design import design_of
from passes.findings import Finding, error, warning
from passes.issuing import OPEN_TO, Way
from passes.models import PassTemplate
from portal.models import Customer
from portal.sentences import say

LOOKED_AT = 1000


@dataclass(frozen=True)
class Share:
    """How many of the newest customers match."""

    matching: int
    looked_at: int


def share(template: PassTemplate) -> Share | None:
    """None for a template without conditions."""
    conditions = design_of(template).get("conditions")
    if not conditions:
        return None
    customers = Customer.objects.for_tenant(template.tenant_id).order_by("-pk").values_list("values", flat=True)
    newest = customers[:LOOKED_AT]
    found = [matches(conditions, values) for values in newest]
    return Share(sum(found), len(found))


def check(template: PassTemplate, known: frozenset[str]) -> Iterator[Finding]:
    """`known`: the names of values that customers have; empty while there is none to look at."""
    yield from _enrolment(template)
    if template.issue != PassTemplate.Issue.CONDITION:
        return
    rows = list(template.conditions.all())
    if not rows:
        said = say("There is no condition yet, so nobody would get a pass. Add one, or choose “For every customer”.")
        yield error("conditions", said)
    for row in rows:
        if known and row.name not in known:
            said = say("No customer has the value “%(name)s”. Known: %(known)s.", name=row.name, known=sorted(known))
            yield warning("conditions.name", said, row.name)
        if row.operator in ORDERING and not is_typed(row.value):
            said = say("“%(value)s” is neither a number such as 12.5 nor a date such as 2027-03-31, so the alphabet "
                       "decides.", value=row.value)  # fmt: skip
            yield warning("conditions.value", said, row.name)


def _enrolment(template: PassTemplate) -> Iterator[Finding]:
    if not template.open_enrolment:
        return
    if Way.LINK not in OPEN_TO[template.issue]:
        said = say("It is open to everybody, but its passes are made in another way. Choose “When a customer opens "
                   "their link”, or close it.")  # fmt: skip
        yield error("open_enrolment", said)
    if not settings.MAIL_SET_UP:
        said = say("Mail is not set up in this portal, so nobody could confirm an e-mail address.")
        yield error("open_enrolment", said)
