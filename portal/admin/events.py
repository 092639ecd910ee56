"""Events: the list, the trace of one arrival, and replay."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from portal import ledger
from portal.admin import navigation
from portal.admin.about import Named, people, related
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.dialogs import DialogForm, bulk_dialog, dialog, finished, leads_to
from portal.admin.filters import OF_JOB, HowDidItEnd, WhatHappened, WhichPart, statuses_asked
from portal.admin.home import titled
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows, ManyRowsList
from portal.admin.replays import ChosenForm, ReplayForm, ask, replayable, start_chosen
from portal.admin.site import site
from portal.admin.trace import TONES, trace_of
from portal.jobs.replays import CHOSEN_MOST
from portal.ledger import NotReplayable, kind_title
from portal.models import Event
from portal.sentences import told
from portal.tenancy import Action


class EventList(ManyRowsList):
    """Knows whom the shown Events are about."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        said = people(self.result_list)
        for event in self.result_list:
            event.about_whom = said.get(event.pk, "")


@admin.register(Event, site=site)
class EventAdmin(ManyRows, PageAdmin, TenantAdmin):
    list_display = ("moment", "what", "whom", "state", "tries", "sentence")
    list_display_links = ("moment", "what")
    list_filter = (HowDidItEnd, WhatHappened, WhichPart)
    search_fields = ("subject",)
    search_help_text = _("The beginning of a subject, for example actito:1:profile:3")
    list_per_page = 50
    change_form_template = "admin/portal/event.html"
    actions = ("replay_selected",)
    actions_detail = ("replay",)
    list_disable_select_all = True  # of all pages: dead letters of a connection are replayed on its page
    allowed_lookups = (OF_JOB,)
    empty_sentence = _("Whatever comes in or goes out shows here, from the first webhook on.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventList

    def parts(self, request: HttpRequest) -> list[Q]:
        """By status, where the index by kind has it before the number, and where several are asked for."""
        return [Q(status=status) for status in statuses_asked(request)] or [Q()]

    def begins_with(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(subject__startswith=term)

    @display(description=_("When"))
    def moment(self, event: Event) -> str:
        return when(event.created_at)

    @display(description=_("What"))
    def what(self, event: Event) -> str:
        return kind_title(event.kind)

    @display(description=_("About"), empty_value="")
    def whom(self, event: Event) -> str:
        return getattr(event, "about_whom", "") or Truncator(event.subject).chars(40)

    @display(description=_("Status"))
    def state(self, event: Event) -> str:
        return chip(TONES.get(event.status, "quiet"), event.get_status_display())

    @display(description=_("Tries"))
    def tries(self, event: Event) -> str:
        return str(event.attempts) if event.attempts else "–"

    @display(description=_("Outcome"))
    def sentence(self, event: Event) -> str:
        return format_html('<span class="portal-sentence">{}</span>', Truncator(told(event.outcome)).chars(140))

    def page_title(self, event: Event) -> str:
        return str(kind_title(event.kind))

    def page_context(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        trace = trace_of(event)
        events = [step.event for step in trace.steps]
        return {"trace": trace, "related": [*_job_of(event), *related(events)], "covered_by": event.merged_into}

    @dialog(
        label=_("Replay"), needs=Action.OPERATE, title=_("Run this event again?"), icon="replay", form=ReplayForm,
        description=_(
            "It is tried again now, with the values that are true now. A retry that was due later is cancelled. "
            "Your name is kept with it."
        ),
    )  # fmt: skip
    def replay(self, request: HttpRequest, form: DialogForm, event: Event) -> HttpResponse:
        url = reverse("admin:portal_event_change", args=[event.pk])
        try:
            ledger.replay(event.pk, by=request.user.get_username())
        except NotReplayable as refusal:
            return finished(request, url, str(refusal), messages.WARNING)
        return finished(request, url, _("The event runs again. Its new attempt shows here in a moment."))

    @bulk_dialog(label=_("Replay"), needs=Action.OPERATE)
    def replay_selected(self, request: HttpRequest, chosen: QuerySet[Event], confirmed: bool) -> HttpResponse:
        found = list(chosen.order_by("-pk")[:CHOSEN_MOST])
        events = replayable(found)
        form = ChosenForm(request.POST if confirmed else None)
        if not (confirmed and events and form.is_valid()):
            return ask(request, self.opts, titled(events), len(found) - len(events), form)
        started = start_chosen(events, by=request.user, rate=form.cleaned_data["rate"] or 0)
        url = reverse("admin:portal_job_change", args=[started[-1].pk])
        return leads_to(request, url, _("The events run again. Follow them here."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No button on what only notes something: there is nothing to run again."""
        event = self.get_object(request, object_id)
        runs = event is not None and replayable([event])
        return super().get_actions_detail(request, object_id) if runs else []


def _job_of(event: Event) -> list[Named]:
    if event.job is None:
        return []
    return [Named(_("Job"), told(event.job.title), reverse("admin:portal_job_change", args=[event.job.pk]))]


navigation.add(Event, _("Events"), icon="timeline", group=navigation.DAILY, position=30)
