"""Lists: searches, filters with the answers they offer and with forged ones, lookups, and what is done in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import TO_FIELD_VAR
from django.db.models import Model

from tests.portal.stranger import ALLOWED, FILTERED, Looker
from tests.portal.surfaces import Kind, Route, action_names

CUT = 4  # of the mark is left out of what is searched for, so that an echo of the search is not taken for a finding
FORGED = ("-1", "x")
QUERIES: tuple[dict[str, Any], ...] = (
    {"_popup": 1, TO_FIELD_VAR: "id"}, {"o": "1.-2"}, {"p": 2}, {"all": ""},
)  # fmt: skip


def walk_lists(looker: Looker, admin: ModelAdmin, known: list[Route]) -> None:
    for route in known:
        if route.kind != Kind.LIST:
            continue
        for address in route.addresses(looker.ours):
            response = looker.get(Kind.LIST, address)
            if response.status_code == 200 and not looker.may_read(admin.model):
                looker.report.add(ALLOWED, Kind.LIST, f"GET {address}", "It opens a list.")
            for query in QUERIES:
                looker.get(Kind.LIST, address, query)
            for term in terms(looker, admin):
                looker.get(Kind.SEARCH, address, {"q": term})
            _walk_filters(looker, admin, address, response)
            _walk_lookups(looker, admin, address, response)
            _walk_bulk(looker, admin, address, response)


def cut(looker: Looker, value: str = "") -> str:
    """The beginning of what stands in a row of theirs, up to the middle of the mark."""
    mark, value = looker.theirs.mark, str(value or looker.theirs.mark)
    at = value.lower().find(mark.lower())
    return value if at < 0 else value[: at + len(mark) - CUT]


def terms(looker: Looker, admin: ModelAdmin) -> set[str]:
    """What finds their row in each of the fields that a search looks into."""
    row = looker.theirs.rows.get(admin.model)
    found = {cut(looker)}
    for name in admin.search_fields:
        value = row
        for part in name.lstrip("^=@").split("__"):
            value = getattr(value, part, value)
        if value is not None and value is not row:
            found.add(cut(looker, str(value)))
    return found


def _walk_filters(looker: Looker, admin: ModelAdmin, address: str, response: Any) -> None:
    changelist = (getattr(response, "context_data", None) or {}).get("cl")
    for spec in changelist.filter_specs if changelist else []:
        asked = {choice["query_string"] for choice in spec.choices(changelist) if "query_string" in choice}
        values = [*_offered(spec), *_keys_of_theirs(looker, spec), *FORGED]
        asked |= {f"?{urlencode({name: value})}" for name in spec.expected_parameters() for value in values}
        for question in sorted(asked - {"?"}):
            looker.get(Kind.FILTER, address + question)
    keys = [row.pk for row in looker.theirs.rows.values()]
    for name in getattr(admin, "allowed_lookups", ()):
        for key in sorted(set(map(str, keys))):
            looker.get(Kind.FILTER, address, {name: key})


def _offered(spec: Any) -> list[Any]:
    """The answers of filters that make no links of them."""
    return [each[0] for each in getattr(spec, "lookup_choices", None) or () if isinstance(each, list | tuple)]


def _keys_of_theirs(looker: Looker, spec: Any) -> list[Any]:
    model = getattr(getattr(spec, "field", None), "related_model", None)
    rows = looker.theirs.rows
    keys = [rows[model].pk] if model in rows else [row.pk for row in rows.values()]
    return sorted(set(map(str, keys)))


def _walk_lookups(looker: Looker, admin: ModelAdmin, address: str, response: Any) -> None:
    """Django would filter by any field: the length of a list then tells what a hidden column holds."""
    changelist = (getattr(response, "context_data", None) or {}).get("cl")
    if changelist is None:
        return
    offered = {name for spec in changelist.filter_specs for name in spec.expected_parameters()}
    offered |= set(getattr(admin, "allowed_lookups", ()))
    for name in forged_lookups(admin.model):
        if name not in offered:
            value = looker.theirs.tenant.pk if name.endswith("__exact") else cut(looker)
            if looker.get(Kind.LOOKUP, address, {name: value}).status_code == 200:
                looker.report.add(FILTERED, Kind.LOOKUP, f"GET {address}?{name}=")


def forged_lookups(model: type[Model]) -> Iterator[str]:
    path = getattr(model, "tenant_path", None)
    if path and path != "self":
        yield f"{path}__id__exact"
        yield f"{path}__name__startswith"
    for field in model._meta.concrete_fields:
        yield f"{field.name}__isnull" if field.is_relation else f"{field.name}__startswith"
        if field.related_model is not None:
            yield f"{field.name}__id__exact"


def _walk_bulk(looker: Looker, admin: ModelAdmin, address: str, response: Any) -> None:
    form = (getattr(response, "context_data", None) or {}).get("action_form")
    offered = {value for value, _title in form.fields["action"].choices} if form else set()
    row = looker.theirs.rows.get(admin.model)
    for name in sorted((offered | action_names(admin)) - {""}) if row is not None else ():
        for across in ("0", "1"):
            data = {"action": name, "_selected_action": [row.pk], "index": "0", "select_across": across}
            looker.post(Kind.BULK, address, data)
            looker.post(Kind.BULK, address, {**data, "post": "yes"})
    if admin.list_editable and row is not None:
        edited = {f"form-0-{name}": "1" for name in admin.list_editable}
        forms = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row.pk, "_save": "Save"}
        looker.post(Kind.BULK, address, {**forms, **edited})
