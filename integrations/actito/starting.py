"""Starting scenarios: for one customer, for many, by a person or by a rule. Actito lets a profile enter each time.

So one click, one row of a job, one firing of a rule is one Event, and an Event starts a scenario once: a call whose end
nobody saw is uncertain, and a person decides. https://developers.actito.com/docs/integration-framework/apis/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet

from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoScenario, ScenarioEntry
from integrations.actito.naming import Named, named, named_by
from integrations.actito.scenarios import ask
from portal import jobs, ledger
from portal.http import ApiError
from portal.jobs import Row
from portal.ledger import Result, Work
from portal.ledger.failure import Decision
from portal.models import Customer, Event, Identity, Job
from portal.sentences import Explained, Sentence, joined, say

ACTITO_START, STARTING = "actito.start", "actito.starting"
STARTABLE = Q(is_active=True, is_start_event_triggered=True, vanished_at=None)


class Unknown(Explained):
    """The scenario's connection does not know the customer."""


def order(
    scenario: ActitoScenario, customer: Customer, *, who: str, click: str = "", cause: Event | None = None
) -> Event:
    """Has the customer enter the scenario; returns the Event that does it. Raises Unknown.

    Of a person's `click`, the same name is one start of a scenario however often it comes. With a `cause`, such as
    what a rule answers, it is part of that Event's effects.
    """
    known = named(scenario.connection, customer)
    if known is None:
        said = say("“%(connection)s” does not know this customer.", connection=scenario.connection)
        raise Unknown(said)
    subject, payload = known.subject, _payload(scenario, customer.pk, known, who)
    lane_id = scenario.connection.lane_id
    if cause:
        (published,) = ledger.publish(ACTITO_START, cause=cause, subject=subject, payload=payload, lane_id=lane_id)
        return published
    receipt = ledger.record(
        tenant_id=scenario.tenant_id, lane_id=lane_id, kind=ACTITO_START, subject=subject, payload=payload,
        source="portal", source_id=f"start:{click}:{scenario.pk}",
    )  # fmt: skip
    return Event.objects.get(pk=receipt.event_id)


def _payload(scenario: ActitoScenario, customer: int, known: Named, who: str) -> dict[str, Any]:
    return {"scenario": scenario.pk, "customer": customer, "profile": known.profile, "who": who}


def start(work: Work) -> Result | partial[Result]:
    """Handles `actito.start`."""
    event = work.event
    scenarios = ActitoScenario.objects.for_tenant(event.tenant_id).select_related("connection")
    scenario = scenarios.filter(pk=event.payload["scenario"]).first()
    if scenario is None:
        return ledger.ignored(say("The Actito connection of this scenario was deleted."))
    if ScenarioEntry.objects.filter(event=event).exists():
        return ledger.ignored(say("This start has been made. For another one, start the scenario anew."))
    if not Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).exists():
        return ledger.ignored(say("The customer is no longer there."))
    if problem := stopped(scenario):
        raise ledger.dead(problem)
    try:
        key = ActitoClient(scenario.connection, work.trail).start_scenario(
            scenario.technical_name, event.payload["profile"]
        )
    except ApiError as error:
        if error.decision is not Decision.DEAD:
            raise
        return partial(_refused, scenario, error)
    return partial(_entered, scenario, event, key)


def stopped(scenario: ActitoScenario) -> Sentence | None:
    """Why it cannot be started, by the list that was read last."""
    named = {"scenario": scenario}
    if scenario.vanished_at:
        return say("“%(scenario)s” is no longer in Actito.", **named)
    if not scenario.is_active:
        return say("“%(scenario)s” is not active in Actito.", **named)
    if not scenario.is_start_event_triggered:
        return say("“%(scenario)s” has no Start block, so it cannot be started by API.", **named)
    return None


def _refused(scenario: ActitoScenario, error: ApiError) -> Result:
    """The list is read again, since it may be older than what Actito says now."""
    ask(scenario.connection)
    return Result(Event.Status.FAILED, error.sentence)


def _entered(scenario: ActitoScenario, event: Event, key: str) -> Result:
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if customer:
        ScenarioEntry.objects.create(
            tenant_id=event.tenant_id, scenario=scenario, customer=customer, event=event,
            who=event.payload["who"][:150], interaction=key,
        )  # fmt: skip
    said = say("“%(scenario)s” was started.", scenario=scenario)
    return ledger.done(joined([said, say("Interaction %(key)s.", key=key) if key else ""]))


# For many


def prepared(
    scenario: ActitoScenario, *, template: int | None, customers: Sequence[int] | None, rate: int, click: str = ""
) -> Job:
    """The job, counted and not started: for these customers, or all; of them, those with a valid pass of a template."""
    payload = {"scenario": scenario.pk, "template": template, "customers": customers, "click": click}
    title = say("Start “%(scenario)s”", scenario=scenario)
    return jobs.prepared(STARTING, tenant_id=scenario.tenant_id, payload=payload, title=title, rate=rate)


class Starting:
    """The rows: a start for each customer whom the scenario's connection knows, by profile id."""

    def count(self, job: Job) -> int:
        scenario = _scenario_of(job)
        return int(_profiles(scenario, job.payload).count()) if scenario else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        scenario = _scenario_of(job)
        if scenario is None:
            return []
        found = _profiles(scenario, job.payload).filter(value__gt=after or "").order_by("value")[:limit]
        return [_row(scenario, identity, job.who) for identity in found]

    def lane_id(self, job: Job) -> int | None:
        scenario = _scenario_of(job)
        return scenario.connection.lane_id if scenario else None


def _row(scenario: ActitoScenario, identity: Identity, who: str) -> Row:
    known = named_by(scenario.connection, identity)
    payload = _payload(scenario, identity.customer_id, known, who)
    return Row(identity.value, ACTITO_START, known.subject, payload, scenario.connection.lane_id)


def _scenario_of(job: Job) -> ActitoScenario | None:
    scenarios = ActitoScenario.objects.for_tenant(job.tenant_id).select_related("connection")
    return scenarios.filter(pk=job.payload["scenario"]).first()


def _profiles(scenario: ActitoScenario, chosen: Mapping[str, Any]) -> QuerySet[Identity]:
    found = scenario.connection.profiles()
    if chosen["customers"] is not None:
        found = found.filter(customer__in=chosen["customers"])
    if chosen["template"] is not None:
        found = found.filter(customer__passes__template=chosen["template"], customer__passes__voided=False)
    return found
