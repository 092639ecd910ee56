"""Imports of customers: what a file would change, starting it, its problems as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant

from integrations.actito.customer_import.job import begin
from integrations.actito.customer_import.lines import Verdict
from integrations.actito.customer_import.look import PROBLEMS_KEPT, problems_in
from integrations.actito.models import CustomerImport
from portal.admin import navigation
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog
from portal.admin.export import Cell
from portal.admin.imports import PROBLEMS_SHOWN, FileImportAdmin, state_of
from portal.admin.rights import row
from portal.admin.site import site
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


@admin.register(CustomerImport, site=site)
class CustomerImportAdmin(FileImportAdmin):
    list_display = ("file_name", "connection", "number", "state", "who", "moment")
    list_select_related = ("connection", "job")
    change_form_template = "admin/actito/customer_import.html"
    empty_sentence = _("Open a connection, and drop an export of its profile table in under “Import customers”.")

    def page_context(self, request: HttpRequest, seen: CustomerImport) -> dict[str, Any]:
        return {
            "state": chip(*state_of(seen)),
            "found": _figures(seen.found),
            "done": _figures(seen.done),
            "problems": [(each.line, told(each.problem)) for each in seen.problems.all()[:PROBLEMS_SHOWN]],
            "problems_url": self.problems_url(request, seen),
            "left_out": max(0, problems_in(seen.found) - PROBLEMS_KEPT),
        }

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
