"""Long work on a connection's page: reading all profiles again, replaying what failed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from integrations.actito import rereading
from integrations.actito.models import ActitoConnection
from portal import jobs
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.progress import end_in_sight
from portal.admin.replays import SinceForm, rate_field
from portal.admin.rights import row
from portal.models import Job
from portal.tenancy import Action
from portal.watch.words import spaced

# In the connection's header, one menu for both.
CATCH_UP = {"title": _("Catch up"), "icon": "sync", "items": ["read_again", "replay_failed"]}


class ReadAgainForm(DialogForm):
    form_before_template = "admin/actito/read_again.html"
    rate = rate_field()

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        connection = row(request, ActitoConnection, object_id, Action.OPERATE)
        job = rereading.prepared(connection)
        return {"count": spaced(job.total), "end": end_in_sight(job.total, connection.lane)}


class ReplayFailedForm(SinceForm):
    def of(self) -> tuple[int, str]:
        connection = row(self.request, ActitoConnection, self.object_id, Action.OPERATE)
        return connection.tenant_id, connection.source


class LongWork:
    """Dialogs of the connection's admin."""

    @dialog(
        label=_("Read all profiles again"), needs=Action.OPERATE, title=_("Read all profiles again?"), icon="sync",
        form=ReadAgainForm, submit=_("Read them"),
    )  # fmt: skip
    def read_again(self, request: HttpRequest, form: ReadAgainForm, connection: ActitoConnection) -> HttpResponse:
        job = rereading.prepared(connection, form.cleaned_data["rate"] or 0)
        note = gettext_noop("Had all its profiles read again.")
        return self._begun(request, connection, job, note)

    @dialog(
        label=_("Replay what failed"), needs=Action.OPERATE, title=_("Replay what failed?"), icon="replay",
        form=ReplayFailedForm, submit=_("Replay"),
    )  # fmt: skip
    def replay_failed(self, request: HttpRequest, form: ReplayFailedForm, connection: ActitoConnection) -> HttpResponse:
        note = gettext_noop("Had replayed what failed.")
        return self._begun(request, connection, form.prepared(connection), note)

    def _begun(self, request: HttpRequest, connection: ActitoConnection, job: Job, note: str) -> HttpResponse:
        if not job.total:
            return finished(request, self.change_url(connection), _("There is nothing to do."), messages.WARNING)
        jobs.start(job, by=request.user)
        self.log_change(request, connection, note)
        return leads_to(request, reverse("admin:portal_job_change", args=[job.pk]), _("It has begun. Follow it here."))
