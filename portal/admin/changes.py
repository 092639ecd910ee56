"""The history of changes: the list of a tenant, and what one entry says in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from portal.history import SECRET
from portal.models import Change

VALUE_LENGTH = 300
_HIDDEN = "••••••••"


@dataclass(frozen=True)
class Line:
    name: str
    before: str
    after: str


def told(change: Change) -> list[Line]:
    """What an entry's differences say, field by field."""
    return [_line(change, entry) for entry in change.differences]


def model_title(label: str) -> str:
    """ "passes.passtemplate" -> "pass template"."""
    model = _model(label)
    return str(model._meta.verbose_name) if model else label


def _model(label: str) -> type[Model] | None:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


def _line(change: Change, entry: dict[str, Any]) -> Line:
    model = _model(entry["part"] or change.model)
    if entry["field"]:
        name = _field_title(model, entry["field"])
        before, after = (_shown(model, entry["field"], entry[side]) for side in ("before", "after"))
    else:
        name, before, after = "", _summary(model, entry["before"]), _summary(model, entry["after"])
    if entry["part"]:
        whose = f"{_capitalised(model_title(entry['part']))} {entry['row']}".strip()
        name = f"{whose}: {name}" if name else whose
    return Line(name, before, after)


def _field_title(model: type[Model] | None, name: str) -> str:
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        field = None
    return _capitalised(str(getattr(field, "verbose_name", name)))


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]


def _shown(model: type[Model] | None, name: str, value: Any) -> str:
    if value == SECRET:
        return _HIDDEN
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    try:
        choices = dict(model._meta.get_field(name).flatchoices) if model else {}
    except (FieldDoesNotExist, AttributeError):
        choices = {}
    return Truncator(str(choices.get(value, value))).chars(VALUE_LENGTH)


def _summary(model: type[Model] | None, part: dict[str, Any] | None) -> str:
    if part is None:
        return "–"
    return " · ".join(f"{_field_title(model, name)}: {_shown(model, name, value)}" for name, value in part.items())
