"""Reading profiles again without a webhook: one that is asked for, or all of a connection as a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from integrations.actito.models import ActitoConnection, connections_of
from integrations.actito.webhooks import ACTITO_PROFILE
from portal import jobs, ledger
from portal.jobs import Row
from portal.models import Event, Identity, Job
from portal.sentences import say

REREADING = "actito.rereading"


def prepared(connection: ActitoConnection, rate: int = 0, *, profiles: Sequence[str] | None = None) -> Job:
    """The job, counted and not started: for all profiles, or these."""
    chosen = {} if profiles is None else {"profiles": list(profiles)}
    title = (
        say("Read all profiles of %(connection)s again", connection=connection)
        if profiles is None
        else say("Read profiles of %(connection)s again, the oldest readings first", connection=connection)
    )
    payload = {"connection": connection.pk, **chosen}
    return jobs.prepared(REREADING, tenant_id=connection.tenant_id, payload=payload, title=title, rate=rate)


class Rereading:
    """The rows: a reading of each profile whose customer is known, by profile id."""

    def count(self, job: Job) -> int:
        connection = connections_of(job).first()
        return _profiles(connection, job).count() if connection else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        connection = connections_of(job).first()
        if connection is None:
            return []
        profiles = _profiles(connection, job).filter(value__gt=after or "").order_by("value")
        return [_row(connection, profile) for profile in profiles.values_list("value", flat=True)[:limit]]

    def lane_id(self, job: Job) -> int | None:
        connection = connections_of(job).first()
        return connection.lane_id if connection else None


def _profiles(connection: ActitoConnection, job: Job) -> QuerySet[Identity]:
    known = connection.profiles()
    return known.filter(value__in=job.payload["profiles"]) if "profiles" in job.payload else known


def _row(connection: ActitoConnection, profile: str) -> Row:
    subject, payload = _reading(connection, profile)
    return Row(profile, ACTITO_PROFILE, subject, payload, connection.lane_id)


def ask(connection: ActitoConnection, profile: str) -> None:
    """Records that one profile is to be read, as its webhook would."""
    subject, payload = _reading(connection, profile)
    ledger.record(
        tenant_id=connection.tenant_id,
        lane_id=connection.lane_id,
        kind=ACTITO_PROFILE,
        subject=subject,
        payload=payload,
        source="portal",
    )


def publish(connection: ActitoConnection, profile: str, *, cause: Event) -> None:
    """Like `ask`, as part of the effects of `cause`."""
    subject, payload = _reading(connection, profile)
    ledger.publish(ACTITO_PROFILE, cause=cause, subject=subject, payload=payload, lane_id=connection.lane_id)


def _reading(connection: ActitoConnection, profile: str) -> tuple[str, dict[str, Any]]:
    """Subject and payload."""
    payload = {"connection": connection.pk, "profile": profile, "event_type": "READ"}
    return f"{connection.source}:profile:{profile}", payload
