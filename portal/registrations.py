"""What the portal registers with itself, read once in `PortalConfig.ready()`: a function for each concern."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal import daily, retention
from portal.api import describe
from portal.erasure import erases
from portal.jobs import job_kind
from portal.ledger import handles, regularly
from portal.ledger.registry import name_news
from portal.metrics import collects
from portal.models import ConsentRecord, Customer
from portal.tenancy import Action
from portal.watch.trouble import watches


def register() -> None:
    for concern in (_ledger, _retention, _consents, _metrics, _jobs, _watch, _days):
        concern()


def _ledger() -> None:
    describe("portal.oauth_openapi")
    name_news("portal.replayed", _("Replayed"))
    handles("customer.erase", "portal.erasure.carry_out", title=_("Customer erased"), coalesces=True)


def _retention() -> None:
    retention.removes(
        "contents",
        _("Contents of finished events"),
        setting="RETENTION_CONTENTS_DAYS",
        below="portal.retention.walk.first_since",
        batch="portal.retention.contents.batch",
    )
    retention.removes(
        "events",
        _("Finished events"),
        setting="RETENTION_EVENTS_DAYS",
        below="portal.retention.walk.first_since",
        batch="portal.retention.events.batch",
    )
    retention.removes(
        "refused",
        _("Refused calls"),
        setting="RETENTION_REFUSED_DAYS",
        below="portal.retention.refused.below",
        batch="portal.retention.refused.batch",
    )
    retention.removes(
        "consents",
        _("Contents of consents that were replaced"),
        setting="RETENTION_CONSENTS_DAYS",
        below="portal.consents.aged.below",
        batch="portal.consents.aged.batch",
    )
    regularly("portal.retention", "portal.retention.ask")


def _consents() -> None:
    """Their proof."""
    erases("consents", "portal.consents.erasing.erase", preview="portal.consents.erasing.preview")
    name_news("consents.anchored", _("End of the consents noted"))
    regularly("consents", "portal.consents.anchors.note")


def _metrics() -> None:
    for name in ("hearts", "queue"):
        collects(name, f"portal.metrics.workers.{name}")
    for name in ("arrivals", "waiting", "running", "troubles", "calls"):
        collects(name, f"portal.metrics.ledger.{name}")
    collects("lanes", "portal.metrics.lanes.lanes")


def _jobs() -> None:
    handles("portal.job", "portal.jobs.feed.feed", title=_("Job under way"), coalesces=True)
    for kind, title in (
        ("job.started", _("Job started")),
        ("job.paused", _("Job paused")),
        ("job.resumed", _("Job resumed")),
        ("job.cancelled", _("Job cancelled")),
        ("job.retried", _("Failed rows tried again")),
    ):
        name_news(kind, title)
    job_kind("events.replay", "portal.jobs.replays.Replays", title=_("Replay"), needs=Action.OPERATE)


def _watch() -> None:
    for reader in ("readers.installation", "readers.work", "refusals.refused"):
        watches(f"portal.watch.{reader}")
    regularly("watch", "portal.watch.post.look", every=timedelta(minutes=1))


def _days() -> None:
    """What is counted every day."""
    daily.flow("arrivals", _("Arrivals"), "portal_event", query="part=first", position=10)
    daily.flow("customers", _("New customers"), "portal_customer", position=20)
    daily.flow("consents", _("Consents"), "portal_consentrecord", position=60)
    daily.counts_rows("customers", Customer, "created_at")
    daily.counts_rows("consents", ConsentRecord, "recorded_at", [Q(kind=kind) for kind in ConsentRecord.DECIDING])
    daily.stock("customers", lambda tenant: Customer.objects.for_tenant(tenant).count())
    regularly("daily", "portal.daily.counting.look", every=timedelta(minutes=5))
