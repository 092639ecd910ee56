"""Rules in the admin: their list in the order in which they answer, the form, the trial, the switch."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from integrations.rules.admin.firings import newest_of
from integrations.rules.admin.form import (
    ASKED,
    RuleForm,
    action_fields,
    consent_field,
    known_names,
    offer,
    rule_form,
    shown_when,
)
from integrations.rules.consents import CONSENT
from integrations.rules.holding import ALONE, OF_CONSENT, OF_PASSES
from integrations.rules.models import Rule, RuleCondition, RuleFiring
from integrations.rules.order import last_place, move, problem, switch_off, switch_on
from integrations.rules.registry import Broken
from integrations.rules.trial import DAYS, Trial, trial
from integrations.rules.words import beginning, middle, sentence, short_ending
from portal.admin import navigation
from portal.admin.base import TenantAdmin, TenantTabularInline
from portal.admin.chips import chip, when
from portal.admin.dialogs import DialogForm, dialog, finished, result
from portal.admin.extend import Link, extensions
from portal.admin.forms import TenantForm
from portal.admin.rights import allowed_tenants, row
from portal.admin.site import site
from portal.models import Customer
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

CONDITIONS_MOST = 20
LOOKED_AT = 200


class ConditionForm(TenantForm):
    offered_to: Collection[int] = ()  # the tenants whose consents there are to choose from
    consent = consent_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "operator" in self.fields:
            self.fields["operator"].widget.attrs["data-asks"] = _asked()
        if "name" in self.fields:
            self.fields["name"].widget.attrs["list"] = "rule-values"
        if "template" in self.fields:
            self.fields["template"].empty_label = _t("any template")
        if CONSENT in self.fields:
            offer(self.fields[CONSENT], self.offered_to)
            self.initial[CONSENT] = self.instance.name

    def clean(self) -> dict[str, Any]:
        """What the operator does not ask for is hidden, so it is no mistake."""
        cleaned = super().clean()
        for name, nothing in (("name", ""), (CONSENT, ""), ("value", ""), ("template", None)):
            if name not in asked_of(cleaned.get("operator", "")):
                self.errors.pop(name, None)
                cleaned[name] = nothing
        if chosen := cleaned.get(CONSENT):
            cleaned["name"] = chosen
        return cleaned

    def _post_clean(self) -> None:
        """A condition keeps its consent as the name of the value; what is wrong with it is said where it is chosen."""
        super()._post_clean()
        if CONSENT in asked_of(self.cleaned_data.get("operator", "")) and "name" in self.errors:
            del self.errors["name"]
            if CONSENT not in self.errors:
                self.add_error(CONSENT, _t("Choose a consent."))


def asked_of(operator: str) -> tuple[str, ...]:
    """The fields of its line that an operator asks for."""
    if operator in OF_PASSES:
        return ("template",)
    if operator in OF_CONSENT:
        return (CONSENT,)
    return ("name",) if operator in ALONE else ("name", "value")


def _asked() -> str:
    """For portal.js: equals:name,value valid:template …"""
    return " ".join(f"{operator}:{','.join(asked_of(operator))}" for operator in RuleCondition.Operator.values)


class ConditionInline(TenantTabularInline):
    model = RuleCondition
    form = ConditionForm
    fields = ("operator", "name", CONSENT, "template", "value")
    max_num = CONDITIONS_MOST
    verbose_name_plural = _("and …")
    view_action = Action.VIEW
    change_action = add_action = delete_action = Action.CONFIGURE

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Whoever only reads has the consent as the name of its value."""
        may = self.has_change_permission(request, obj)
        return [name for name in super().get_fields(request, obj) if may or name != CONSENT]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        tenants = [obj.tenant_id] if obj else allowed_tenants(request, Action.CONFIGURE)
        form = type("ConditionForm", (self.form,), {"offered_to": tenants, "__module__": __name__})
        return super().get_formset(request, obj, **{"form": form, **kwargs})


class PlaceForm(DialogForm):
    place = forms.IntegerField(label=_("Place"), min_value=1, widget=UnfoldAdminIntegerFieldWidget,
                               help_text=_("1 answers first."))  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = row(self.request, Rule, self.object_id, Action.CONFIGURE)
        ahead = Rule.objects.for_tenant(rule.tenant_id).filter(
            Q(position__lt=rule.position) | Q(position=rule.position, pk__lt=rule.pk)
        )
        self.fields["place"].initial = ahead.count() + 1


@admin.register(Rule, site=site)
class RuleAdmin(TenantAdmin):
    change_action = add_action = delete_action = Action.CONFIGURE
    list_display = ("position", "name", "state", "told", "last_fired", "fired_lately")
    list_display_links = ("name",)
    list_select_related = ("template",)
    sortable_by = ()
    inlines = (ConditionInline,)
    compressed_fields = True
    form = RuleForm
    change_form_template = "admin/integrations/rule.html"
    actions_detail = ("try_out", "turn_on", "turn_off", "change_place")
    empty_sentence = _("A rule starts a scenario, makes or changes a pass by itself: when points rise to 500, when a "
                       "pass is added to a phone, three days before a date. They answer in this order.")  # fmt: skip

    @property
    def conditional_fields(self) -> dict[str, str]:
        return shown_when()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        fired = RuleFiring.objects.filter(rule=OuterRef("pk"), state=RuleFiring.State.FIRED).order_by().values("rule")
        lately = fired.filter(fired_at__gte=timezone.now() - timedelta(days=DAYS))
        count = Coalesce(Subquery(lately.annotate(number=Count("pk")).values("number")), 0)
        last = Subquery(fired.order_by("-fired_at").values("fired_at")[:1])  # the index ends with it
        found = super().get_queryset(request).annotate(lately=count, last=last)
        return found.prefetch_related("conditions__template")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **{"form": rule_form(request), **kwargs})

    @property
    def fieldsets(self) -> list[Any]:
        """The last two stand below the conditions, so that the page reads: when … and … then …"""
        doing = [name for names in action_fields().values() for name in names]
        return [
            (None, {"fields": ["name"]}),
            (_("When …"), {"fields": ["trigger", *ASKED, CONSENT]}),
            (None, {"fields": ["any_condition"]}),
            (_("then …"), {"fields": ["action", *doing, "cooldown"]}),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Whoever only reads has the sentence."""
        found = super().get_fieldsets(request, obj)
        return found if obj is None or self.has_change_permission(request, obj) else found[:1]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not once it has fired: who got what must still be told. Switching it off ends it."""
        fired = obj is not None and RuleFiring.objects.filter(rule=obj).exists()
        return super().has_delete_permission(request, obj) and not fired

    @display(description=_("State"))
    def state(self, rule: Rule) -> str:
        return chip("good", _("On")) if rule.active else chip("quiet", _("Off"))

    @display(description=_("What it does"))
    def told(self, rule: Rule) -> str:
        begun = " ".join(filter(None, [beginning(rule), middle(rule)]))
        return _t("%(begun)s, then %(ending)s") % {"begun": begun, "ending": short_ending(rule)}

    @display(description=_("Last fired"), empty_value="–")
    def last_fired(self, rule: Rule) -> Any:
        return when(rule.last) if rule.last else None

    @display(description=_("In 30 days"))
    def fired_lately(self, rule: Rule) -> str:
        return spaced(rule.lately)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        rule = self.get_object(request, object_id)
        context = {"names": self._names(request, rule.tenant_id), **_page_of(rule)} if rule else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return super().add_view(request, form_url, {"names": self._names(request, None), **(extra_context or {})})

    def _names(self, request: HttpRequest, tenant_id: int | None) -> list[str]:
        """Of values that customers have, to be proposed."""
        customers = site.get_model_admin(Customer).get_queryset(request).order_by("-pk")
        customers = customers.filter(tenant_id=tenant_id) if tenant_id else customers
        return known_names(customers.values_list("values", flat=True)[:LOOKED_AT])

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        if not change:
            obj.position = last_place(obj.tenant_id)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if reason := problem(form.instance):
            messages.warning(request, told(reason))
        elif not form.instance.active:
            messages.info(request, _("The rule is off. Try it, then switch it on."))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Stays on its page, where it is tried and switched on."""
        posted = request.POST.copy()
        posted["_continue"] = "1"
        request.POST = posted
        return super().response_add(request, obj, post_url_continue)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        rule = self.get_object(request, object_id)
        hidden = {"turn-on" if rule and rule.active else "turn-off"}
        return [each for each in super().get_actions_detail(request, object_id) if each.path not in hidden]

    @dialog(
        label=_("Try it"), needs=Action.CONFIGURE, title=_("Try this rule on the last 30 days?"), icon="science",
        description=_("It says how often the rule would have fired, and for whom. Nothing is done."),
    )  # fmt: skip
    def try_out(self, request: HttpRequest, form: DialogForm, rule: Rule) -> HttpResponse:
        found = trial(rule)
        context = {"trial": found, "said": _told(found), "days": DAYS, "done_url": _page(rule)}
        return result(request, "admin/integrations/trial.html", context)

    @dialog(
        label=_("Switch on"), needs=Action.CONFIGURE, title=_("Switch this rule on?"), icon="toggle_on",
        description=_("What happens from now on counts; nothing is made up for."), variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def turn_on(self, request: HttpRequest, form: DialogForm, rule: Rule) -> HttpResponse:
        try:
            switch_on(rule)
        except Broken as broken:
            return finished(request, _page(rule), told(broken.sentence), messages.ERROR)
        self.log_change(request, rule, gettext_noop("Switched on."))
        return finished(request, _page(rule), _("The rule is on."))

    @dialog(
        label=_("Switch off"), needs=Action.CONFIGURE, title=_("Switch this rule off?"), icon="toggle_off",
        description=_("It answers nothing more, from the next moment on. What it began goes on."),
    )  # fmt: skip
    def turn_off(self, request: HttpRequest, form: DialogForm, rule: Rule) -> HttpResponse:
        switch_off(rule)
        self.log_change(request, rule, gettext_noop("Switched off."))
        return finished(request, _page(rule), _("The rule is off."))

    @dialog(
        label=_("Change the order"), needs=Action.CONFIGURE, title=_("When does this rule answer?"), icon="swap_vert",
        description=_("Of several that answer the same, the one with the lower place goes first."), form=PlaceForm,
    )  # fmt: skip
    def change_place(self, request: HttpRequest, form: PlaceForm, rule: Rule) -> HttpResponse:
        move(rule, form.cleaned_data["place"])
        self.log_change(request, rule, gettext_noop("Given another place."))
        return finished(request, reverse("admin:integrations_rule_changelist"), _("The order is changed."))


def _told(found: Trial) -> str:
    if not found.times:
        return _t("It would not have fired.")
    times = ngettext("%(number)s time", "%(number)s times", found.times) % {"number": spaced(found.times)}
    people = ngettext("%(number)s customer", "%(number)s customers", found.customers)
    customers = people % {"number": spaced(found.customers)}
    return _t("It would have fired %(times)s for %(customers)s.") % {"times": times, "customers": customers}


def _page(rule: Rule) -> str:
    return reverse("admin:integrations_rule_change", args=[rule.pk])


def _page_of(rule: Rule) -> dict[str, Any]:
    reason = problem(rule)
    return {
        "rule": rule,
        "sentence": sentence(rule),
        "problem": told(reason) if reason else "",
        "firings": newest_of(RuleFiring.objects.filter(rule=rule)),
        "lately": rule.lately,
        "days": DAYS,
    }


extensions.links["rule"] = Link("rule", _("Rule"), Rule, "admin:integrations_rule_change")
navigation.add(Rule, _("Rules"), icon="rule", group=navigation.SET_UP, position=18)
