"""Starting a scenario for customers who were ticked in their list: a page asks which one, and says for how many."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.actito.models import ActitoScenario
from integrations.actito.starting import STARTABLE, prepared
from integrations.actito.starting_admin import KEYS_MOST, begun
from portal.admin.customers import CustomerAdmin
from portal.admin.dialogs import bulk_dialog, finished, leads_to
from portal.admin.replays import rate_field
from portal.admin.rights import rows
from portal.admin.site import site
from portal.models import Customer, Job
from portal.tenancy import Action
from portal.watch.words import spaced


class ChosenForm(forms.Form):
    """`click`: one sending of the page is one start, however often it comes."""

    scenario = forms.ModelChoiceField(
        label=_("Scenario"), queryset=ActitoScenario.objects.none(), widget=UnfoldAdminSelectWidget,
        help_text=_("Active ones with a Start block."),
    )  # fmt: skip
    rate = rate_field()

    def __init__(self, request: HttpRequest, customers: list[Customer], data: Any = None) -> None:
        super().__init__(data)
        found = rows(request, ActitoScenario, Action.CONFIGURE).filter(STARTABLE)
        tenants = {each.tenant_id for each in customers}
        self.fields["scenario"].queryset = found.filter(tenant__in=tenants).select_related("connection")  # type: ignore[attr-defined]


@bulk_dialog(label=_("Start a scenario"), needs=Action.CONFIGURE)
def start_for_chosen(admin: Any, request: HttpRequest, chosen: QuerySet[Customer], confirmed: bool) -> HttpResponse:
    """Of the list of customers."""
    customers = list(chosen.order_by("pk")[: KEYS_MOST + 1])
    if len(customers) > KEYS_MOST:
        said = ngettext(
            "You chose more than %(most)s customer. Use “Start for many” on the page of the scenario.",
            "You chose more than %(most)s customers. Use “Start for many” on the page of the scenario.", KEYS_MOST,
        )  # fmt: skip
        url = reverse("admin:portal_customer_changelist")
        return finished(request, url, said % {"most": spaced(KEYS_MOST)}, messages.WARNING)
    form = ChosenForm(request, customers, request.POST if "scenario" in request.POST else None)
    job = _job(form, customers, request.POST.get("click", "")) if form.is_bound and form.is_valid() else None
    if not (confirmed and job):
        return _ask(request, admin.opts, customers, form, job)
    url = reverse("admin:portal_customer_changelist")
    scenario = form.cleaned_data["scenario"]
    started, new = begun(job, scenario, request.user)
    if started is None:
        return finished(request, url, _("The scenario's connection knows none of them."), messages.WARNING)
    if new:
        admin.log_change(request, scenario, gettext_noop("Scenario started for many."))
    page = reverse("admin:portal_job_change", args=[started.pk])
    return leads_to(request, page, _("It has begun. Follow it here."))


def _job(form: ChosenForm, customers: list[Customer], click: str) -> Job:
    """Counted, and not started."""
    return prepared(
        form.cleaned_data["scenario"], template=None, customers=[each.pk for each in customers],
        rate=form.cleaned_data["rate"] or 0, click=click[:36],
    )  # fmt: skip


def _ask(
    request: HttpRequest, opts: Any, customers: list[Customer], form: ChosenForm, job: Job | None
) -> TemplateResponse:
    """Which scenario; and once that is said, for how many, before anything starts."""
    context = {
        **site.each_context(request), "title": _("Start a scenario of Actito's"), "opts": opts, "customers": customers,
        "form": form, "job": job, "scenario": form.cleaned_data["scenario"] if job else None,
        "left_out": len(customers) - job.total if job else 0, "click": request.POST.get("click") or uuid.uuid4(),
    }  # fmt: skip
    return TemplateResponse(request, "admin/actito/start_chosen.html", context)


CustomerAdmin.takes_many(start_for_chosen)
