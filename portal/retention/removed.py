"""The note that an Event's contents are gone: an entry of its payload that no page lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Names that begin with an underscore are shown by no page.
REMOVED = "_removed"


@dataclass(frozen=True)
class Removal:
    days: int
    needed: bool  # the Event cannot run again without what is gone

    def as_json(self) -> dict[str, Any]:
        return {"days": self.days, "needed": self.needed}


def removal_of(payload: Any) -> Removal | None:
    noted = payload.get(REMOVED) if isinstance(payload, dict) else None
    return Removal(int(noted["days"]), bool(noted["needed"])) if isinstance(noted, dict) else None
