"""Starting scenarios in the admin: from a customer's page for one, from a scenario's page for many."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from integrations.actito.models import ActitoScenario, ScenarioEntry
from integrations.actito.starting import STARTABLE, STARTING, Unknown, order, prepared, stopped
from passes.models import PassTemplate
from portal import jobs
from portal.admin.customers import CustomerAdmin
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.extend import Link, extensions
from portal.admin.progress import end_in_sight
from portal.admin.replays import rate_field
from portal.admin.rights import row, rows
from portal.models import Customer, Job
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

KEYS_MOST = 1_000
ENTRIES_SHOWN = 50


class TwiceAsked(DialogForm):  # type: ignore[misc]  # a name for unfold's own
    """A form that says what will happen before it is taken: sent as it was a second time, it is valid."""

    data: Any
    click = forms.CharField(widget=forms.HiddenInput, max_length=36)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["click"].initial = str(uuid.uuid4())
        self.summary: dict[str, Any] = {}

    def summed_up(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What will happen, for the page."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        self.summary = self.summed_up(cleaned)
        now = hashlib.sha256(repr(sorted(self.summary.items())).encode()).hexdigest()
        if cleaned["seen"] != now:
            self.data = {**self.data.dict(), "seen": now}
            raise forms.ValidationError(_t("Read what will happen, then go on."))
        return cleaned


class StartForm(TwiceAsked):
    form_before_template = "admin/actito/start.html"
    scenario = forms.ModelChoiceField(
        label=_("Scenario"), queryset=ActitoScenario.objects.none(), widget=UnfoldAdminSelectWidget,
        help_text=_("Active ones with a Start block, of the connections that know this customer."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = row(self.request, Customer, self.object_id, Action.OPERATE)
        known = {each.namespace.removesuffix(":key") for each in self.customer.identities.all()}
        found = rows(self.request, ActitoScenario, Action.OPERATE).filter(STARTABLE, tenant=self.customer.tenant_id)
        keys = [each.pk for each in found.select_related("connection") if each.connection.source in known]
        self.fields["scenario"].queryset = found.filter(pk__in=keys)

    def summed_up(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        return {"scenario": str(cleaned["scenario"]), "customer": str(self.customer)}

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"summary": self.summary, "none": not self.fields["scenario"].queryset.exists()}


@dialog(
    label=_("Start a scenario"), needs=Action.OPERATE, title=_("Start a scenario of Actito's"), form=StartForm,
    icon="play_circle", submit=_("Go on"),
)  # fmt: skip
def start_scenario(admin: Any, request: HttpRequest, form: StartForm, customer: Customer) -> HttpResponse:
    """Of the customer's page."""
    url = reverse("admin:portal_customer_change", args=[customer.pk])
    scenario = form.cleaned_data["scenario"]
    try:
        order(scenario, customer, who=request.user.get_username(), click=form.cleaned_data["click"])
    except Unknown as problem:
        return finished(request, url, told(problem.sentence), messages.WARNING)
    admin.log_change(request, customer, gettext_noop("Scenario started."))
    return finished(request, url, _("The scenario is being started. What became of it shows here in a moment."))


class StartManyForm(TwiceAsked):
    form_before_template = "admin/actito/start_many.html"
    keys = forms.CharField(
        label=_("Customers"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Their keys, one a line, up to 1,000. Empty: everybody whom the connection knows."),
    )  # fmt: skip
    template = forms.ModelChoiceField(
        label=_("With a valid pass of"), queryset=PassTemplate.objects.none(), required=False,
        widget=UnfoldAdminSelectWidget, empty_label=_("With or without a pass"),
    )  # fmt: skip
    rate = rate_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scenario = row(self.request, ActitoScenario, self.object_id, Action.CONFIGURE)
        templates = rows(self.request, PassTemplate, Action.CONFIGURE)
        self.fields["template"].queryset = templates.filter(tenant=self.scenario.tenant_id)

    def clean_keys(self) -> list[int] | None:
        keys = {line.strip() for line in self.cleaned_data["keys"].splitlines() if line.strip()}
        if not keys:
            return None
        if len(keys) > KEYS_MOST:
            raise forms.ValidationError(_t("These are more than 1,000 keys."))
        known = self.scenario.connection.profiles().filter(customer__key__in=keys)
        found = dict(known.values_list("customer__key", "customer"))
        if missing := sorted(keys - found.keys()):
            said = _t("The connection knows nobody with these keys: %(keys)s.")
            raise forms.ValidationError(said % {"keys": ", ".join(missing[:5])})
        return sorted(found.values())

    def prepared(self, cleaned: dict[str, Any]) -> Job:
        template = cleaned["template"].pk if cleaned["template"] else None
        return prepared(
            self.scenario, template=template, customers=cleaned["keys"], rate=cleaned["rate"] or 0,
            click=cleaned["click"],
        )  # fmt: skip

    def summed_up(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        self.job = self.prepared(cleaned)
        return {"scenario": str(self.scenario), "number": self.job.total, "count": spaced(self.job.total)}

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        if not self.summary:
            return {}
        end = end_in_sight(self.job.total, self.scenario.connection.lane, self.job.rate)
        return {"summary": {**self.summary, "end": end}}


class Starts:
    """What the scenario's page adds: who entered, and starting it for many."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        scenario = self.get_object(request, object_id)  # type: ignore[attr-defined]
        startable = scenario is not None and stopped(scenario) is None
        return super().get_actions_detail(request, object_id) if startable else []  # type: ignore[misc]

    @dialog(
        label=_("Start for many"), needs=Action.CONFIGURE, title=_("Start this scenario for many customers"),
        form=StartManyForm, icon="play_circle", submit=_("Go on"), variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def start_many(self, request: HttpRequest, form: StartManyForm, scenario: ActitoScenario) -> HttpResponse:
        url = reverse("admin:actito_actitoscenario_change", args=[scenario.pk])
        if problem := stopped(scenario):
            return finished(request, url, told(problem), messages.ERROR)
        job, new = begun(form.job, scenario, request.user)
        if job is None:
            return finished(request, url, _("There is nothing to do."), messages.WARNING)
        if new:
            self.log_change(request, scenario, gettext_noop("Scenario started for many."))  # type: ignore[attr-defined]
        return leads_to(request, reverse("admin:portal_job_change", args=[job.pk]), _("It has begun. Follow it here."))


def begun(job: Job, scenario: ActitoScenario, by: Any) -> tuple[Job | None, bool]:
    """The started job, and whether this click was its first: under a lock, so that two of one click make one job."""
    if not job.total:
        return None, False
    with transaction.atomic():
        ActitoScenario.objects.select_for_update(of=("self",)).get(pk=scenario.pk)
        same = Job.objects.for_tenant(scenario.tenant_id).filter(kind=STARTING, payload__click=job.payload["click"])
        known = next((each for each in same if each.payload == job.payload), None)  # else others, or another scenario
        return (known, False) if known else (jobs.start(job, by=by), True)


def entries_of(scenario: ActitoScenario) -> list[ScenarioEntry]:
    """The newest, with what their lines name."""
    return list(scenario.entries.select_related("customer", "event")[:ENTRIES_SHOWN])


CustomerAdmin.takes(start_scenario)
extensions.links["scenario"] = Link("scenario", _("Scenario"), ActitoScenario, "admin:actito_actitoscenario_change")
