"""The form of a rule. What an action needs are fields of its own form, put into this one under the action's name."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.rules.consents import CONSENT, choices, remedies
from integrations.rules.models import Rule
from integrations.rules.order import RULES_MOST, circle_of
from integrations.rules.registry import actions, triggers
from passes.conditions import number
from portal.admin.forms import TenantForm
from portal.admin.rights import allowed_tenants, rows
from portal.sentences import told
from portal.tenancy import Action

VALUE_NAMES = "rule-values"  # the id of the page's list of names
# Fields of a rule that some triggers ask for.
ASKED = ("template", "value_name", "direction", "compared", "days", "side", "yearly", "hour")
_NEEDED = {"value_name": _("Say which value."), "compared": _("Say what to compare with.")}


def consent_field() -> forms.ChoiceField:
    return forms.ChoiceField(label=_("Consent"), required=False, widget=UnfoldAdminSelectWidget)


def offer(field: forms.ChoiceField, tenants: Collection[int]) -> None:
    """Puts the tenant's consents into the field, or says what to do for one."""
    found = choices(tenants)
    field.choices = [("", _("Choose") if found else _("There is none yet")), *found]
    field.help_text = "" if found else remedies(tenants)


def field_of(action: str, name: str) -> str:
    return f"{action}__{name}"


def action_fields() -> dict[str, list[str]]:
    """The form's fields by action."""
    return {kind.name: [field_of(kind.name, each) for each in kind.made().form.base_fields]
            for kind in actions().values()}  # fmt: skip


def shown_when() -> dict[str, str]:
    """When the page shows a field: expressions of Alpine's."""
    found = {}
    for name in (*ASKED, CONSENT):
        asking = [kind.name for kind in triggers().values() if name in kind.asks]
        found[name] = " || ".join(f"trigger == '{each}'" for each in asking)
    for action, names in action_fields().items():
        found |= dict.fromkeys(names, f"action == '{action}'")
    return found


class RuleForm(TenantForm):
    request: HttpRequest
    trigger = forms.ChoiceField(label=_("What happens"), widget=UnfoldAdminSelectWidget)
    consent = consent_field()
    action = forms.ChoiceField(label=_("What is done"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Rule
        fields = ("name", "trigger", *ASKED, "any_condition", "action", "cooldown")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, kinds in (("trigger", triggers()), ("action", actions())):
            if name in self.fields:
                choices = [(kind.name, kind.title) for kind in kinds.values()]
                self.fields[name].choices = [("", _("Choose")), *choices]
        if "value_name" in self.fields:
            self.fields["value_name"].widget.attrs["list"] = VALUE_NAMES
        if CONSENT in self.fields:
            offer(self.fields[CONSENT], self._tenants())
            self.initial[CONSENT] = self.instance.value_name
        for action, names in action_fields().items():
            for name in names:
                self._prepare(name, name.removeprefix(f"{action}__"), action)

    def _tenants(self) -> Collection[int]:
        here: int | None = self.instance.tenant_id
        return [here] if here else allowed_tenants(self.request, Action.CONFIGURE)

    def _prepare(self, name: str, of_action: str, action: str) -> None:
        field = self.fields.get(name)
        if field is None:
            return
        if isinstance(field, forms.ModelChoiceField):
            narrowed = rows(self.request, field.queryset.model)
            field.queryset = narrowed.filter(tenant=self.instance.tenant_id) if self.instance.tenant_id else narrowed
            if limit := getattr(actions()[action].made().form, f"limit_{of_action}", None):
                field.queryset = limit(field.queryset)
        if self.instance.pk and self.instance.action == action and of_action in self.instance.params:
            self.initial[name] = self.instance.params[of_action]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._clean_trigger(cleaned)
        self._clean_action(cleaned)
        if self.instance.pk is None and self._are_many(cleaned):
            self.add_error(None, _t("There are %(most)d rules already. Remove one first.") % {"most": RULES_MOST})
        return cleaned

    def _are_many(self, cleaned: dict[str, Any]) -> bool:
        tenant = cleaned.get("tenant") or self.instance.tenant_id
        return Rule.objects.filter(tenant=tenant).count() >= RULES_MOST

    def _clean_trigger(self, cleaned: dict[str, Any]) -> None:
        """What the trigger does not ask for goes back to its default, since the page hides it."""
        kind = triggers().get(cleaned.get("trigger", ""))
        if kind is None:
            return
        for name in ASKED:
            if name in kind.asks and (name in self.errors or cleaned.get(name) not in ("", None)):
                continue
            if name in kind.asks and name in _NEEDED:
                self.add_error(name, _NEEDED[name])
                continue
            self.errors.pop(name, None)
            cleaned[name] = Rule._meta.get_field(name).get_default()
        if CONSENT in kind.asks:
            self._clean_consent(cleaned)
        else:
            self.errors.pop(CONSENT, None)
        if "direction" in kind.asks and cleaned.get("compared") and number(cleaned["compared"]) is None:
            self.add_error("compared", _t("Enter a number such as 500 or 12.5."))

    def _clean_consent(self, cleaned: dict[str, Any]) -> None:
        cleaned["value_name"] = chosen = cleaned.get(CONSENT) or ""
        tenant = getattr(cleaned.get("tenant"), "pk", None) or self.instance.tenant_id
        if CONSENT not in self.errors and chosen not in dict(choices([tenant])):
            self.add_error(CONSENT, _t("Choose a consent."))

    def _clean_action(self, cleaned: dict[str, Any]) -> None:
        kind = actions().get(cleaned.get("action", ""))
        if kind is None:
            return
        form = kind.made().form
        chosen = {name: cleaned.get(field_of(kind.name, name)) for name in form.base_fields}
        for name, field in form.base_fields.items():
            shown = field_of(kind.name, name)
            if field.required and chosen[name] in (None, "") and shown not in self.errors:
                self.add_error(shown, field.error_messages["required"])
        self._keep_to_one_tenant(kind.name, chosen, cleaned)
        own = [field_of(kind.name, name) for name in form.base_fields]
        for names in action_fields().values():
            for name in set(names) - set(own):
                self.errors.pop(name, None)  # of an action that was not chosen
        check = getattr(form, "check", None)
        if check and not any(name in self.errors for name in own):
            for name, said in check(chosen).items():
                self.add_error(field_of(kind.name, name), said)
        self.instance.params = {name: _kept(value) for name, value in chosen.items() if value not in (None, "", False)}

    def _keep_to_one_tenant(self, action: str, chosen: dict[str, Any], cleaned: dict[str, Any]) -> None:
        tenant = getattr(cleaned.get("tenant"), "pk", None) or self.instance.tenant_id
        for name, value in chosen.items():
            if isinstance(value, Model) and getattr(value, "tenant_id", tenant) != tenant:
                self.add_error(field_of(action, name), _t("Choose one from your own list."))

    def _post_clean(self) -> None:
        super()._post_clean()
        if not self.errors:
            others = Rule.objects.for_tenant(self.instance.tenant_id).filter(active=True).exclude(pk=self.instance.pk)
            if said := circle_of(self.instance, list(others)):
                self.add_error(None, told(said))


def _kept(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value


def rule_form(request: HttpRequest, base: type[RuleForm] = RuleForm) -> type[RuleForm]:
    """The form with the fields of every action that is registered."""
    found: dict[str, Any] = {"request": request, "__module__": __name__}
    for kind in actions().values():
        for name, field in kind.made().form.base_fields.items():
            found[field_of(kind.name, name)] = _optional(field)
    return type("RuleForm", (base,), found)


def _optional(field: forms.Field) -> forms.Field:
    """Whether it is needed depends on the action that is chosen."""
    made = copy.deepcopy(field)
    made.required = False
    return made


def known_names(values: Iterable[dict[str, Any]]) -> list[str]:
    return sorted({name for each in values for name in each})
