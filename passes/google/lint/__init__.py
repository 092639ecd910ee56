"""What Google refuses or leaves out without a word, told of a design before any phone sees it. Pure.

Sources: Google's reference of its API, its brand guidelines for the sizes of pictures, and its pages on templates for
what a card shows. What makes Google refuse a pass, or leaves a field without a place, is an error; what it cuts or
does not know is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passes.findings import Facts, Finding
from passes.google.lint import additions, appearance, fields, images, surroundings
from passes.lint import expressions
from passes.lint import fields as common

_RULES = (
    appearance.check, expressions.check, common.check, fields.check, images.check, surroundings.check, additions.check,
)  # fmt: skip


def lint(design: Mapping[str, Any], facts: Facts) -> list[Finding]:
    """All findings, errors first, else in the order of the form."""
    found = [finding for rule in _RULES for finding in rule(design, facts)]
    return sorted(found, key=lambda finding: finding.severity)  # "error" comes before "warning"
