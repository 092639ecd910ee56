"""A list as a file for spreadsheets: what the list shows, filtered and searched as it is, and noted in the history."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal import history
from portal.admin.dialogs import DialogForm, dialog, result
from portal.admin.rights import current_tenant_id, may_here
from portal.models import Change, Tenant
from portal.tenancy import Action

ROWS_LIMIT = 100_000
CHUNK = 2_000
# What begins so is a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection
# Not only a cell: where lists are separated by semicolons (Excel in Belgium), it is cut at each of them, quoted or not.
_FORMULA = re.compile(r"""(^|[;\t\r\n])([\s"]*[=+\-@＝＋－＠]|^[\t\r])""")

# The title of a column, and the cell of a row.
Cell = tuple[str, Callable[[Any], Any]]


class Exported:
    """Adds "Export" to a list. The file holds personal data, so it takes a right of its own and leaves a note."""

    actions_list: ClassVar[tuple[Any, ...]] = ("export",)
    export_sentence: ClassVar[str]  # what the history says, marked with gettext_noop

    def export_cells(self, rows: QuerySet[Any]) -> list[Cell]:
        raise NotImplementedError

    @dialog(
        label=_("Export"), needs=Action.EXPORT, title=_("Export this list?"), icon="download", submit=_("Export"),
        description=_(
            "You get what the list shows now, with its filters and search, as a file for spreadsheets: up to 100,000 "
            "rows. It holds personal data, so keep it safe. That you took it is kept in the history."
        ),
    )  # fmt: skip
    def export(self, request: HttpRequest, form: DialogForm) -> HttpResponse:
        """Leads to the file with the query of the list that the dialog stands on.

        By a link: a page that a browser is sent to, and that turns out to be a file, leaves the dialog waiting for it.
        """
        query = urlsplit(request.headers.get("HX-Current-URL", "")).query

        def address(page: str) -> str:
            return reverse(f"admin:{self._base_name}_{page}") + (f"?{query}" if query else "")

        others = [(title, address(page)) for title, page in self.other_files()]
        context = {"file_url": address("file"), "others": others, "done_url": address("changelist")}
        return result(request, "admin/portal/file_ready.html", context)

    def other_files(self) -> list[tuple[Any, str]]:
        """Other forms in which there is the list: what to call each, and the end of its address's name."""
        return []

    @property
    def _base_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_file)  # type: ignore[attr-defined]
        return [path("file.csv", view, name=f"{self._base_name}_file"), *super().get_urls()]  # type: ignore[misc]

    def export_file(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET" or not may_here(request, Action.EXPORT):
            raise PermissionDenied
        changes = self.get_changelist_instance(request)  # type: ignore[attr-defined]
        rows = changes.get_queryset(request)[:ROWS_LIMIT]
        self._note(request)
        return file_of(str(self.opts.model_name), self.export_cells(rows), rows)  # type: ignore[attr-defined]

    def _note(self, request: HttpRequest) -> None:
        """Kept with each tenant whose rows are in the file."""
        here = current_tenant_id(request)
        for tenant in Tenant.objects.filter(pk=here) if here else Tenant.objects.all():
            history.record(tenant, by=request.user, kind=Change.Kind.DONE, sentence=self.export_sentence)


def file_of(name: str, cells: list[Cell], rows: QuerySet[Any]) -> StreamingHttpResponse:
    """The rows as a CSV file; the moment is added to its name."""
    response = StreamingHttpResponse(_lines(cells, rows), content_type="text/csv; charset=utf-8")
    name = f"{name}-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


class _Echo:
    """A file that hands back what is written."""

    def write(self, line: str) -> str:
        return line


def _lines(cells: list[Cell], rows: QuerySet[Any]) -> Iterator[str]:
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield "\N{BYTE ORDER MARK}"  # without it, Excel takes UTF-8 for something else
    yield writer.writerow([_safe(title) for title, _cell in cells])
    for row in rows.iterator(chunk_size=CHUNK):
        yield writer.writerow([_safe(cell(row)) for _title, cell in cells])


def _safe(value: Any) -> Any:
    text = "" if value is None else value
    return _FORMULA.sub(r"\1'\2", text) if isinstance(text, str) else text
