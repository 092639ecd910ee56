"""Rules for tests, and things that happen to customers."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from integrations.rules.models import Rule, RuleCondition, RuleFiring
from passes.design import design_of
from passes.happenings import PASS_INSTALLED
from passes.models import PassTemplate, WalletPass
from portal import customers, ledger
from portal.customers import Profile
from portal.models import Customer, Event, Tenant
from portal.sentences import say
from tests import factories as make

RULES = "customer.changed/rules"


def card(tenant: Tenant, name: str = "Gold card", issue: str = PassTemplate.Issue.RULE) -> PassTemplate:
    """A published template whose passes rules may make."""
    made = make.TemplateFactory.make(tenant=tenant, name=name, issue=issue)
    made.published = design_of(made)
    made.save()
    return made


def rule(tenant: Tenant, *conditions: dict[str, Any], **values: Any) -> Rule:
    """One that is on since an hour; by default: when points rise to 500, make a pass."""
    wanted = {
        "name": f"Rule {Rule.objects.count() + 1}", "trigger": "value.crossed", "value_name": "points",
        "compared": "500", "action": "create_pass", "active": True, "on_since": timezone.now() - timedelta(hours=1),
        "position": Rule.objects.count() + 1, **values,
    }  # fmt: skip
    if "params" not in wanted:
        wanted["params"] = {"template": card(tenant, f"Card of {wanted['name']}").pk}
    made = Rule.objects.create(tenant=tenant, **wanted)
    for condition in conditions:
        RuleCondition.objects.create(rule=made, **condition)
    return made


def reading(customer: Customer, **values: Any) -> Event:
    """An arrival that brings values of the customer's, applied; what follows waits."""
    tenant = customer.tenant
    arrival = ledger.news(
        "test.reading", tenant_id=tenant.pk, subject=f"{uuid.uuid4()}", result=ledger.done(say("Read."))
    )
    identity = {"actito:9": f"{customer.pk}"}
    if not customer.identities.filter(namespace="actito:9").exists():
        make.IdentityFactory.make(customer=customer, namespace="actito:9", value=identity["actito:9"])
    profile = Profile("actito:9", identity, None, None, values)
    customers.apply_profile(profile, cause=arrival, number=arrival.pk)
    return arrival


def installed(wallet_pass: WalletPass) -> None:
    ledger.news(
        PASS_INSTALLED, tenant_id=wallet_pass.tenant_id, subject=f"pass:{wallet_pass.pk}",
        payload={"pass": wallet_pass.pk, "wallet": "apple"}, result=ledger.done(say("Added.")),
    )  # fmt: skip


def run_due(*kinds: str) -> list[Event]:
    """Runs all that waits, of these kinds where any is named, until nothing is left; returns them as they ended."""
    ran: list[Event] = []
    while events := ledger.claim(64, "tests"):
        for event in events:
            ledger.run(event)
            ran.append(event)
    found = Event.objects.filter(pk__in=[event.pk for event in ran]).order_by("pk")
    return [event for event in found if not kinds or event.kind in kinds]


def fired(*, state: str = "fired") -> list[str]:
    """Which rules did something, in the order in which they did."""
    return [str(each.rule) for each in RuleFiring.objects.filter(state=state).order_by("pk")]
