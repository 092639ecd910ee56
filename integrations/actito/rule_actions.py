"""What rules do in Actito."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.actito.models import ActitoConnection, ActitoScenario, AttributeMapping
from integrations.actito.starting import STARTABLE, Unknown, order, stopped
from integrations.actito.writeback import Unwritable, check_attribute, write_attributes
from integrations.rules.lines import LinesField, lines_of
from integrations.rules.registry import Broken, Done, Refused
from portal.models import Customer, Event
from portal.sentences import Sentence, say, told

if TYPE_CHECKING:
    from integrations.rules.models import Rule


class StartForm(forms.Form):
    scenario = forms.ModelChoiceField(
        label=_("Scenario"), queryset=ActitoScenario.objects.none(), widget=UnfoldAdminSelectWidget,
        help_text=_("Active ones with a Start block. Their list is read from Actito: see Scenarios."),
    )  # fmt: skip

    @staticmethod
    def limit_scenario(scenarios: QuerySet[ActitoScenario]) -> QuerySet[ActitoScenario]:
        return scenarios.filter(STARTABLE)


class StartScenario:
    """The customer enters the scenario. The call is made by an Event of its own, and once only."""

    form = StartForm

    def do(self, rule: Rule, customer: Customer, cause: Event) -> Done:
        if problem := self.problem(rule):
            raise Broken(problem)
        scenario = _scenario(rule)
        assert scenario is not None  # noqa: S101 - a problem otherwise
        try:
            effect = order(scenario, customer, who=str(rule), cause=cause)
        except Unknown as unknown:
            raise Refused(unknown.sentence) from unknown
        return Done(say("“%(scenario)s” is being started.", scenario=scenario), effect)

    def problem(self, rule: Rule) -> Sentence:
        scenario = _scenario(rule)
        if scenario is None:
            return say("The scenario of this rule is no longer there. Choose another one.")
        return stopped(scenario) or Sentence()

    def words(self, rule: Rule) -> str:
        return _t("start the scenario “%(scenario)s”") % {"scenario": _scenario(rule) or "?"}

    def writes(self, rule: Rule) -> Mapping[str, Any]:
        """What a scenario does in Actito cannot be seen from here; firings in a day are limited for that."""
        return {}


def _attribute(name: str) -> None:
    try:
        check_attribute(name)
    except Unwritable as error:
        raise ValidationError(told(error.sentence)) from error


class WriteForm(forms.Form):
    connection = forms.ModelChoiceField(
        label=_("Connection"), queryset=ActitoConnection.objects.none(), widget=UnfoldAdminSelectWidget
    )
    attributes = LinesField(
        label=_("Attributes in Actito"), names=_attribute,
        help_text=_("One a line, by their technical names, for example tier = Gold. Nothing behind = empties it."),
    )  # fmt: skip


class WriteAttributes:
    """Attributes of the customer's profile, written by an Event of its own. What it changes comes back as a reading."""

    form = WriteForm

    def do(self, rule: Rule, customer: Customer, cause: Event) -> Done:
        connection = _connection(rule)
        if connection is None:
            raise Broken(self.problem(rule))
        attributes = lines_of(rule.params["attributes"])
        try:
            effect = write_attributes(customer, attributes, connection=connection, cause=cause)
        except Unwritable as error:
            raise Refused(error.sentence) from error
        return Done(say("Being written to Actito: %(names)s.", names=list(attributes)), effect)

    def problem(self, rule: Rule) -> Sentence:
        gone = _connection(rule) is None
        return say("The connection of this rule is no longer there. Choose another one.") if gone else Sentence()

    def words(self, rule: Rule) -> str:
        return _t("write %(names)s to Actito") % {"names": ", ".join(lines_of(rule.params.get("attributes", "")))}

    def writes(self, rule: Rule) -> Mapping[str, Any]:
        """The values that are mapped from these attributes: Actito tells of the change, and they follow."""
        connection, attributes = _connection(rule), lines_of(rule.params.get("attributes", ""))
        if connection is None:
            return {}
        mappings = connection.mappings.filter(part=AttributeMapping.Part.ATTRIBUTE, attribute__in=attributes)
        return {mapping.value_name: attributes[mapping.attribute] for mapping in mappings}


def _connection(rule: Rule) -> ActitoConnection | None:
    found: ActitoConnection | None = (
        ActitoConnection.objects.for_tenant(rule.tenant_id).filter(pk=rule.params.get("connection")).first()
    )
    return found


def _scenario(rule: Rule) -> ActitoScenario | None:
    scenarios = ActitoScenario.objects.for_tenant(rule.tenant_id).select_related("connection")
    found: ActitoScenario | None = scenarios.filter(pk=rule.params.get("scenario")).first()
    return found
