"""Each outgoing call of an Event becomes an Attempt: noted before it is made, and again when it has ended.

These are the statements that workers run most, so they are written out: the ORM needs four messages and three times
the processor time for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.durability import write_unhurried
from portal.ledger.finish import LeaseLost, held
from portal.ledger.limits import charge_call, note_answer
from portal.models import Attempt, Event
from portal.prepared import stored_values
from portal.text import storable

_TABLE = Attempt._meta.db_table


@dataclass(frozen=True)
class AttemptTrail:
    event: Event

    def open(self, *, target: str, method: str, url: str, repeatable: bool, request_excerpt: str) -> int:
        charge_call(self.event.lane_id)
        call = {
            "event_id": self.event.pk,
            "number": self.event.attempts,
            "target": storable(target)[:200],
            "method": method,
            "url": storable(url)[:500],
            "repeatable": repeatable,
            "request_excerpt": storable(request_excerpt),
        }
        if repeatable:
            return _insert({**call, "started_at": timezone.now(), "error": "", "response_excerpt": ""})
        with transaction.atomic():
            if not held(self.event).select_for_update().values_list("pk").first():
                raise LeaseLost  # whoever holds it now makes the call, or has made it
            return int(Attempt.objects.create(**call).pk)

    def close(self, call: int, *, status: int | None, milliseconds: int, error: str, response_excerpt: str) -> None:
        ended = {
            "status": status,
            "milliseconds": milliseconds,
            "error": error,
            "response_excerpt": storable(response_excerpt),
            "finished_at": timezone.now(),
        }
        _update(call, ended)
        note_answer(self.event.lane_id, status)


def _insert(row: dict[str, Any]) -> int:
    holes = ", ".join(["%s"] * len(row))
    (key,) = write_unhurried(
        f"INSERT INTO {_TABLE} ({', '.join(row)}) VALUES ({holes}) RETURNING id",  # noqa: S608 - names only
        stored_values(Attempt, row),
    )
    return int(key)


def _update(key: int, row: dict[str, Any]) -> None:
    columns = ", ".join(f"{name} = %s" for name in row)
    write_unhurried(
        f"UPDATE {_TABLE} SET {columns} WHERE id = %s RETURNING id",  # noqa: S608 - names only
        [*stored_values(Attempt, row), key],
    )
