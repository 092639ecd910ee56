"""Every night, the profiles that were read longest ago are read again: what no webhook told is found.

Half of the licence's calls a minute are left to webhooks, which go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from django.utils import timezone

from integrations.actito.models import ActitoConnection, connections_of
from integrations.actito.rereading import REREADING, prepared
from portal import jobs, ledger
from portal.ledger import Result, Work, lane_id_for
from portal.models import Job
from portal.sentences import say, say_many

NIGHTLY = "actito.nightly"
# Hours of the tenant's clock: a portal that was down at two o'clock begins later, and never in the morning.
BEGINS, ENDS = 2, 6


def ask_due(tenants: Sequence[int]) -> None:
    """Records that a connection's oldest readings are due, once a night."""
    connections = ActitoConnection.objects.for_tenants(tenants).exclude(nightly_reads=0).select_related("tenant")
    for connection in connections.order_by("pk"):
        local = timezone.localtime(timezone=ZoneInfo(connection.tenant.time_zone))
        if BEGINS <= local.hour < ENDS:
            ask(connection, local.date())


def ask(connection: ActitoConnection, night: date) -> None:
    ledger.record(
        tenant_id=connection.tenant_id, lane_id=lane_id_for(connection.tenant_id), kind=NIGHTLY, source="portal",
        subject=f"{connection.source}:nightly", source_id=f"nightly:{connection.pk}:{night}",
        payload={"connection": connection.pk},
    )  # fmt: skip


def begin(work: Work) -> Result | partial[Result]:
    """Handles `actito.nightly`."""
    connection = connections_of(work.event).select_related("lane").first()
    if connection is None:
        return ledger.ignored(say("The Actito connection was deleted."))
    if connection.lane.paused_at:
        return ledger.ignored(say("The connection is paused, so nothing is read tonight."))
    running = Job.objects.for_tenant(connection.tenant_id).filter(kind=REREADING, finished_at=None)
    if running.filter(payload__connection=connection.pk).exists():
        return ledger.ignored(say("Profiles of this connection are being read again already."))
    oldest = _oldest(connection)
    if not oldest:
        return ledger.ignored(say("No customer of this connection is known yet."))
    return partial(_begin, prepared(connection, connection.lane.calls_per_minute // 2, profiles=oldest))


def _oldest(connection: ActitoConnection) -> list[str]:
    """Each reading notes its number with the name that it met."""
    names = connection.profiles().order_by("number", "pk").values_list("value", flat=True)
    return list(names[: connection.nightly_reads])


def _begin(job: Job) -> Result:
    jobs.start(job)
    return ledger.done(
        say_many("%(count)s profile is read again.", "%(count)s profiles are read again.", count=job.total)
    )
