"""What an API key may do: no access, read, or read and write, for each area. In Actito a key has them by module.

Which route asks for which right is inferred: https://developers.actito.com shows the levels, not the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NONE, READ, WRITE = "none", "read", "write"
LEVELS = (NONE, READ, WRITE)
# The first that is found in a path says its area: narrower ones stand before what they lie in.
_AREAS = (
    ("webhooks", re.compile(r"/webhookSubscription(/|\Z)")),
    ("custom_actions", re.compile(r"/custom-actions(/|\Z)")),
    ("scenarios", re.compile(r"/scenario(/|\Z)")),
    ("profiles", re.compile(r"/table/[^/]+/profile(/|\Z)")),
    ("tables", re.compile(r"/(profile-tables(/.*)?|entity/[^/]+/table(/[^/]+)?)\Z")),
    ("entities", re.compile(r"/(entities|entity)\Z")),
)
AREAS = tuple(name for name, _ in _AREAS)


def missing(rights: Mapping[str, str], method: str, path: str) -> str:
    """The area whose right a key lacks for a call; empty when it has it. What is not named, it may write."""
    area = next((name for name, pattern in _AREAS if pattern.search(path)), "")
    granted = LEVELS.index(rights.get(area, WRITE))
    return area if granted < LEVELS.index(READ if method == "GET" else WRITE) else ""


def checked(rights: Any) -> dict[str, str]:
    """`{"webhooks": "read", "scenarios": "none"}`. Raises ValueError for unknown areas and levels."""
    if not isinstance(rights, dict):
        raise ValueError("Rights are a JSON object")
    for area, level in rights.items():
        if area not in AREAS or level not in LEVELS:
            raise ValueError(f"Rights are {', '.join(AREAS)}; each {', '.join(LEVELS)}")
    return dict(rights)
