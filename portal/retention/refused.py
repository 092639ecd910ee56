"""Refused calls that have not come again for long. There are few: a hundred of each connection at most."""

from __future__ import annotations

from datetime import datetime

from portal.models import RefusedCall
from portal.retention import repeated
from portal.retention.registry import Step, Window


def below(before: datetime) -> int:
    return repeated.end_of(RefusedCall)


def batch(window: Window) -> Step | None:
    return repeated.step(RefusedCall, window, tenant="tenant_id", first="at")
