"""Findings about a template as its form shows them: in words, with the place that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst

from passes.admin.parts import ConditionInline, FieldInline, ImageInline, TextInline
from passes.admin.surroundings import ActionInline, BeaconInline, LocationInline, MomentInline
from passes.findings import Finding, Severity
from passes.models import PassTemplate, TemplateAction
from portal.sentences import told

_INLINES = {
    "fields": FieldInline, "texts": TextInline, "images": ImageInline, "moments": MomentInline,
    "conditions": ConditionInline, "locations": LocationInline, "beacons": BeaconInline, "actions": ActionInline,
}  # fmt: skip
_NAMES: Mapping[str, Callable[[Any], str]] = {
    "fields": lambda field: field.label or field.key,
    "conditions": lambda condition: condition.name,
    "moments": lambda moment: moment.starts,
    "actions": lambda action: action.kind,
}


@dataclass(frozen=True)
class Shown:
    """`place`: “Fields › Points › value”; `tab`: that of the form which holds it; `input`: its id, if it is known."""

    is_error: bool
    place: str
    tab: str
    input: str
    sentence: str


Rows = Mapping[str, list[str]]


def rows_of(parts: Mapping[str, Iterable[Any]]) -> Rows:
    """How findings name the rows of each part, in the order that the form has them."""
    return {part: [name(row) for row in parts.get(part, ())] for part, name in _NAMES.items()}


def shown(findings: Iterable[Finding], template: PassTemplate, rows: Rows | None = None) -> list[Shown]:
    """`rows`: those of the form, where they are others than the template's."""
    if rows is None:
        rows = rows_of({part: getattr(template, part).all() for part in _NAMES})
    return [
        Shown(finding.severity == Severity.ERROR, _place(finding), _tab(finding), _input(finding, rows),
              told(finding.sentence))
        for finding in findings
    ]  # fmt: skip


def _input(finding: Finding, rows: Rows) -> str:
    """Django's id. Lines of an inline are numbered as they are stored."""
    part, _, name = finding.field.partition(".")
    if part not in _INLINES:
        return f"id_{part}"
    found = rows.get(part, [])
    return f"id_{part}-{found.index(finding.row)}-{name}" if name and finding.row in found else ""


def _place(finding: Finding) -> str:
    part, _, name = finding.field.partition(".")
    if part not in _INLINES:
        return _label(PassTemplate, part)
    inline = _INLINES[part]
    row = str(TemplateAction.Kind(finding.row).label) if part == "actions" and finding.row else finding.row
    parts = [str(inline.verbose_name_plural), row, _label(inline.model, name) if name else ""]
    return " › ".join(filter(None, parts))


def _label(model: type[Model], name: str) -> str:
    return str(capfirst(getattr(model._meta.get_field(name), "verbose_name", name)))


def _tab(finding: Finding) -> str:
    part = finding.field.partition(".")[0]
    return part if part in _INLINES and _INLINES[part].tab else "general"
