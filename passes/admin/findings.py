"""Findings about a template as its form shows them: in words, with the place that they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Model
from django.utils.text import capfirst

from passes.admin.parts import FieldInline, ImageInline, TextInline
from passes.admin.surroundings import ActionInline, BeaconInline, LocationInline, MomentInline
from passes.findings import Finding, Severity
from passes.models import PassTemplate, TemplateAction
from portal.sentences import told

_INLINES = {
    "fields": FieldInline, "texts": TextInline, "images": ImageInline, "moments": MomentInline,
    "locations": LocationInline, "beacons": BeaconInline, "actions": ActionInline,
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """`place`: “Fields › Points › value”; `tab`: that of the form which holds it."""

    is_error: bool
    place: str
    tab: str
    sentence: str


def shown(findings: Iterable[Finding]) -> list[Shown]:
    return [
        Shown(finding.severity == Severity.ERROR, _place(finding), _tab(finding), told(finding.sentence))
        for finding in findings
    ]


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
