"""What there is to visit in an admin: every address of its site, found by walking its patterns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import URLPattern, URLResolver, reverse
from django.utils.regex_helper import normalize

from tests.portal.admin_world import World


class Kind(StrEnum):
    LIST = "list"
    SEARCH = "search"
    FILTER = "filter"
    LOOKUP = "forged lookup"
    ADD = "add form"
    CHANGE = "change form"
    HISTORY = "history"
    DELETE = "delete"
    ACTION = "action"
    BULK = "bulk action"
    CUSTOM = "custom address"
    SITE = "page of the site"
    AUTOCOMPLETE = "autocomplete"
    PALETTE = "command palette"
    SAVE = "saved form"
    FORGED = "forged form"
    TAKEN = "taken value"
    ROWS = "stored rows"


_BY_NAME = {"changelist": Kind.LIST, "add": Kind.ADD, "change": Kind.CHANGE, "history": Kind.HISTORY,
            "delete": Kind.DELETE}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One address pattern: `passes/passtemplate/%(object_id)s/change/`."""

    text: str
    names: tuple[str, ...]
    name: str  # empty for a nameless one
    kind: Kind
    model: type[Model] | None = None

    @property
    def takes_keys(self) -> bool:
        return bool(self.names) and self.names != ("app_label",)

    def addresses(self, world: World) -> Iterator[str]:
        """The route with the keys of a world's rows in every place."""
        root = reverse("admin:index")
        for values in product(*(self._values(name, world) for name in self.names)):
            yield root + self.text % dict(zip(self.names, values, strict=True))

    def _values(self, name: str, world: World) -> list[str]:
        if name == "app_label":
            return sorted({model._meta.app_label for model in world.rows})
        if name == "url":  # whatever no other address takes
            return ["nothing/here"]
        if self.model is not None:
            return [quote(world.rows[self.model].pk)] if self.model in world.rows else []
        return sorted({str(quote(row.pk)) for row in world.rows.values()} | {world.tenant.slug})


def routes(site: AdminSite) -> list[Route]:
    return list(dict.fromkeys(_walk(site, site.get_urls(), "", ())))


def _walk(site: AdminSite, patterns: Iterable[Any], before: str, names: tuple[str, ...]) -> Iterator[Route]:
    for entry in patterns:
        for text, more in normalize(entry.pattern.regex.pattern):
            if isinstance(entry, URLResolver):
                yield from _walk(site, entry.url_patterns, before + text, (*names, *more))
            else:
                yield _route(site, entry, before + text, (*names, *more))


def _route(site: AdminSite, entry: URLPattern, text: str, names: tuple[str, ...]) -> Route:
    admin = _admin_at(site, text)
    name = entry.name or ""
    if admin is None:
        return Route(text, names, name, Kind.SITE)
    return Route(text, names, name, _kind(admin, name), admin.model)


def _admin_at(site: AdminSite, text: str) -> ModelAdmin | None:
    for model, admin in site._registry.items():
        if text.startswith(f"{model._meta.app_label}/{model._meta.model_name}/"):
            return admin
    return None


def _kind(admin: ModelAdmin, name: str) -> Kind:
    own = name.removeprefix(f"{admin.model._meta.app_label}_{admin.model._meta.model_name}_")
    if not name:
        return Kind.CHANGE  # Django's redirect from the address without /change/
    return _BY_NAME.get(own) or (Kind.ACTION if own in action_names(admin) else Kind.CUSTOM)


def action_names(admin: ModelAdmin) -> set[str]:
    """Whatever unfold or Django could call by its name, in groups or not."""
    kinds = ("actions", "actions_list", "actions_row", "actions_detail", "actions_submit_line")
    return {
        str(getattr(entry, "__name__", entry)) for kind in kinds for entry in flat(getattr(admin, kind, None) or ())
    }


def flat(entries: Iterable[Any]) -> Iterator[Any]:
    """Unfold groups actions in dictionaries: {"title": …, "items": […]}."""
    for entry in entries:
        if isinstance(entry, dict):
            yield from flat(entry.get("items", ()))
        else:
            yield entry


def relations(model: type[Model]) -> list[Any]:
    """The foreign keys and many-to-many fields of a model."""
    fields = [*model._meta.concrete_fields, *model._meta.many_to_many]
    return [field for field in fields if field.is_relation]


def autocompletes(models: Iterable[type[Model]]) -> list[dict[str, str]]:
    """What the autocomplete address may be asked: each foreign key of each model, and what is none."""
    asked = [(model, name) for model in models for name in [*(each.name for each in relations(model)), "id", "nothing"]]
    return [{"app_label": model._meta.app_label, "model_name": model._meta.model_name or "", "field_name": name}
            for model, name in asked]  # fmt: skip
