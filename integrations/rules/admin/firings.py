"""What rules did, on the pages of a rule and of a customer. Each line leads to its trace."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from integrations.rules.firing import RULE_DUE
from integrations.rules.models import RuleFiring
from portal.admin.chips import chip
from portal.admin.extend import Panel, extensions
from portal.models import Customer, Event
from portal.sentences import told

SHOWN, SHOWN_OF_CUSTOMER = 50, 10


@dataclass(frozen=True)
class Line:
    firing: RuleFiring
    chip: str
    said: str


def newest_of(firings: QuerySet[RuleFiring], limit: int = SHOWN) -> list[Line]:
    rows = firings.select_related("rule", "customer", "effect", "event").order_by("-id")[:limit]
    return [Line(each, chip(*state_of(each)), said_of(each)) for each in rows]


def state_of(firing: RuleFiring) -> tuple[str, str]:
    """Tone and words: what became of it, by what it began where that is still known."""
    if firing.state == RuleFiring.State.REFUSED:
        return "warn", _t("Could not")
    effect = firing.effect
    if effect is None or effect.status in Event.FINISHED:
        return "good", _t("Done")
    return str(effect.status), effect.get_status_display()


def said_of(firing: RuleFiring) -> str:
    ended = firing.effect and firing.effect.status not in Event.PENDING and firing.effect.outcome
    return told(ended or firing.outcome)


def panel(request: HttpRequest, customer: Customer) -> Panel | None:
    lines = newest_of(RuleFiring.objects.filter(customer=customer), SHOWN_OF_CUSTOMER)
    return Panel(_("Rules"), "admin/integrations/customer_firings.html", {"firings": lines}) if lines else None


def subjects(customer: Customer) -> list[str]:
    return [f"customer.changed/rules:customer:{customer.pk}", f"{RULE_DUE}:customer:{customer.pk}"]


extensions.customer_panels.append(panel)
extensions.customer_subjects.append(subjects)
