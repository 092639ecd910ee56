"""What pages of imports have in common: a file is dropped in, looked at, and imported by a job once that is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.dialogs import DialogForm, finished, leads_to
from portal.admin.export import Cell, file_of
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows
from portal.models import Job
from portal.tenancy import Action
from portal.watch.words import spaced

FILE_LIMIT_MB = 200
PROBLEMS_SHOWN = 20


class FileForm(DialogForm):
    """A subclass has a field `file`."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, files=request.FILES or None, **kwargs)

    def clean_file(self) -> UploadedFile:
        given: UploadedFile = self.cleaned_data["file"]
        if (given.size or 0) > FILE_LIMIT_MB * 1024 * 1024:
            raise forms.ValidationError(_t("The file has more than %(limit)s MB.") % {"limit": FILE_LIMIT_MB})
        return given


def state_of(seen: Any) -> tuple[str, str]:
    """Tone and words. One that a worker looks at has `refused`: why nothing of it can be used."""
    looks_on = hasattr(seen, "refused")
    if seen.looked_at is None:
        return ("busy", _t("Being looked at")) if looks_on else ("warn", _t("Not read to its end"))
    if looks_on and seen.refused:
        return "bad", _t("Cannot be used")
    if seen.job is None:
        return "busy", _t("Looked at")
    return ("good", _t("Imported")) if seen.job.finished_at else ("busy", _t("Being imported"))


class FileImportAdmin(ManyRows, PageAdmin, TenantAdmin):
    """Rows have `lines`, `looked_at`, `job`, `created_at`, `problems`. A subclass has the two dialogs."""

    list_select_related: tuple[str, ...] = ("job",)
    actions_detail = ("begin", "remove")

    @display(description=_("Lines"))
    def number(self, seen: Any) -> str:
        return spaced(seen.lines)

    @display(description=_("State"))
    def state(self, seen: Any) -> str:
        return chip(*state_of(seen))

    @display(description=_("Uploaded"))
    def moment(self, seen: Any) -> str:
        return when(seen.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def is_importable(self, seen: Any) -> bool:
        """Whether there is anything in it to import."""
        raise NotImplementedError

    def problem_cells(self) -> Iterable[Cell]:
        """The columns of the file of problems."""
        raise NotImplementedError

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        seen = self.get_object(request, object_id)
        waits = seen is not None and seen.looked_at and not seen.job
        free = seen is not None and (seen.job is None or seen.job.finished_at)
        offered = {"begin": waits and self.is_importable(seen), "remove": free}
        actions = super().get_actions_detail(request, object_id)
        return [each for each in actions if offered[each.action_name.removeprefix(f"{self._prefix}_")]]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.problems_view)
        return [path("<path:object_id>/problems.csv", view, name=f"{self._prefix}_problems"), *super().get_urls()]

    @property
    def _prefix(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def problems_url(self, request: HttpRequest, seen: Any) -> str:
        """Empty for those who may not take them along."""
        address = reverse(f"admin:{self._prefix}_problems", args=[seen.pk])
        return address if self.permits(request, Action.CONFIGURE, seen) else ""

    def problems_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        seen = self.scoped_object(request, object_id, Action.CONFIGURE)
        return file_of("problems", self.problem_cells(), seen.problems.all())

    def begun(self, request: HttpRequest, seen: Any, job: Job | None, *, entry: str) -> HttpResponse:
        """Leads to the job, or says that somebody else has started it. `entry` stands in the history."""
        if job is None:
            page = reverse(f"admin:{self._prefix}_change", args=[seen.pk])
            return finished(request, page, _("This import was started already."), messages.WARNING)
        self.log_change(request, seen, entry)
        return leads_to(request, reverse("admin:portal_job_change", args=[job.pk]), _("It has begun. Follow it here."))

    def removed(self, request: HttpRequest, seen: Any) -> HttpResponse:
        """Removes an import whose job, if it has one, has ended."""
        url = reverse(f"admin:{self._prefix}_changelist")
        if seen.job and not seen.job.finished_at:
            return leads_to(request, url, _("Cancel its job first."), messages.WARNING)
        self.log_deletions(request, [seen])
        seen.delete()
        return leads_to(request, url, _("The import is removed."))
