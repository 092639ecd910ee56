"""Retention: what has ended goes when its time is over. What each class holds and keeps is said in docs/retention.md.

Each class walks its table by the primary key in batches, each a transaction of its own, so that a run may be stopped
at any moment and nobody waits for it.
"""

from portal.retention.beside import Beside
from portal.retention.registry import Rule, Step, Window, holds, removes, rules
from portal.retention.removed import REMOVED, Removal, removal_of
from portal.retention.runs import BATCH, Busy, ask, is_asked, look_at, prune

__all__ = [
    "BATCH",
    "REMOVED",
    "Beside",
    "Busy",
    "Removal",
    "Rule",
    "Step",
    "Window",
    "ask",
    "holds",
    "is_asked",
    "look_at",
    "prune",
    "removal_of",
    "removes",
    "rules",
]
