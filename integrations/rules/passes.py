"""What rules do with passes: make one, change one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations.rules.lines import LinesField, lines_of
from integrations.rules.registry import Broken, Done, Refused
from passes import update
from passes.content import ContentError
from passes.issuing import Way, choices_open_to, refusal
from passes.models import PassTemplate, WalletPass
from passes.models.validators import field_key
from passes.refresh import issue
from passes.update import Update
from passes.values import Write
from portal.models import Customer, Event
from portal.sentences import Sentence, say

if TYPE_CHECKING:
    from integrations.rules.models import Rule


def template_field(**options: Any) -> forms.ModelChoiceField[PassTemplate]:
    return forms.ModelChoiceField(queryset=PassTemplate.objects.none(), widget=UnfoldAdminSelectWidget, **options)


def _template(rule: Rule, name: str = "template") -> PassTemplate | None:
    templates = PassTemplate.objects.for_tenant(rule.tenant_id).select_related("apple")
    found: PassTemplate | None = templates.filter(pk=rule.params.get(name)).first()
    return found


class CreateForm(forms.Form):
    template = template_field(label=_("Template"), help_text=_("Of those whose passes may be made by rules."))

    @staticmethod
    def limit_template(templates: QuerySet[PassTemplate]) -> QuerySet[PassTemplate]:
        return templates.filter(issue__in=choices_open_to(Way.RULE))


class CreatePass:
    """Makes the customer's pass. Nobody has it yet: a message or a scenario brings its link."""

    form = CreateForm

    def do(self, rule: Rule, customer: Customer, cause: Event) -> Done:
        if problem := self.problem(rule):
            raise Broken(problem)
        template = _template(rule)
        assert template is not None  # noqa: S101 - a problem otherwise
        if reason := refusal(template, customer, Way.RULE):
            raise Refused(reason)
        try:
            made = issue(template, customer, cause=cause)
        except ContentError as error:
            raise Refused(error.sentence) from error
        if made is None:
            raise Refused(say("The customer has a pass of “%(template)s” already.", template=template))
        return Done(say("Made %(templates)s.", templates=template))

    def problem(self, rule: Rule) -> Sentence:
        template = _template(rule)
        if template is None:
            return say("The template of this rule is no longer there. Choose another one.")
        if not template.active or template.published is None:
            return say("“%(template)s” is not active, or not published yet.", template=template)
        if template.issue not in choices_open_to(Way.RULE):
            return say("The template “%(template)s” says that its passes are made in another way.", template=template)
        return Sentence()

    def words(self, rule: Rule) -> str:
        return _t("make a pass of “%(template)s”") % {"template": _template(rule) or "?"}

    def writes(self, rule: Rule) -> Mapping[str, Any]:
        return {}


class UpdateForm(forms.Form):
    template = template_field(label=_("Passes of"))
    values = LinesField(
        label=_("Values on the pass"), required=False, names=field_key,
        help_text=_("One a line, for example tier = Gold. They stand on the pass, over the customer's."),
    )  # fmt: skip
    message = forms.CharField(label=_("Message"), required=False, max_length=500, widget=UnfoldAdminTextInputWidget,
                              help_text=_("A line on the back, which phones announce."))  # fmt: skip
    move_to = template_field(label=_("Move to the template"), required=False, empty_label=_("Leave it"))
    silent = forms.BooleanField(label=_("Silently"), required=False, widget=UnfoldBooleanSwitchWidget,
                                help_text=_("Phones show it without a line on the lock screen."))  # fmt: skip

    @staticmethod
    def check(chosen: dict[str, Any]) -> dict[str, str]:
        """What is wrong with what was entered, by field."""
        if not (chosen["values"].strip() or chosen["message"] or chosen["move_to"]):
            return {"values": _t("Say what is to change: values, a message or another template.")}
        template, target = chosen["template"], chosen["move_to"]
        if target and target.apple_id != template.apple_id:
            return {"move_to": _t("It has another Apple certificate, so a pass cannot move there.")}
        return {}


class UpdatePass:
    """Values, a message or another template for the customer's pass: see passes.update."""

    form = UpdateForm

    def do(self, rule: Rule, customer: Customer, cause: Event) -> Done:
        if problem := self.problem(rule):
            raise Broken(problem)
        passes = WalletPass.objects.filter(template=rule.params["template"], customer=customer)
        wallet_pass = passes.select_related("template").first()
        if wallet_pass is None:
            raise Refused(say("The customer has no pass of “%(template)s”.", template=_template(rule)))
        effect = update.order(wallet_pass, self._update(rule), cause=cause, number=cause.pk)
        return Done(say("The pass “%(template)s” is being changed.", template=wallet_pass.template), effect)

    def _update(self, rule: Rule) -> Update:
        params = rule.params
        writes = tuple(Write(name, value) for name, value in lines_of(params.get("values", "")).items())
        return Update(writes, params.get("message") or None, params.get("move_to"), bool(params.get("silent")))

    def problem(self, rule: Rule) -> Sentence:
        if _template(rule) is None or ("move_to" in rule.params and _template(rule, "move_to") is None):
            return say("The template of this rule is no longer there. Choose another one.")
        return Sentence()

    def words(self, rule: Rule) -> str:
        named = {"template": _template(rule) or "?", "target": _template(rule, "move_to") or "?"}
        if rule.params.get("move_to"):
            return _t("move the pass “%(template)s” to “%(target)s”") % named
        return _t("change the pass “%(template)s”") % named

    def writes(self, rule: Rule) -> Mapping[str, Any]:
        """None: values on a pass are not the customer's."""
        return {}
