"""Replaying: one event, those that were chosen in the list, all dead letters of a connection since a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal import jobs
from portal.admin.dialogs import DialogForm
from portal.admin.extend import Carried, extensions
from portal.admin.rights import row
from portal.admin.site import site
from portal.jobs.replays import REPLAY, dead_letters, payload_since
from portal.ledger import kind_title
from portal.ledger.registry import registry
from portal.models import Event, Job
from portal.sentences import say, say_many
from portal.tenancy import Action

RATE_MOST = 60_000
WHOLE_MINUTE = "%Y-%m-%dT%H:%M"


class Moment(UnfoldAdminTextInputWidget):
    input_type = "datetime-local"

    def format_value(self, value: Any) -> Any:
        """The field has made it local, and naive, already."""
        return value.strftime(WHOLE_MINUTE) if isinstance(value, datetime) else value


def rate_field() -> forms.IntegerField:
    return forms.IntegerField(
        label=_("At most, a minute"), required=False, min_value=1, max_value=RATE_MOST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Empty: as fast as the remote account allows. Webhooks go on meanwhile."),
    )  # fmt: skip


class ReplayForm(DialogForm):
    """Of one event: what it carries, and what of it would stay as it is."""

    form_before_template = "admin/portal/carried.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        event = row(request, Event, object_id, Action.OPERATE)
        return {"carries": event.kind in extensions.carried, "values": carried_by(event)}


def carried_by(event: Event) -> list[Carried]:
    find = extensions.carried.get(event.kind)
    return find(event) if find else []


class SinceForm(DialogForm):
    """Of all dead letters of a connection. A subclass says of which: `source()`."""

    form_before_template = "admin/portal/dead_letters.html"
    since = forms.DateTimeField(label=_("Failed since"), widget=Moment)
    kind = forms.ChoiceField(label=_("What"), required=False, widget=UnfoldAdminSelectWidget)
    rate = rate_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant_id, self.source = self.of()
        self.kinds = failed_kinds(dead_letters(self.tenant_id, self.source))
        self.fields["kind"].choices = [("", _("Everything")), *((each["kind"], each["title"]) for each in self.kinds)]
        self.fields["since"].initial = min((each["oldest"] for each in self.kinds), default=timezone.now())

    def of(self) -> tuple[int, str]:
        """The tenant, and how the ledger names the connection."""
        raise NotImplementedError

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"kinds": self.kinds, "carrying": sum(each["number"] for each in self.kinds if each["carries"])}

    def prepared(self, connection: Any) -> Job:
        """The job, counted and not started."""
        since, kind = self.cleaned_data["since"], self.cleaned_data["kind"]
        failed = dead_letters(self.tenant_id, self.source, since, kind)
        until = failed.aggregate(until=Max("pk"))["until"] or 0
        return jobs.prepared(
            REPLAY,
            tenant_id=self.tenant_id,
            payload=payload_since(self.source, since, kind, until),
            title=say(
                "Replay what failed of %(connection)s since %(since)s", connection=connection,
                since=timezone.localtime(since).strftime("%d.%m.%Y %H:%M"),
            ),
            rate=self.cleaned_data["rate"] or 0,
        )  # fmt: skip


def failed_kinds(failed: QuerySet[Event]) -> list[dict[str, Any]]:
    """How many of each kind, since when, and whether they carry values."""
    found = failed.order_by().values("kind").annotate(number=Count("pk"), oldest=Min("finished_at"))
    told = [
        {**each, "title": kind_title(each["kind"]), "carries": each["kind"] in extensions.carried} for each in found
    ]
    return sorted(told, key=lambda each: str(each["title"]))


class ChosenForm(forms.Form):
    rate = rate_field()


def replayable(events: Iterable[Event]) -> list[Event]:
    """Those that can run again: nothing that only notes something, runs now, or is covered by another."""
    kept = {Event.Status.MERGED, Event.Status.LEASED}
    return [event for event in events if event.kind in registry.kinds and event.status not in kept]


def ask(request: HttpRequest, opts: Any, events: list[Event], left_out: int, form: ChosenForm) -> TemplateResponse:
    """The page between choosing events and replaying them."""
    context = {
        **site.each_context(request),
        "title": _("Run these events again?"),
        "opts": opts,
        "events": events,
        "left_out": left_out,
        "carrying": sum(event.kind in extensions.carried for event in events),
        "form": form,
    }
    return TemplateResponse(request, "admin/portal/replay_chosen.html", context)


def start_chosen(events: list[Event], *, by: Any, rate: int) -> list[Job]:
    """A job for each tenant; only superusers choose from several."""
    by_tenant: dict[int, list[int]] = {}
    for event in events:
        by_tenant.setdefault(event.tenant_id, []).append(event.pk)
    return [
        jobs.start(
            jobs.prepared(
                REPLAY,
                tenant_id=tenant_id,
                payload={"events": keys},
                title=say_many("Replay %(count)s chosen event", "Replay %(count)s chosen events", count=len(keys)),
                rate=rate,
            ),
            by=by,
        )
        for tenant_id, keys in by_tenant.items()
    ]
