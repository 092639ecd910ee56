"""What happened meets the rules: in their order, each at most once for one happening, and never in circles.

Everything is decided and done in the transaction that ends the Event, under the customer's lock: either all of it
stands, or nothing. Rules later in the order see what earlier ones did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from integrations.rules.holding import Held, hold
from integrations.rules.models import ONCE, Rule, RuleFiring
from integrations.rules.registry import Broken, Done, Happening, Refused, action_of, trigger_of, triggers_of
from integrations.rules.triggers import Calendar
from passes.happenings import PASS_INSTALLED, PASS_REMOVED
from passes.models import WalletPass, phones_count
from portal import ledger
from portal.customers import CUSTOMER_CHANGED
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

RULE_DUE = "rule.due"
# Whatever a cooldown says: a rule that answers its own effects through another system stops here.
FIRINGS_A_DAY = 10
DAY = timedelta(days=1)
State = RuleFiring.State


def changes_wanted(tenant_id: int) -> bool:
    """Whether a rule of the tenant waits for changes of customers; asked with every change."""
    return _on(tenant_id, triggers_of(CUSTOMER_CHANGED)).exists()


def installations_wanted(tenant_id: int) -> bool:
    return _on(tenant_id, triggers_of(PASS_INSTALLED)).exists()


def removals_wanted(tenant_id: int) -> bool:
    return _on(tenant_id, triggers_of(PASS_REMOVED)).exists()


def _on(tenant_id: int, triggers: Iterable[str]) -> QuerySet[Rule]:
    rules: QuerySet[Rule] = Rule.objects.for_tenant(tenant_id).filter(active=True, trigger__in=list(triggers))
    return rules


def consider(work: Work) -> Result | partial[Result]:
    """Handles news of customers and of passes: `customer.changed/rules`, `pass.installed/rules` and so on."""
    event = work.event
    happened = happening_of(event)
    if happened is None:
        return ledger.ignored(say("The pass is no longer there."))
    rules = _on(event.tenant_id, triggers_of(happened.news)).filter(on_since__lte=event.created_at)
    waiting = [rule for rule in rules.select_related("template") if _fits(rule, happened)]
    if not waiting:
        return ledger.ignored(say("No rule waits for this."))
    return partial(_answer, event, happened.customer, [rule.pk for rule in waiting], f"event:{event.pk}")


def consider_day(work: Work) -> partial[Result]:
    """Handles `rule.due`: a customer's date has come."""
    return partial(_answer_day, work.event)


def happening_of(event: Event) -> Happening | None:
    """What an Event tells of; None when the pass that it is about is gone."""
    news, payload = event.kind.partition("/")[0], event.payload
    if "pass" not in payload:
        changes = {name: (before, after) for name, (before, after) in payload.get("changes", {}).items()}
        return Happening(news, payload["customer"], changes)
    passes = WalletPass.objects.for_tenant(event.tenant_id).filter(pk=payload["pass"])
    found = passes.values_list("customer_id", "template_id").first()
    return Happening(news, found[0], template=found[1]) if found else None


def _fits(rule: Rule, happened: Happening) -> bool:
    kind = trigger_of(rule)
    return bool(kind and kind.fits and kind.fits(rule, happened))


def _answer_day(event: Event) -> Result:
    payload = event.payload
    rule = Rule.objects.for_tenant(event.tenant_id).select_related("tenant").filter(pk=payload["rule"]).first()
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=payload["customer"]).first()
    if rule is None or not rule.active or customer is None:
        return ledger.ignored(say("The rule is off, or it or the customer is no longer there."))
    day, zone = date.fromisoformat(payload["day"]), ZoneInfo(rule.tenant.time_zone)
    due = Calendar(rule, [day], zone).due(customer.values.get(rule.value_name))
    if due is None:
        return ledger.ignored(say("The date has changed, or the rule has."))
    return _answer(event, customer.pk, [rule.pk], due[0].isoformat())


def _answer(event: Event, customer_id: int, rules: Sequence[int], occasion: str) -> Result:
    """Runs in the transaction that ends the Event."""
    # Locked, so that two happenings of one customer are answered one after the other: the second sees the first's
    # firings, and its cooldown holds.
    customers = Customer.objects.for_tenant(event.tenant_id).select_for_update(no_key=True)
    customer = customers.filter(pk=customer_id).first()
    if customer is None:
        return ledger.ignored(say("The customer is no longer there."))
    tellings = _Tellings()
    for rule in Rule.objects.filter(pk__in=rules, active=True).prefetch_related("conditions"):
        _meet(rule, customer, event, occasion, tellings)
    return tellings.result()


@dataclass
class _Tellings:
    """What became of the rules."""

    fired: int = 0
    broken: int = 0
    said: tuple[Sentence, ...] = ()

    def tell(self, sentence: Sentence) -> None:
        self.said = (*self.said, sentence)

    def result(self) -> Result:
        """Failed when a rule could not act for anybody: mend it, then a replay does its part, and no other's."""
        said = joined(self.said) or say("The rule is off meanwhile.")
        if self.broken:
            return Result(Event.Status.FAILED, said)
        return ledger.done(said) if self.fired else ledger.ignored(said)


def _meet(rule: Rule, customer: Customer, event: Event, occasion: str, tellings: _Tellings) -> None:
    named = {"rule": rule}
    if not hold(rule.conditions.all(), customer.values, held_by(customer), any_is_enough=rule.any_condition):
        tellings.tell(say("“%(rule)s”: its conditions do not hold.", **named))
        return
    if reason := _rests(rule, customer, event, occasion):
        tellings.tell(say("“%(rule)s”: %(reason)s", reason=reason, **named))
        return
    try:
        with transaction.atomic():
            done = _do(rule, customer, event)
    except Refused as refused:
        tellings.broken += isinstance(refused, Broken)
        _note(rule, customer, event, occasion, State.REFUSED, Done(refused.sentence))
        tellings.tell(say("“%(rule)s” could not: %(reason)s", reason=refused.sentence, **named))
        return
    tellings.fired += 1
    _note(rule, customer, event, occasion, State.FIRED, done)
    tellings.tell(say("“%(rule)s”: %(done)s", done=done.said, **named))


def _do(rule: Rule, customer: Customer, event: Event) -> Done:
    action = action_of(rule)
    if action is None:
        raise Broken(say("This portal no longer knows what the rule is to do."))
    return action.do(rule, customer, event)


def _note(rule: Rule, customer: Customer, event: Event, occasion: str, state: str, done: Done) -> None:
    noted = {"tenant_id": rule.tenant_id, "chain": event.correlation_id, "state": state, "outcome": done.said,
             "event": event, "effect": done.effect}  # fmt: skip
    RuleFiring.objects.update_or_create(rule=rule, customer=customer, occasion=occasion, defaults=noted)


def held_by(customer: Customer) -> list[Held]:
    passes: Any = WalletPass.objects.filter(customer=customer).annotate(phones=phones_count())
    rows = passes.values_list("template_id", "voided", "phones")
    return [Held(template, not voided, phones) for template, voided, phones in rows]


# When a rule rests


def _rests(rule: Rule, customer: Customer, event: Event, occasion: str) -> Sentence:
    """Why the rule does nothing for the customer now; empty where it may.

    Compared is the time of what happened: a replay of next week is answered as it would have been today.
    """
    fired = RuleFiring.objects.filter(rule=rule, customer=customer, state=State.FIRED)
    if fired.filter(occasion=occasion).exists():
        return say("It has fired for this before.")
    if fired.filter(chain=event.correlation_id).exists():
        return say("It has fired in this chain before. A rule answers one chain once, so that none runs in circles.")
    at: datetime = event.created_at
    if fired.filter(fired_at__gt=at - DAY)[:FIRINGS_A_DAY].count() >= FIRINGS_A_DAY:
        return say("It fired %(count)s times for this customer within a day: it looks like a circle.",
                   count=FIRINGS_A_DAY)  # fmt: skip
    if resting(rule.cooldown, fired.order_by("-fired_at").values_list("fired_at", flat=True).first(), at):
        return say("It fired for this customer lately (%(cooldown)s).", cooldown=_cooldown(rule))
    return Sentence()


def resting(cooldown: int, last: datetime | None, at: datetime) -> bool:
    """Whether a customer for whom it fired last then has to wait."""
    if last is None or cooldown == 0:
        return False
    return cooldown == ONCE or last > at - timedelta(hours=cooldown)


def _cooldown(rule: Rule) -> Sentence:
    """As English text that is translated when it is read."""
    return _COOLDOWNS.get(rule.cooldown, Sentence())


_COOLDOWNS = {
    1: say("once an hour"),
    24: say("once a day"),
    168: say("once a week"),
    720: say("once in 30 days"),
    8760: say("once a year"),
    ONCE: say("only once"),
}
