"""Admins whose changes are kept in the history, and that tell whoever edits what somebody else changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from portal import history
from portal.admin.changes import told
from portal.admin.vanished import renewed
from portal.models import Change

SEEN = "_seen"  # in the form: the newest change that its page knew of
SHOWN = 100
TOLD_AT_ONCE = 12


class Recorded:
    """Keeps a difference with every change made through a form or a dialog."""

    change_form_before_template = "admin/portal/seen.html"

    def history_parts(self, row: Model) -> list[Model]:
        """The rows that are edited together with it."""
        found: list[Model] = []
        for inline, parent in self._inlines_of(row):
            found += inline.model._base_manager.filter(**{parent.name: row}).order_by("pk")
        return found

    def _inlines_of(self, row: Model) -> Iterator[tuple[Any, Any]]:
        """Each inline's class with its foreign key to the row."""
        for inline in self.inlines:  # type: ignore[attr-defined]
            yield inline, _get_foreign_key(type(row), inline.model, fk_name=inline.fk_name)

    def document_of(self, key: Any) -> history.Document | None:
        row = self.model._base_manager.filter(pk=key).first()  # type: ignore[attr-defined]
        return history.document(row, self.history_parts(row)) if row else None

    def note_before(self, request: HttpRequest, row: Model) -> None:
        """Reads the row as it is before a change; `log_change` compares."""
        request.__dict__.setdefault("_portal_before", {})[row._meta.label, row.pk] = self.document_of(row.pk)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        added = history.difference(None, self.document_of(obj.pk))
        history.record(obj, by=request.user, kind=Change.Kind.ADDED, differences=added)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """`message`: a sentence marked with gettext_noop, or what Django makes of a form, which the difference says."""
        before = request.__dict__.get("_portal_before", {}).pop((obj._meta.label, obj.pk), None)
        changed = history.difference(before, self.document_of(obj.pk)) if before is not None else []
        sentence = message if isinstance(message, str) else ""
        if changed or sentence:
            kind = Change.Kind.DONE if sentence else Change.Kind.CHANGED
            history.record(obj, by=request.user, kind=kind, differences=changed, sentence=sentence)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> None:
        for row in queryset:
            gone = history.difference(self.document_of(row.pk), None)
            history.record(row, by=request.user, kind=Change.Kind.REMOVED, differences=gone)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id)) if object_id else None  # type: ignore[attr-defined]
        if row is None:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc,no-any-return]
        with transaction.atomic():
            if request.method == "POST":
                request.POST = self._with_vanished_lines(request, row)
                # Whoever saves at the same time waits here, and is then told of this change.
                self.model._base_manager.select_for_update().filter(pk=row.pk).first()  # type: ignore[attr-defined]
                self.note_before(request, row)
            newest = history.of(row).values_list("pk", flat=True).first() or 0
            context = {"seen": newest, **(extra_context or {})}
            return super().changeform_view(request, object_id, form_url, context)  # type: ignore[misc,no-any-return]

    def _with_vanished_lines(self, request: HttpRequest, row: Model) -> QueryDict:
        posted = request.POST
        for inline, parent in self._inlines_of(row):
            prefix = parent.remote_field.get_accessor_name(model=inline.model).replace("+", "")
            posted = renewed(posted, prefix, inline.model._meta.pk.name, partial(_existing, inline.model))
        return posted

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        made.changed_meanwhile = changed_meanwhile(request, obj) if obj is not None else ""
        return made

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_view_permission(request, row):  # type: ignore[attr-defined]
            raise PermissionDenied
        changes = history.of(row)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("History: %(name)s") % {"name": row},
            "opts": self.opts,  # type: ignore[attr-defined]
            "object": row,
            "object_id": object_id,
            "changes": [(change, told(change)) for change in changes[:SHOWN]],
            "more": max(0, changes.count() - SHOWN),
        }
        return TemplateResponse(request, "admin/portal/history.html", context)


def _existing(model: type[Model], keys: set[str]) -> set[str]:
    """Anywhere: what belongs to somebody else is refused as it always was, not made anew."""
    possible = [key for key in keys if key.isdecimal() and len(key) < 19]
    found = model._base_manager.filter(pk__in=possible).values_list("pk", flat=True) if possible else ()
    stored = set(found)
    return {key for key in possible if int(key) in stored}


def changed_meanwhile(request: HttpRequest, row: Model) -> str:
    """Who changed what since the form was opened, a sentence a line; empty when nobody did."""
    seen = request.POST.get(SEEN, "")
    if request.method != "POST" or not seen.isdecimal() or len(seen) > 18:
        return ""
    newer = [change for change in history.of(row).filter(pk__gt=int(seen)) if change.differences]
    if not newer:
        return ""
    last = newer[0]
    first = _("%(who)s saved this at %(time)s, while you were editing. Below is what you entered; theirs is:") % {
        "who": last.who or _("Somebody"),
        "time": timezone.localtime(last.at).strftime("%H:%M:%S"),
    }
    lines = [line for change in reversed(newer) for line in told(change)]
    said = [
        _("%(name)s: “%(before)s” became “%(after)s”.")
        % {"name": line.name, "before": line.before, "after": line.after}
        for line in lines[:TOLD_AT_ONCE]
    ]
    if len(lines) > TOLD_AT_ONCE:
        said.append(_("And more; the history shows all of it."))
    last_word = _("Save again to put yours in its place, or reload the page to go on from theirs.")
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in [first, *said, last_word]))
