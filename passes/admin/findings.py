"""Findings about a template as its form shows them: in words, with the place that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Shown:
    """`place`: “Fields › Points › value”; `tab`: that of the form which holds it; `input`: its id, if it is known."""

    is_error: bool
    place: str
    tab: str
    input: str
    sentence: str


def shown(findings: Iterable[Finding], template: PassTemplate) -> list[Shown]:
    rows = {
        "fields": [field.label or field.key for field in template.fields.all()],
        "conditions": [condition.name for condition in template.conditions.all()],
        "moments": [moment.starts for moment in template.moments.all()],
        "actions": [action.kind for action in template.actions.all()],
    }
    return [
        Shown(finding.severity == Severity.ERROR, _place(finding), _tab(finding), _input(finding, rows),
              told(finding.sentence))
        for finding in findings
    ]  # fmt: skip


def _input(finding: Finding, rows: Mapping[str, list[str]]) -> str:
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
