"""What every installation's rules can wait for: passes on phones, values, consents, days. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from integrations.rules.holding import answered
from integrations.rules.registry import Happening, TriggerKind, rule_trigger
from passes.conditions import EMPTY, EQUALS, matches, moment, number
from passes.happenings import PASS_INSTALLED, PASS_REMOVED
from portal.customers import CUSTOMER_CHANGED

if TYPE_CHECKING:
    from integrations.rules.models import Rule

DATE = "date"
INSTALLED, REMOVED = "pass.installed", "pass.removed"
GIVEN, WITHDRAWN = "consent.given", "consent.withdrawn"
CHANGED, CROSSED, EQUAL = "value.changed", "value.crossed", "value.equals"


def register() -> None:
    for kind in (
        TriggerKind(INSTALLED, _("a pass is added to a phone"), PASS_INSTALLED, ("template",),
                    partial(_pass_words, added=True), _of_template),
        TriggerKind(REMOVED, _("a pass is removed from a phone"), PASS_REMOVED, ("template",),
                    partial(_pass_words, added=False), _of_template),
        TriggerKind(CHANGED, _("a value changes"), CUSTOMER_CHANGED, ("value_name",), _changed_words, _changed),
        TriggerKind(CROSSED, _("a value crosses a number"), CUSTOMER_CHANGED,
                    ("value_name", "direction", "compared"), _crossed_words, _crossed),
        TriggerKind(EQUAL, _("a value becomes"), CUSTOMER_CHANGED, ("value_name", "compared"), _equal_words, _equal),
        TriggerKind(GIVEN, _("a consent is given"), CUSTOMER_CHANGED, ("consent",), _given_words, _given),
        TriggerKind(WITHDRAWN, _("a consent is withdrawn"), CUSTOMER_CHANGED, ("consent",), _withdrawn_words,
                    _withdrawn),
        TriggerKind(DATE, _("a date comes, or has passed"), "", ("value_name", "days", "side", "yearly", "hour"),
                    _date_words),
    ):  # fmt: skip
        rule_trigger(kind)


# Passes on phones


def _of_template(rule: Rule, happened: Happening) -> bool:
    return rule.template_id in {None, happened.template}


def _pass_words(rule: Rule, *, added: bool) -> str:
    if rule.template is None:
        return _t("When a pass is added to a phone") if added else _t("When a pass is removed from a phone")
    said = _t("When “%(template)s” is added to a phone") if added else _t("When “%(template)s” is removed from a phone")
    return said % {"template": rule.template}


# Values


def _changed(rule: Rule, happened: Happening) -> bool:
    return rule.value_name in happened.changes


def _changed_words(rule: Rule) -> str:
    return _t("When “%(name)s” changes") % {"name": rule.value_name}


def _crossed(rule: Rule, happened: Happening) -> bool:
    """An empty value lies below every number, and has not fallen."""
    before, after = happened.changes.get(rule.value_name, (None, None))
    line, now = number(rule.compared), number(after)
    if line is None or now is None:
        return False
    was = number(before)
    if rule.direction == "down":
        return was is not None and was >= line > now
    return (was < line if was is not None else _is(before, EMPTY)) and now >= line


def _crossed_words(rule: Rule) -> str:
    named = {"name": rule.value_name, "value": rule.compared}
    if rule.direction == "down":
        return _t("When “%(name)s” falls below %(value)s") % named
    return _t("When “%(name)s” rises to %(value)s or more") % named


def _equal(rule: Rule, happened: Happening) -> bool:
    if rule.value_name not in happened.changes:
        return False
    before, after = happened.changes[rule.value_name]
    return _is(after, EQUALS, rule.compared) and not _is(before, EQUALS, rule.compared)


def _equal_words(rule: Rule) -> str:
    return _t("When “%(name)s” becomes “%(value)s”") % {"name": rule.value_name, "value": rule.compared}


def _is(value: Any, operator: str, wanted: str = "") -> bool:
    return matches({"rows": [{"name": "it", "operator": operator, "value": wanted}]}, {"it": value})


# Consents


def _given(rule: Rule, happened: Happening) -> bool:
    """Yes now, and not before: after a no, or where nobody knew."""
    before, after = happened.changes.get(rule.value_name, (None, None))
    return answered(after) is True and answered(before) is not True


def _given_words(rule: Rule) -> str:
    return _t("When the consent “%(name)s” is given") % {"name": rule.value_name}


def _withdrawn(rule: Rule, happened: Happening) -> bool:
    """No after a yes. A no of somebody who was never asked takes nothing back, and an empty value says nothing."""
    before, after = happened.changes.get(rule.value_name, (None, None))
    return answered(after) is False and answered(before) is True


def _withdrawn_words(rule: Rule) -> str:
    return _t("When the consent “%(name)s” is withdrawn") % {"name": rule.value_name}


# Days


def day_of(value: Any, zone: ZoneInfo) -> date | None:
    """The day that stands in the value, in the tenant's zone; None for what is no date."""
    found = moment(value)
    try:
        return found.astimezone(zone).date() if isinstance(found, datetime) else found
    except OverflowError:  # 9999-12-31T23:30 in UTC is no day in Brussels
        return None


class Calendar:
    """For which dates a rule is due on which of some days."""

    def __init__(self, rule: Rule, days: Iterable[date], zone: ZoneInfo) -> None:
        self._zone, self._yearly = zone, rule.yearly
        self._days = {about: day for day in days if (about := date_looked_for(rule, day))}
        self._anniversaries = {(about.month, about.day): about for about in self._days}
        for about in self._days:
            if (about.month, about.day) == (2, 28) and not _is_leap(about.year):
                self._anniversaries[2, 29] = about  # kept on the 28th in other years

    def due(self, value: Any) -> tuple[date, date] | None:
        """The date, of this year where years do not count, and the day; None where nothing is due."""
        stated = day_of(value, self._zone)
        if stated is None:
            return None
        about = self._anniversaries.get((stated.month, stated.day)) if self._yearly else stated
        if about is None or about not in self._days or stated > about:
            return None
        return about, self._days[about]


def date_looked_for(rule: Rule, day: date) -> date | None:
    """The date whose rule is due on the day: in three days, three days ago."""
    away = timedelta(days=rule.days if rule.side == "before" else -rule.days)
    try:
        return day + away
    except OverflowError:
        return None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _date_words(rule: Rule) -> str:
    named = {"name": rule.value_name, "days": rule.days, "hour": f"{rule.hour:02d}:00"}
    if not rule.days:
        said = _t("On the day “%(name)s”, at %(hour)s")
    elif rule.side == "before":
        said = ngettext("%(days)d day before “%(name)s”, at %(hour)s", "%(days)d days before “%(name)s”, at %(hour)s",
                        rule.days)  # fmt: skip
    else:
        said = ngettext("%(days)d day after “%(name)s”, at %(hour)s", "%(days)d days after “%(name)s”, at %(hour)s",
                        rule.days)  # fmt: skip
    return " ".join([said % named, _t("(every year)")] if rule.yearly else [said % named])
