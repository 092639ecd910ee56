"""The proof of consents as a file: for people as a table, for whoever checks it as JSON with all that was hashed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.admin.export import CHUNK, ROWS_LIMIT, Cell
from portal.admin.rights import may_here
from portal.consents.told import title_of
from portal.models import ConsentHead, ConsentRecord
from portal.tenancy import Action

# What has a column of its own; a salt says nothing to people.
_OWN_COLUMNS = {"title", "before", "after", "at", "who", "shown", "event", "chain", "salt"}


def consent_cells() -> list[Cell]:
    heads = {head.tenant_id: f"{head.number}:{head.hash}" for head in ConsentHead.objects.all()}

    def of_contents(name: str) -> Any:
        return lambda record: _as_text(record.contents.get(name))

    return [
        (str(_("Number")), lambda record: record.number),
        (str(_("Recorded")), lambda record: record.recorded_at.isoformat()),
        (str(_("Customer")), lambda record: str(record.customer)),
        (str(_("What happened")), lambda record: record.get_kind_display()),
        (str(_("Consent")), title_of),
        (str(_("Customer value")), lambda record: record.name),
        (str(_("Before")), of_contents("before")),
        (str(_("After")), of_contents("after")),
        (str(_("Decided")), of_contents("at")),
        (str(_("Who")), of_contents("who")),
        (str(_("Said by")), lambda record: record.source),
        (str(_("What was shown")), of_contents("shown")),
        (str(_("Other details")), _others),
        (str(_("Event")), of_contents("event")),
        (str(_("Contents removed")), lambda record: record.emptied_at and record.emptied_at.isoformat()),
        (str(_("Fingerprint of the contents")), lambda record: record.content_hash),
        (str(_("Fingerprint of the record before")), lambda record: record.previous),
        (str(_("Fingerprint")), lambda record: record.hash),
        (str(_("End of the chain")), lambda record: heads.get(record.tenant_id, "")),
    ]


def _others(record: ConsentRecord) -> str:
    rest = {name: value for name, value in record.contents.items() if name not in _OWN_COLUMNS}
    return json.dumps(rest, ensure_ascii=False) if rest else ""


def _as_text(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)


class WithJson:
    """Adds the list as JSON to an export."""

    def other_files(self) -> list[tuple[Any, str]]:
        return [(_("Download as JSON, with everything that is needed to check it"), "json")]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_json)  # type: ignore[attr-defined]
        return [path("file.json", view, name=f"{self._base_name}_json"), *super().get_urls()]  # type: ignore[misc,attr-defined]

    def export_json(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET" or not may_here(request, Action.EXPORT):
            raise PermissionDenied
        changes = self.get_changelist_instance(request)  # type: ignore[attr-defined]
        rows = changes.get_queryset(request)[:ROWS_LIMIT]
        self._note(request)  # type: ignore[attr-defined]
        response = StreamingHttpResponse(_pieces(rows), content_type="application/json")
        name = f"consents-{timezone.localtime():%Y-%m-%d-%H%M}.json"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response


def _pieces(rows: QuerySet[ConsentRecord]) -> Iterator[str]:
    """{"records": […], "heads": […]}: a record as it is stored, so that its fingerprints can be made again.

    The heads come last, and are never behind the records.
    """
    tenants: set[int] = set()
    yield '{"records": ['
    for index, record in enumerate(rows.iterator(chunk_size=CHUNK)):
        tenants.add(record.tenant_id)
        yield ("," if index else "") + "\n" + json.dumps(_as_json(record), ensure_ascii=False)
    yield '\n], "heads": '
    heads = ConsentHead.objects.filter(tenant_id__in=tenants).select_related("tenant").order_by("tenant_id")
    yield json.dumps([_head_as_json(head) for head in heads]) + "}\n"


def _head_as_json(head: ConsentHead) -> dict[str, Any]:
    return {"tenant": head.tenant_id, "name": head.tenant.slug, "number": head.number, "hash": head.hash}


def _as_json(record: ConsentRecord) -> dict[str, Any]:
    return {
        "tenant": record.tenant_id, "number": record.number, "customer": record.customer_id,
        "customer_key": str(record.customer), "kind": record.kind, "name": record.name, "source": record.source,
        "recorded_at": record.recorded_at.isoformat(), "contents": record.contents,
        "contents_text": record.contents_text, "content_hash": record.content_hash, "previous": record.previous,
        "hash": record.hash,
    }  # fmt: skip
