"""A rule as a sentence, in the reader's language: When “points” rises to 500 or more and “tier” is “Gold”, then …"""

from __future__ import annotations

from django.utils.translation import gettext as _t

from integrations.rules.holding import ALONE, OF_CONSENT, OF_PASSES
from integrations.rules.models import Rule, RuleCondition
from integrations.rules.registry import action_of, actions, trigger_of


def beginning(rule: Rule) -> str:
    """When …"""
    kind = trigger_of(rule)
    return kind.words(rule) if kind else _t("When something happens that this portal does not know")


def condition_words(condition: RuleCondition) -> str:
    operator = condition.get_operator_display()
    if condition.operator in OF_PASSES:
        return f"{operator} (“{condition.template}”)" if condition.template else operator
    if condition.operator in OF_CONSENT:
        return f"{operator} (“{condition.name}”)"
    if condition.operator in ALONE:
        return f"“{condition.name}” {operator}"
    return f"“{condition.name}” {operator} “{condition.value}”"


def middle(rule: Rule) -> str:
    """… and …; empty for a rule without conditions."""
    conditions = [condition_words(each) for each in rule.conditions.all()]
    if not conditions:
        return ""
    between = f" {_t('or')} " if rule.any_condition else f" {_t('and')} "
    said = between.join(conditions)
    return _t("and (%(conditions)s)") % {"conditions": said} if len(conditions) > 1 else f"{_t('and')} {said}"


def ending(rule: Rule) -> str:
    """… then …"""
    action = action_of(rule)
    return action.words(rule) if action else _t("do what this portal does not know")


def sentence(rule: Rule) -> str:
    begun = " ".join(filter(None, [beginning(rule), middle(rule)]))
    parts = {"begun": begun, "ending": ending(rule), "often": rule.get_cooldown_display()}
    return _t("%(begun)s, then %(ending)s; for one customer %(often)s.") % parts


def short_ending(rule: Rule) -> str:
    """Without what it is done with: for lists."""
    kind = actions().get(rule.action)
    return str(kind.title) if kind else rule.action
