"""What is stored: all rows, whose they are, what a visit changed, and which rows point to another tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import F, Model

STOREYS = {"portal", "passes", "integrations"}
Rows = dict[tuple[type[Model], Any], tuple[int | None, tuple[Any, ...]]]


def own_models() -> list[type[Model]]:
    """Every model of the product's own apps."""
    configs = [config for config in apps.get_app_configs() if config.name.split(".")[0] in STOREYS]
    return [model for config in configs for model in config.get_models(include_auto_created=True)]


def tenant_models() -> list[type[Model]]:
    return [model for model in own_models() if getattr(model, "tenant_path", None)]


def snapshot() -> Rows:
    """(model, key) -> whose row it is, and what stands in it."""
    return {key: row for model in [*own_models(), User] for key, row in _rows_of(model)}


def _rows_of(model: type[Model]) -> Iterator[tuple[tuple[type[Model], Any], tuple[int | None, tuple[Any, ...]]]]:
    names = [field.attname for field in model._meta.concrete_fields]
    path = getattr(model, "tenant_path", None)
    rows = model._base_manager.order_by("pk")
    if not path:
        yield from (((model, pk), (None, tuple(values))) for pk, *values in rows.values_list("pk", *names))
        return
    found = rows.annotate(_whose=F(_tenant_column(path))).values_list("pk", "_whose", *names)
    yield from (((model, pk), (whose, tuple(values))) for pk, whose, *values in found)


def _tenant_column(path: str, before: str = "") -> str:
    if path == "self":
        return f"{before}pk"
    return f"{before}{path}_id"


def changed(before: Rows, after: Rows) -> list[tuple[type[Model], Any, set[int | None]]]:
    """(model, key, whose it was and is) of every row that was added, changed or removed."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [(model, pk, {rows[model, pk][0] for rows in (before, after) if (model, pk) in rows}) for model, pk in keys]


def crossings() -> list[str]:
    """Rows that point to a row of another tenant."""
    return [said for model in tenant_models() for said in _crossings_of(model)]


def _crossings_of(model: type[Model]) -> Iterator[str]:
    own = model.tenant_path  # type: ignore[attr-defined]
    for field in [*model._meta.concrete_fields, *model._meta.many_to_many]:
        target = getattr(field.related_model, "tenant_path", None) if field.is_relation else None
        if not target or field.name == own:
            continue
        joined = model._base_manager.filter(**{f"{field.name}__isnull": False}).annotate(
            _own=F(_tenant_column(own)), _other=F(_tenant_column(target, f"{field.name}__"))
        )
        for pk in joined.exclude(_own=F("_other")).values_list("pk", flat=True):
            yield f"{model._meta.label} {pk}: its “{field.name}” is another tenant's"
