"""Additions to pass.json: what only Apple Wallet has, as JSON beside the design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(document: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, lists are joined, and what stands in the document stays."""
    found = dict(document)
    for key, value in additions.items():
        if key not in found:
            found[key] = value
        elif isinstance(found[key], Mapping) and isinstance(value, Mapping):
            found[key] = merged(found[key], value)
        elif isinstance(found[key], list) and isinstance(value, list):
            found[key] = [*found[key], *value]
    return found
