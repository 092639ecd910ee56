"""Cards of another vendor: a file is dropped in, looked at, and imported by a job once somebody wants that."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from passes.card_import.job import begin
from passes.card_import.look import PROBLEMS_KEPT, look, problems_in
from passes.card_import.verdicts import IMPORTED, PROBLEMS, Verdict
from passes.models import CardImport, PassTemplate
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.export import file_of
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows
from portal.admin.rights import row, rows
from portal.admin.site import site
from portal.sentences import Explained, told
from portal.tenancy import Action
from portal.watch.words import spaced

FILE_LIMIT_MB = 200
PROBLEMS_SHOWN = 20
SKIP, MAKE = "skip", "make"
_TITLES: dict[str, str | Promise] = {
    Verdict.NEW: _("New: a pass is made"),
    Verdict.TAKES_OVER: _("The customer's pass, on no phone yet, becomes the card"),
    Verdict.HERE: _("Here already"),
    Verdict.UNKNOWN: _("No customer has the key"),
    Verdict.OTHER: _("The serial number is here with another token or customer"),
    Verdict.SECOND: _("The customer has another card"),
    Verdict.REPEATED: _("Twice in the file, with different contents"),
    Verdict.BAD: _("The line cannot be used"),
}


class UploadForm(DialogForm):
    template = forms.ModelChoiceField(
        label=_("Template"), queryset=PassTemplate.objects.none(), widget=UnfoldAdminSelectWidget,
        help_text=_("It must have the Apple certificate that the cards were made with, and be published."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File"), widget=UnfoldAdminFileFieldWidget, max_length=200,
        help_text=_("CSV. Columns: serialNumber, authenticationToken, customer; for phones also "
                    "deviceLibraryIdentifier and pushToken. Others are values, by their names."),
    )  # fmt: skip

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, files=request.FILES or None, **kwargs)
        templates = rows(request, PassTemplate, Action.CONFIGURE).filter(tenant__suspended_at=None)
        self.fields["template"].queryset = templates.filter(apple__isnull=False, published__isnull=False)

    def clean_file(self) -> UploadedFile:
        given: UploadedFile = self.cleaned_data["file"]
        if (given.size or 0) > FILE_LIMIT_MB * 1024 * 1024:
            raise forms.ValidationError(_t("The file has more than %(limit)s MB.") % {"limit": FILE_LIMIT_MB})
        return given

    def clean(self) -> dict[str, Any]:
        """Looks at the file, so that what is wrong with it stands in the dialog."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "file" in cleaned and "template" in cleaned:
            given, who = cleaned["file"], self.request.user.get_username()
            try:
                self.seen = look(cleaned["template"], given.file, name=str(given.name)[:200], who=who)
            except Explained as problem:
                self.add_error("file", told(problem.sentence))
        return cleaned


class BeginForm(DialogForm):
    form_before_template = "admin/passes/card_import_begin.html"
    unknown = forms.ChoiceField(
        label=_("Keys that no customer has"), widget=UnfoldAdminSelectWidget,
        choices=[(SKIP, _("Leave these cards out")), (MAKE, _("Make a customer"))],
        help_text=_("The first profile that comes with the key fills the customer in."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen = row(self.request, CardImport, self.object_id, Action.CONFIGURE)
        if not self.seen.found.get(Verdict.UNKNOWN):
            del self.fields["unknown"]

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"figures": _figures(self.seen.found)}


def _figures(counts: dict[str, int]) -> list[tuple[Any, str, bool]]:
    """Title, number, and whether these lines make no pass."""
    wrong = {*PROBLEMS, Verdict.BAD}
    return [(title, spaced(counts[name]), name in wrong) for name, title in _TITLES.items() if counts.get(name)]


def _state(seen: CardImport) -> tuple[str, str]:
    """Tone and words."""
    if seen.looked_at is None:
        return "warn", _t("Not read to its end")
    if seen.job is None:
        return "busy", _t("Looked at")
    return ("good", _t("Imported")) if seen.job.finished_at else ("busy", _t("Being imported"))


@admin.register(CardImport, site=site)
class CardImportAdmin(ManyRows, PageAdmin, TenantAdmin):
    list_display = ("file_name", "template", "number", "state", "who", "moment")
    list_select_related = ("template", "job")
    change_form_template = "admin/passes/card_import.html"
    actions_list = ("upload",)
    actions_detail = ("begin", "remove")
    empty_sentence = _("Cards that another vendor issued go on here: drop their export in, and see first what it does.")

    @display(description=_("Lines"))
    def number(self, seen: CardImport) -> str:
        return spaced(seen.lines)

    @display(description=_("State"))
    def state(self, seen: CardImport) -> str:
        return chip(*_state(seen))

    @display(description=_("Uploaded"))
    def moment(self, seen: CardImport) -> str:
        return when(seen.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("template", "job")

    def page_context(self, request: HttpRequest, seen: CardImport) -> dict[str, Any]:
        download = reverse("admin:passes_cardimport_problems", args=[seen.pk])
        return {
            "state": chip(*_state(seen)),
            "found": _figures(seen.found),
            "done": _figures(seen.done),
            "problems": [(each, told(each.problem)) for each in seen.problems.all()[:PROBLEMS_SHOWN]],
            "problems_url": download if self.permits(request, Action.CONFIGURE, seen) else "",
            "left_out": max(0, problems_in(seen.found) - PROBLEMS_KEPT),
        }

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        seen = self.get_object(request, object_id)
        waits = seen is not None and seen.looked_at and not seen.job
        free = seen is not None and (seen.job is None or seen.job.finished_at)
        offered = {"begin": waits and _importable(seen), "remove": free}
        actions = super().get_actions_detail(request, object_id)
        return [each for each in actions if offered[each.action_name.removeprefix("passes_cardimport_")]]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.problems_view)
        return [path("<path:object_id>/problems.csv", view, name="passes_cardimport_problems"), *super().get_urls()]

    def problems_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        seen = self.scoped_object(request, object_id, Action.CONFIGURE)
        cells = [
            (_t("Line"), lambda each: each.line),
            (_t("Serial number"), lambda each: each.serial),
            (_t("Problem"), lambda each: told(each.problem)),
        ]
        return file_of("problems", cells, seen.problems.all())

    @dialog(
        label=_("Import cards"), needs=Action.CONFIGURE, title=_("Import cards of another vendor"), form=UploadForm,
        icon="upload_file", submit=_("Look at the file"), variant=ActionVariant.PRIMARY,
        description=_("The file is read and you see what would happen. Nothing is imported yet."),
    )  # fmt: skip
    def upload(self, request: HttpRequest, form: UploadForm) -> HttpResponse:
        self.log_addition(request, form.seen, "")
        url = reverse("admin:passes_cardimport_change", args=[form.seen.pk])
        return leads_to(request, url, _("This is what the file would do. Nothing is imported yet."))

    @dialog(
        label=_("Import"), needs=Action.CONFIGURE, title=_("Import these cards?"), form=BeginForm, icon="input",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def begin(self, request: HttpRequest, form: BeginForm, seen: CardImport) -> HttpResponse:
        job = begin(seen, makes_customers=form.cleaned_data.get("unknown") == MAKE, by=request.user)
        if job is None:
            page = reverse("admin:passes_cardimport_change", args=[seen.pk])
            return finished(request, page, _("This import was started already."), messages.WARNING)
        self.log_change(request, seen, gettext_noop("Import of cards started."))
        return leads_to(request, reverse("admin:portal_job_change", args=[job.pk]), _("It has begun. Follow it here."))

    @dialog(
        label=_("Remove"), needs=Action.CONFIGURE, title=_("Remove this import?"), icon="delete",
        description=_("The list of problems goes, and what waits to be imported. Imported cards stay."),
    )  # fmt: skip
    def remove(self, request: HttpRequest, form: DialogForm, seen: CardImport) -> HttpResponse:
        url = reverse("admin:passes_cardimport_changelist")
        if seen.job and not seen.job.finished_at:
            return leads_to(request, url, _("Cancel its job first."), messages.WARNING)
        self.log_deletions(request, [seen])
        seen.delete()
        return leads_to(request, url, _("The import is removed."))


def _importable(seen: CardImport) -> bool:
    return any(seen.found.get(verdict) for verdict in (*IMPORTED, Verdict.UNKNOWN, Verdict.HERE))


navigation.add(CardImport, _("Import cards"), icon="upload_file", group=navigation.SET_UP, position=12)
