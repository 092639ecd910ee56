"""Pages that are read, not filled in: a customer, a pass, the trace of an event."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse


class PageAdmin:
    """Shows a row through a template of its own, which extends admin/portal/page.html."""

    fields = ()
    add_form_template = None

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    def page_title(self, row: Any) -> str:
        return str(row)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if row is not None and self.has_view_permission(request, row):  # type: ignore[attr-defined]
            shown = {
                "row": row,
                "original": "",
                "subtitle": None,
                **self.page_context(request, row),
                **(extra_context or {}),
            }
            extra_context = {**shown, "title": self.page_title(row)}
        return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[misc,no-any-return]
