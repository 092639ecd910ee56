"""Jobs in the admin: what runs, how far it is, what failed; pausing, resuming, cancelling and trying again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from portal import jobs
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import when
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.extend import Link, Panel, extensions
from portal.admin.filters import Question
from portal.admin.home import register_panel, titled
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows, ManyRowsList
from portal.admin.progress import Standing, bar, counted, figures, standing, state_chip
from portal.admin.rights import allowed_tenants
from portal.admin.site import site
from portal.jobs import CannotSteer, needed_for
from portal.jobs.steer import UNDER_WAY
from portal.models import Event, Job
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

# What its kind needs is one of these: `JobAdmin.permits` asks for that one.
STEERING = (Action.OPERATE, Action.CONFIGURE)
FAILED_SHOWN = 20
PANEL_SHOWN = 5


class WhichState(Question):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Job.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class JobList(ManyRowsList):
    """Knows how far the shown jobs are."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        for job, tally in counted(self.result_list):
            job.tally = tally


@admin.register(Job, site=site)
class JobAdmin(ManyRows, PageAdmin, TenantAdmin):
    list_display = ("name", "how_far", "status", "failed", "who", "moment")
    list_filter = (WhichState,)
    change_form_template = "admin/portal/job.html"
    actions_detail = ("pause", "resume", "retry_failed", "cancel")
    empty_sentence = _("Publishing a template, reading all profiles again and replaying many events are jobs.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return JobList

    def permits(self, request: HttpRequest, action: Action | None, obj: Any = None) -> bool:
        """Steering a job takes what starting it took."""
        if action in STEERING and obj is not None and needed_for(_kind(obj)) != action:
            return False
        return super().permits(request, action, obj)

    def has_operate_or_configure_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return any(self.permits(request, each, obj) for each in STEERING)

    @display(description=_("Job"))
    def name(self, job: Job) -> str:
        return told(job.title)

    @display(description=_("Progress"))
    def how_far(self, job: Job) -> str:
        return bar(job, job.tally)

    @display(description=_("State"))
    def status(self, job: Job) -> str:
        return state_chip(job, job.tally)

    @display(description=_("Failed"))
    def failed(self, job: Job) -> str:
        return spaced(job.tally.failed) if job.tally.failed else "–"

    @display(description=_("Created"))
    def moment(self, job: Job) -> str:
        return when(job.created_at)

    def page_title(self, job: Job) -> str:
        return told(job.title)

    def page_context(self, request: HttpRequest, job: Job) -> dict[str, Any]:
        shown = _standing(request, job)
        wrong = Event.objects.filter(job=job, status__in=Event.UNRESOLVED).order_by("-pk")
        chain = reverse("admin:portal_event_change", args=[shown.feeder.pk]) if shown.feeder else ""
        return {
            "standing": shown,
            "figures": figures(shown.tally),
            "rows_url": f"{reverse('admin:portal_event_changelist')}?job={job.pk}",
            "wrong": titled(list(wrong[:FAILED_SHOWN])),
            "more": shown.tally.failed + shown.tally.uncertain > FAILED_SHOWN,
            "chain_url": chain,
        }

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """A page that looks again, and would have other buttons now, is loaded anew."""
        response = super().change_view(request, object_id, form_url, extra_context)
        shown = (getattr(response, "context_data", None) or {}).get("standing")
        seen = request.GET.get("seen")
        if shown and seen and request.headers.get("HX-Request") and seen != shown.signature:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return response

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        job = self.get_object(request, object_id)
        offered = _offered(_standing(request, job)) if job else set()
        actions = super().get_actions_detail(request, object_id)
        return [each for each in actions if each.action_name.removeprefix("portal_job_") in offered]

    @dialog(
        label=_("Pause"), needs=STEERING, title=_("Pause this job?"), icon="pause",
        description=_("Nothing more is begun. What has been begun ends. You can resume it whenever you want."),
    )  # fmt: skip
    def pause(self, request: HttpRequest, form: DialogForm, job: Job) -> HttpResponse:
        return self._steered(request, job, jobs.pause, gettext_noop("Paused."), _("The job is paused."))

    @dialog(
        label=_("Resume"), needs=STEERING, title=_("Resume this job?"), icon="play_arrow",
        variant=ActionVariant.PRIMARY, description=_("It goes on where it stopped."),
    )  # fmt: skip
    def resume(self, request: HttpRequest, form: DialogForm, job: Job) -> HttpResponse:
        return self._steered(request, job, jobs.resume, gettext_noop("Resumed."), _("The job goes on."))

    @dialog(
        label=_("Cancel"), needs=STEERING, title=_("Cancel this job?"), icon="cancel", submit=_("Cancel the job"),
        description=_("What has been done stays. What waits is not done, and the job cannot be resumed."),
    )  # fmt: skip
    def cancel(self, request: HttpRequest, form: DialogForm, job: Job) -> HttpResponse:
        return self._steered(request, job, jobs.cancel, gettext_noop("Cancelled."), _("The job is cancelled."))

    @dialog(
        label=_("Retry failed rows"), needs=STEERING, title=_("Try the failed rows again?"), icon="replay",
        variant=ActionVariant.PRIMARY, submit=_("Try again"),
        description=_("Each failed row runs again with the values that are true now. Your name is kept with it."),
    )  # fmt: skip
    def retry_failed(self, request: HttpRequest, form: DialogForm, job: Job) -> HttpResponse:
        said = _("The failed rows run again.")
        return self._steered(request, job, jobs.retry_failed, gettext_noop("Failed rows tried again."), said)

    def _steered(
        self, request: HttpRequest, job: Job, steer: Callable[..., Any], note: str, sentence: Any
    ) -> HttpResponse:
        url = reverse("admin:portal_job_change", args=[job.pk])
        try:
            steer(job, by=request.user.get_username())
        except CannotSteer as refusal:
            return finished(request, url, told(refusal.sentence), messages.WARNING)
        self.log_change(request, job, note)
        return finished(request, url, sentence)


def _kind(job_or_key: Any) -> str:
    """Unfold hands over keys as text."""
    if isinstance(job_or_key, Job):
        return job_or_key.kind
    found = Job.objects.filter(pk=job_or_key) if str(job_or_key).isdecimal() else Job.objects.none()
    return found.values_list("kind", flat=True).first() or ""


def _standing(request: HttpRequest, job: Job) -> Standing:
    """Counted once for a page."""
    kept = request.__dict__.setdefault("_portal_job", {})
    if job.pk not in kept:
        kept[job.pk] = standing(job, jobs.tally(job))
    return kept[job.pk]


def _offered(shown: Standing) -> set[str]:
    state, failed = shown.job.state, shown.tally.failed
    offered = {"cancel"} if state in UNDER_WAY else set()
    if shown.stuck or state == Job.State.PAUSED:
        return offered | {"resume"}
    if state == Job.State.RUNNING:
        offered.add("pause")
    return offered | {"retry_failed"} if failed and state in {Job.State.RUNNING, Job.State.DONE} else offered


def panel(request: HttpRequest) -> Panel | None:
    """Jobs under way, on Home; nothing while there are none."""
    found = Job.objects.filter(Q(tenant_id__in=allowed_tenants(request, Action.VIEW)), state__in=UNDER_WAY)
    running = [standing(job, tally) for job, tally in counted(found.order_by("-pk")[:PANEL_SHOWN])]
    return Panel(_("Jobs"), "admin/portal/jobs_panel.html", {"jobs": running}, position=10) if running else None


register_panel(panel)
extensions.links["job"] = Link("job", _("Job"), Job, "admin:portal_job_change", person=lambda job: told(job.title))
navigation.add(Job, _("Jobs"), icon="checklist", group=navigation.DAILY, position=40)
