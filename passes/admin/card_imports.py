"""Cards of another vendor: a file is dropped in, looked at, and imported by a job once somebody wants that."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from passes.card_import.job import begin
from passes.card_import.look import PROBLEMS_KEPT, look, problems_in
from passes.card_import.verdicts import IMPORTED, PROBLEMS, Verdict
from passes.models import CardImport, PassTemplate
from portal.admin import navigation
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, leads_to
from portal.admin.export import Cell
from portal.admin.imports import PROBLEMS_SHOWN, FileForm, FileImportAdmin, state_of
from portal.admin.rights import row, rows
from portal.admin.site import site
from portal.sentences import Explained, told
from portal.tenancy import Action
from portal.watch.words import spaced

SKIP, MAKE = "skip", "make"
_TITLES: dict[str, str | Promise] = {
    Verdict.NEW: _("New: a pass is made"),
    Verdict.TAKES_OVER: _("The customer's pass, on no phone yet, becomes the card"),
    Verdict.JOINS: _("The customer's pass gets the card in Google Wallet"),
    Verdict.HERE: _("Here already"),
    Verdict.UNKNOWN: _("No customer has the key"),
    Verdict.OTHER: _("The serial number is here with another token or customer"),
    Verdict.OTHER_OBJECT: _("The Google object is here on another pass"),
    Verdict.SECOND: _("The customer has another card"),
    Verdict.SECOND_OBJECT: _("The customer has another card in Google Wallet"),
    Verdict.REPEATED: _("Twice in the file, with different contents"),
    Verdict.BAD: _("The line cannot be used"),
}


class UploadForm(FileForm):
    template = forms.ModelChoiceField(
        label=_("Template"), queryset=PassTemplate.objects.none(), widget=UnfoldAdminSelectWidget,
        help_text=_("It must have the Apple certificate, or the Google issuer, of the cards, and be published."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File"), widget=UnfoldAdminFileFieldWidget, max_length=200,
        help_text=_("CSV. Columns: customer; for Apple Wallet serialNumber and authenticationToken, for iPhones also "
                    "deviceLibraryIdentifier and pushToken; for Google Wallet googleObjectId. Others are values, by "
                    "their names."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        templates = rows(self.request, PassTemplate, Action.CONFIGURE).filter(tenant__suspended_at=None)
        of_a_wallet = Q(apple__isnull=False) | Q(google__isnull=False)
        self.fields["template"].queryset = templates.filter(of_a_wallet, published__isnull=False)

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
        return {"figures": _figures(self.seen.found), "template": self.seen.template}


def _figures(counts: dict[str, int]) -> list[tuple[Any, str, bool]]:
    """Title, number, and whether these lines make no pass."""
    wrong = {*PROBLEMS, Verdict.BAD}
    return [(title, spaced(counts[name]), name in wrong) for name, title in _TITLES.items() if counts.get(name)]


@admin.register(CardImport, site=site)
class CardImportAdmin(FileImportAdmin):
    list_display = ("file_name", "template", "number", "state", "who", "moment")
    list_select_related = ("template", "job")
    change_form_template = "admin/passes/card_import.html"
    actions_list = ("upload",)
    empty_sentence = _("Cards that another vendor issued go on here: drop their export in, and see first what it does.")

    def page_context(self, request: HttpRequest, seen: CardImport) -> dict[str, Any]:
        return {
            "state": chip(*state_of(seen)),
            "found": _figures(seen.found),
            "done": _figures(seen.done),
            "problems": [(each, told(each.problem)) for each in seen.problems.all()[:PROBLEMS_SHOWN]],
            "problems_url": self.problems_url(request, seen),
            "left_out": max(0, problems_in(seen.found) - PROBLEMS_KEPT),
        }

    def is_importable(self, seen: CardImport) -> bool:
        return any(seen.found.get(verdict) for verdict in (*IMPORTED, Verdict.UNKNOWN, Verdict.HERE))

    def problem_cells(self) -> list[Cell]:
        return [
            (_t("Line"), lambda each: each.line),
            (_t("Serial number or object ID"), lambda each: each.serial),
            (_t("Problem"), lambda each: told(each.problem)),
        ]

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
        return self.begun(request, seen, job, entry=gettext_noop("Import of cards started."))

    @dialog(
        label=_("Remove"), needs=Action.CONFIGURE, title=_("Remove this import?"), icon="delete",
        description=_("The list of problems goes, and what waits to be imported. Imported cards stay."),
    )  # fmt: skip
    def remove(self, request: HttpRequest, form: DialogForm, seen: CardImport) -> HttpResponse:
        return self.removed(request, seen)


navigation.add(CardImport, _("Import cards"), icon="upload_file", group=navigation.SET_UP, position=12)
