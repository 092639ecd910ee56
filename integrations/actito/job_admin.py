"""Long work on a connection's page: importing customers, reading all profiles again, replaying what failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.widgets import UnfoldAdminFileFieldWidget

from integrations.actito import rereading
from integrations.actito.customer_import.upload import receive
from integrations.actito.models import ActitoConnection
from portal import jobs
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.imports import FileForm
from portal.admin.progress import end_in_sight
from portal.admin.replays import Moment, SinceForm, rate_field
from portal.admin.rights import row
from portal.models import Job
from portal.sentences import Explained, told
from portal.tenancy import Action
from portal.watch.words import spaced

# In the connection's header, one menu for all.
CATCH_UP = {"title": _("Catch up"), "icon": "sync", "items": ["import_customers", "read_again", "replay_failed"]}


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


class CustomersForm(FileForm):
    file = forms.FileField(
        label=_("File"), widget=UnfoldAdminFileFieldWidget, max_length=200,
        help_text=_("CSV, as Actito exports the profile table. Columns are found by the names of the mapped "
                    "attributes; the unique attribute or profileId says whom a line is about."),
    )  # fmt: skip
    exported_at = forms.DateTimeField(
        label=_("When it was exported"),
        widget=Moment,
        help_text=_("What Actito told the portal after that moment is newer than the file, and stays."),
    )

    def clean_exported_at(self) -> datetime:
        given: datetime = self.cleaned_data["exported_at"]
        if given > timezone.now() + timedelta(minutes=1):
            raise forms.ValidationError(_t("This moment is still to come."))
        return given

    def clean(self) -> dict[str, Any]:
        """Keeps the file, after a glance: what is wrong with it as a whole stands in the dialog."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "file" in cleaned and "exported_at" in cleaned:
            connection = row(self.request, ActitoConnection, self.object_id, Action.CONFIGURE)
            given, who = cleaned["file"], self.request.user.get_username()
            try:
                self.seen = receive(
                    connection, given.file, name=str(given.name)[:200], who=who, exported_at=cleaned["exported_at"]
                )
            except Explained as problem:
                self.add_error("file", told(problem.sentence))
        return cleaned


class LongWork:
    """Dialogs of the connection's admin."""

    @dialog(
        label=_("Import customers"), needs=Action.CONFIGURE, title=_("Import customers from a file"),
        icon="upload_file", form=CustomersForm, submit=_("Look at the file"),
        description=_("The file is read and you see what would happen. Nothing is imported yet."),
    )  # fmt: skip
    def import_customers(self, request: HttpRequest, form: CustomersForm, connection: ActitoConnection) -> HttpResponse:
        self.log_change(request, connection, gettext_noop("Had a file of customers looked at."))
        url = reverse("admin:actito_customerimport_change", args=[form.seen.pk])
        return leads_to(request, url, _("The file is looked at. Nothing is imported yet."))

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
