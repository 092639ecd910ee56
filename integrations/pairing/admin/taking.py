"""Dialogs that add lines: those of Didomi's connector, and subscriptions that came since."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from integrations.pairing import connector, drift
from integrations.pairing.admin.lines import stored_lines
from integrations.pairing.findings import LINES_MOST, SUBSCRIPTION, Severity, Written, findings, known_of
from integrations.pairing.models import ConsentMapping, Pairing
from integrations.pairing.registry import Choice, consent_side_of, is_known
from passes.models.validators import field_key
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.rights import row
from portal.tenancy import Action

PATHS = "dialog-paths"


def offer_of(pairing: Pairing) -> connector.TakenOver | None:
    known = is_known(pairing.consents) and is_known(pairing.profiles)
    return connector.offered(pairing) if known else None


class TakeOverForm(DialogForm):
    form_before_template = "admin/pairing/take_over.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"offer": offer_of(row(request, Pairing, object_id, Action.CONFIGURE))}


class AddForm(DialogForm):
    form_before_template = "admin/pairing/add.html"

    target = forms.ChoiceField(label=_("Subscription"), widget=UnfoldAdminSelectWidget)
    path = forms.CharField(
        label=_("Consent path"), max_length=300,
        widget=UnfoldAdminTextInputWidget(attrs={"list": PATHS, "autocomplete": "off"}),
    )  # fmt: skip
    value_name = forms.CharField(
        label=_("Customer value"), max_length=40, required=False, validators=[field_key],
        widget=UnfoldAdminTextInputWidget, help_text=_("Empty: made from the name in Actito."),
    )  # fmt: skip
    policy = forms.ChoiceField(
        label=_("In conflict"), choices=ConsentMapping.Policy.choices, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pairing = row(self.request, Pairing, self.object_id, Action.CONFIGURE)
        names = drift.new_subscriptions(self.pairing)
        self.fields["target"].choices = [(name, name) for name in names]
        if names and is_known(self.pairing.consents):
            self.fields["path"].initial = drift.likely_path(self.pairing, names[0])

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        paths: list[Choice] = []
        if is_known(self.pairing.consents):
            paths = consent_side_of(self.pairing.consents).paths(self.pairing.consents)
        return {"paths": paths, "list": PATHS}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        own = stored_lines(self.pairing)
        if self.errors or not is_known(self.pairing.consents):
            return cleaned
        if len(own) >= LINES_MOST:
            self.add_error("target", _t("A pairing has 100 lines at most."))
        new = Written("new", SUBSCRIPTION, cleaned["target"], cleaned["path"].strip(), cleaned["value_name"])
        for finding in findings([*own, new], known_of(self.pairing)):
            if finding.line == new.key and finding.severity == Severity.ERROR:
                self.add_error(finding.field, finding.sentence)
        return cleaned


class LeaveForm(DialogForm):
    names = forms.MultipleChoiceField(label=_("Subscriptions"), widget=UnfoldAdminCheckboxSelectMultipleWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = drift.new_subscriptions(row(self.request, Pairing, self.object_id, Action.CONFIGURE))
        self.fields["names"].choices = [(name, name) for name in names]
        self.fields["names"].initial = names


class LineDialogs:
    """Of the pairing's admin."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        pairing = self.get_object(request, object_id)
        hidden = set()
        if not (pairing and drift.new_subscriptions(pairing)):
            hidden |= {"add-line", "leave-it"}
        if not (pairing and offer_of(pairing)):
            hidden.add("take-over")
        return [each for each in super().get_actions_detail(request, object_id) if each.path not in hidden]

    @dialog(
        label=_("Take over from the connector"), needs=Action.CONFIGURE, form=TakeOverForm, icon="move_down",
        title=_("Take over Didomi's own connector?"), submit=_("Take over"),
        description=_("The connection was imported with the mappings of Didomi's connector. They become lines here."),
    )  # fmt: skip
    def take_over(self, request: HttpRequest, form: TakeOverForm, pairing: Pairing) -> HttpResponse:
        with transaction.atomic():
            count = connector.take_over(pairing) if offer_of(pairing) else 0
            self.log_change(request, pairing, gettext_noop("Taken over from Didomi's connector."))
        said = ngettext("%(count)d line was taken over.", "%(count)d lines were taken over.", count)
        return finished(request, self.change_url(pairing), said % {"count": count})

    @dialog(
        label=_("Add to mapping"), needs=Action.CONFIGURE, form=AddForm, icon="add_link", submit=_("Add"),
        title=_("Which consent does the new subscription follow?"),
    )  # fmt: skip
    def add_line(self, request: HttpRequest, form: AddForm, pairing: Pairing) -> HttpResponse:
        names = ("target", "path", "value_name", "policy")
        ConsentMapping.objects.create(pairing=pairing, **{name: form.cleaned_data[name].strip() for name in names})
        self.log_change(request, pairing, gettext_noop("A new subscription was added to the mapping."))
        return finished(request, self.change_url(pairing), _t("The line is there, and counts from now on."))

    @dialog(
        label=_("Leave it"), needs=Action.CONFIGURE, form=LeaveForm, icon="link_off",
        title=_("Leave new subscriptions as they are?"),
        description=_("They follow no consent, and are no longer announced."),
    )  # fmt: skip
    def leave_it(self, request: HttpRequest, form: LeaveForm, pairing: Pairing) -> HttpResponse:
        drift.leave(pairing, form.cleaned_data["names"])
        self.log_change(request, pairing, gettext_noop("New subscriptions were left as they are."))
        return finished(request, self.change_url(pairing), _t("They are left as they are."), messages.SUCCESS)
