"""System checks of the admin: what could show or change another tenant's rows does not start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP

from portal.admin.base import ScopedInline, SuperuserOnly, TenantAdmin

_ACTION_LISTS = ("actions", "actions_list", "actions_row", "actions_detail", "actions_submit_line")


@register(Tags.admin)
def check_portal_site(**_: Any) -> list[CheckMessage]:
    from portal.admin.site import site  # noqa: PLC0415 - it is filled once all apps are ready

    return check_site(site)


def check_site(site: AdminSite) -> list[CheckMessage]:
    return [message for admin in site._registry.values() for message in check_admin(admin)]


def check_admin(admin: ModelAdmin) -> Iterator[CheckMessage]:
    yield from _base(admin)
    yield from _filters(admin)
    yield from _actions(admin)
    yield from _inlines(admin)
    yield from _raw_ids(admin)


def _base(admin: ModelAdmin) -> Iterator[CheckMessage]:
    if not isinstance(admin, TenantAdmin | SuperuserOnly):
        yield Error(
            f"{type(admin).__name__} shows all tenants' rows to everybody.",
            hint="Derive it from TenantAdmin; for rows of the whole installation, from SuperuserOnly.",
            obj=admin,
            id="portal.E009",
        )


def _filters(admin: ModelAdmin) -> Iterator[CheckMessage]:
    for entry in admin.list_filter:
        name = entry[0] if isinstance(entry, list | tuple) else entry
        if isinstance(name, str) and _crosses_relation(admin.model, name):
            yield Error(
                f"list_filter “{name}” lists rows that the filter does not keep to a tenant.",
                hint="Ask it as a Question (portal/admin/filters.py), whose answers are fixed or scoped.",
                obj=admin,
                id="portal.E010",
            )


def _crosses_relation(model: type[Model], name: str) -> bool:
    try:
        return bool(model._meta.get_field(name.split(LOOKUP_SEP, maxsplit=1)[0]).is_relation)
    except FieldDoesNotExist:
        return False


def _actions(admin: ModelAdmin) -> Iterator[CheckMessage]:
    for kind in _ACTION_LISTS:
        for entry in _flat(getattr(admin, kind, None) or ()):
            action = entry if callable(entry) else getattr(admin, str(entry), None)
            if not getattr(action, "is_dialog", False):
                yield Error(
                    f"The action “{getattr(entry, '__name__', entry)}” runs without a dialog: on a GET, without a CSRF "
                    "token, on any tenant's row.",
                    hint="Make it with @dialog (portal/admin/dialogs.py).",
                    obj=admin,
                    id="portal.E011",
                )


def _flat(entries: Any) -> Iterator[Any]:
    """Unfold groups actions in dictionaries: {"title": …, "items": […]}."""
    for entry in entries:
        if isinstance(entry, dict):
            yield from _flat(entry.get("items", ()))
        else:
            yield entry


def _raw_ids(admin: ModelAdmin) -> Iterator[CheckMessage]:
    for each in (admin, *admin.inlines):
        if each.raw_id_fields:
            yield Error(
                f"{', '.join(each.raw_id_fields)}: a raw id shows the name of whatever row an address names.",
                hint="Use autocomplete_fields, whose rows are kept to the tenant.",
                obj=admin,
                id="portal.E015",
            )


def _inlines(admin: ModelAdmin) -> Iterator[CheckMessage]:
    for inline in admin.inlines:
        if not issubclass(inline, ScopedInline):
            yield Error(
                f"The inline {inline.__name__} is not kept to a tenant.",
                hint="Derive it from TenantTabularInline or TenantStackedInline.",
                obj=admin,
                id="portal.E012",
            )
