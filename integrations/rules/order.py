"""The order of a tenant's rules, and switching them on and off."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from integrations.rules.circles import circle
from integrations.rules.consents import unknown
from integrations.rules.models import Rule
from integrations.rules.registry import Broken, action_of, trigger_of
from portal.sentences import Sentence, say

RULES_MOST = 100


def last_place(tenant_id: int) -> int:
    return int(Rule.objects.for_tenant(tenant_id).aggregate(last=Max("position"))["last"] or 0) + 1


@transaction.atomic
def move(rule: Rule, place: int) -> None:
    """Gives the rule this place, from 1 on; the others keep their order."""
    # Locked, so that two people who move rules at once do not mix two orders.
    rules = list(Rule.objects.for_tenant(rule.tenant_id).select_for_update().order_by("position", "pk"))
    others = [each for each in rules if each.pk != rule.pk]
    moved = next(each for each in rules if each.pk == rule.pk)
    others.insert(max(0, min(place, len(rules)) - 1), moved)
    for position, each in enumerate(others, start=1):
        each.position = position
    Rule.objects.bulk_update(others, ["position"])


@transaction.atomic
def switch_on(rule: Rule) -> None:
    """What happens from now on counts. Raises Broken where the rule could do nothing, or would run in circles."""
    rules = list(Rule.objects.for_tenant(rule.tenant_id).select_for_update())
    if reason := problem(rule) or circle_of(rule, [each for each in rules if each.active and each.pk != rule.pk]):
        raise Broken(reason)
    Rule.objects.filter(pk=rule.pk).update(active=True, on_since=timezone.now(), looked_until=None)


def switch_off(rule: Rule) -> None:
    Rule.objects.filter(pk=rule.pk).update(active=False, on_since=None)


def problem(rule: Rule) -> Sentence:
    """Why the rule could do nothing for anybody now; empty where it could."""
    action = action_of(rule)
    if action is None or trigger_of(rule) is None:
        return say("This portal no longer knows what the rule waits for, or what it is to do.")
    return action.problem(rule) or unknown(rule)


def circle_of(rule: Rule, active: list[Rule]) -> Sentence:
    """Says that the rule would set itself off, alone or through others; empty where it would not."""
    around = circle(rule, active)
    if not around:
        return Sentence()
    if len(around) == 1:
        return say("This rule would set itself off again and again: it writes “%(name)s”, and waits for it.",
                   name=rule.value_name)  # fmt: skip
    names = [f"“{each}”" for each in around[1:]]
    return say("This rule would run in circles: it sets off %(rules)s, which sets it off again. Let one of them wait "
               "for something else, or write something else.", rules=names)  # fmt: skip
