"""Imports of customers: what a file would change, starting it, its problems as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant

from integrations.actito.customer_import.job import begin
from integrations.actito.customer_import.lines import Verdict
from integrations.actito.customer_import.look import PROBLEMS_KEPT, problems_in
from integrations.actito.customer_import.upload import event_of
from integrations.actito.models import CustomerImport
from portal.admin import navigation
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog
from portal.admin.export import Cell
from portal.admin.imports import PROBLEMS_SHOWN, FileImportAdmin, state_of
from portal.admin.rights import row
from portal.admin.site import site
from portal.models import Event
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

_TITLES: dict[str, str | Promise] = {
    Verdict.NEW: _("New customers"),
    Verdict.CHANGED: _("Customers that change"),
    Verdict.SAME: _("Customers that stay as they are"),
    Verdict.PARTLY: _("Lines with a value that cannot be read: the customer keeps the old one"),
    Verdict.REPEATED: _("Lines about a customer who stands in an earlier one"),
    Verdict.BAD: _("Lines that cannot be used"),
}


class BeginForm(DialogForm):
    form_before_template = "admin/actito/customer_import_begin.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        seen = row(request, CustomerImport, object_id, Action.CONFIGURE)
        return {"figures": _figures(seen.found)}


def _figures(counts: dict[str, int]) -> list[tuple[Any, str]]:
    return [(title, spaced(counts[name])) for name, title in _TITLES.items() if counts.get(name)]


@dataclass(frozen=True)
class Look:
    """A look that has not ended."""

    percent: int
    said: str
    stuck: str  # why it does not go on
    url: str  # of its Event


def _look_of(seen: CustomerImport) -> Look | None:
    if seen.looked_at:
        return None
    event = event_of(seen)
    said = _t("%(lines)s of %(all)s lines") % {"lines": spaced(seen.lines), "all": spaced(seen.lines_in_all)}
    failed = event is None or event.status in Event.UNRESOLVED
    return Look(
        100 * seen.lines // max(1, seen.lines_in_all), said if seen.lines_in_all else _t("The lines are counted."),
        (told(event.outcome) if event else _t("The file was not read to its end.")) if failed else "",
        reverse("admin:portal_event_change", args=[event.pk]) if event else "",
    )  # fmt: skip


@admin.register(CustomerImport, site=site)
class CustomerImportAdmin(FileImportAdmin):
    list_display = ("file_name", "connection", "number", "state", "who", "moment")
    list_select_related = ("connection", "job")
    change_form_template = "admin/actito/customer_import.html"
    empty_sentence = _("Open a connection, and drop an export of its profile table in under “Import customers”.")

    def page_context(self, request: HttpRequest, seen: CustomerImport) -> dict[str, Any]:
        return {
            "state": chip(*state_of(seen)),
            "look": _look_of(seen),
            "found": _figures(seen.found),
            "done": _figures(seen.done),
            "problems": [(each.line, told(each.problem)) for each in seen.problems.all()[:PROBLEMS_SHOWN]],
            "problems_url": self.problems_url(request, seen),
            "left_out": max(0, problems_in(seen.found) - PROBLEMS_KEPT),
        }

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """A page that looks again is loaded anew once the look has ended: it has other buttons then."""
        response = super().change_view(request, object_id, form_url, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if request.headers.get("HX-Request") and "look" in shown and shown["look"] is None:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return response

    def is_importable(self, seen: CustomerImport) -> bool:
        return bool(seen.found.get(Verdict.NEW) or seen.found.get(Verdict.CHANGED))

    def problem_cells(self) -> list[Cell]:
        return [(_t("Line"), lambda each: each.line), (_t("Problem"), lambda each: told(each.problem))]

    @dialog(
        label=_("Import"), needs=Action.CONFIGURE, title=_("Import these customers?"), form=BeginForm, icon="input",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def begin(self, request: HttpRequest, form: BeginForm, seen: CustomerImport) -> HttpResponse:
        job = begin(seen, by=request.user)
        return self.begun(request, seen, job, entry=gettext_noop("Import of customers started."))

    @dialog(
        label=_("Remove"), needs=Action.CONFIGURE, title=_("Remove this import?"), icon="delete",
        description=_("The list of problems goes, and what waits to be imported. Imported customers stay."),
    )  # fmt: skip
    def remove(self, request: HttpRequest, form: DialogForm, seen: CustomerImport) -> HttpResponse:
        return self.removed(request, seen)


navigation.add(CustomerImport, _("Imported customers"), icon="group_add", group=navigation.SET_UP, position=22)
