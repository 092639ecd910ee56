"""What iOS refuses or leaves out without a word, told of a design before any phone sees it. Pure.

Sources: developer.apple.com/documentation/walletpasses, github.com/apple/pass-builder (its validator), and Apple's
Human Interface Guidelines on Wallet for what fits on a card. What makes a phone refuse the pass, or makes a part of it
impossible, is an error; what it leaves out or cuts is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passes.apple.lint import additions, appearance, fields, images, surroundings
from passes.findings import Facts, Finding
from passes.lint import expressions

_RULES = (
    appearance.check, expressions.check, fields.check, images.check, surroundings.check, additions.check,
)  # fmt: skip


def lint(design: Mapping[str, Any], facts: Facts) -> list[Finding]:
    """All findings, errors first, else in the order of the form."""
    found = [finding for rule in _RULES for finding in rule(design, facts)]
    return sorted(found, key=lambda finding: finding.severity)  # "error" comes before "warning"
