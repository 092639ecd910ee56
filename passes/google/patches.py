"""What a PATCH must say so that Google has what we want, the pure part. It merges: what it does not name stays.

https://developers.google.com/wallet/generic/resources/performance-tips
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from passes.google.schema import SCHEMAS

Body = Mapping[str, Any]
# What is the platform's own, or was put there by a call of its own: a patch leaves it alone.
_KEPT = frozenset({
    "id", "classId", "kind", "version", "hasUsers", "hasLinkedDevice", "classReference", "review", "reviewStatus",
    "state", "messages", "notifyPreference", "linkedObjectIds", "linkedOfferIds",
})  # fmt: skip


def hash_of(body: Body) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def patch(before: Body, after: Body) -> dict[str, Any]:
    """What changed, with null for what went. Lists are given whole."""
    changed = {name: _change(before.get(name), value) for name, value in after.items() if before.get(name) != value}
    return {**changed, **{name: None for name in before if name not in after}}


def _change(before: Any, after: Any) -> Any:
    return patch(before, after) if isinstance(before, Mapping) and isinstance(after, Mapping) else after


def takeover(after: Body, kind: str) -> dict[str, Any]:
    """The patch for a resource of which nothing is known: whatever it shall not have is taken away.

    `kind`: as in Google's paths, such as loyaltyObject.
    """
    names = SCHEMAS[kind[0].upper() + kind[1:]]["properties"]
    return {**{name: None for name in names if name not in after and name not in _KEPT}, **after}
