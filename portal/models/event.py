"""The ledger's tables. Their statements live in portal.ledger; what was measured is in docs/ledger.md."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.sentences import SentenceField
from portal.tenancy import TenantModel


class Lane(TenantModel):
    """A remote account and its limits, shared by all workers: one tenant's licence at Actito, one pass type at Apple.

    Work of a lane that is paused, whose `not_before` lies ahead, or whose budget is used up, is never claimed. What the
    numbers mean is said in portal/ledger/limits.py. Lanes that reach one account share its budget and its running
    calls.
    """

    key = models.CharField(_("key"), max_length=200)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    pause_reason = SentenceField(_("reason"), blank=True, default="")
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    max_running = models.PositiveSmallIntegerField(
        _("at the same time"), default=4, help_text=_("Calls at the same time, over all workers.")
    )
    calls_per_minute = models.PositiveIntegerField(
        _("calls a minute"), default=0, help_text=_("Over all workers; 0 is no limit.")
    )
    budget_until = models.FloatField(default=0.0, help_text="Seconds since 1970: when all that was used is refilled.")
    # None for one that no other lane reaches.
    shared = models.ForeignKey("portal.SharedBudget", null=True, on_delete=models.SET_NULL, related_name="lanes",
                               editable=False)  # fmt: skip
    failures = models.PositiveIntegerField(_("failed calls in a row"), default=0)
    failing_since = models.DateTimeField(_("calls have failed since"), null=True)

    class Meta:
        verbose_name = _("remote account")
        verbose_name_plural = _("remote accounts")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="lane_key")]

    def __str__(self) -> str:
        return self.key


class Event(TenantModel):
    """One row of durable work or news."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        LEASED = "leased", _("Running")
        DONE = "done", _("Done")
        IGNORED = "ignored", _("Ignored")
        MERGED = "merged", _("Merged")
        FAILED = "failed", _("Failed")
        UNCERTAIN = "uncertain", _("Uncertain")

    # Each status stands in one of these.
    PENDING = (Status.WAITING, Status.LEASED)  # a worker's turn
    UNRESOLVED = (Status.FAILED, Status.UNCERTAIN)  # a person's turn
    FINISHED = (Status.DONE, Status.IGNORED, Status.MERGED)

    # No index of their own: what begins with the tenant, and `event_due`, serve all that is asked of them.
    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", db_index=False,
                             verbose_name=_("remote account"))  # fmt: skip
    kind = models.CharField(_("kind"), max_length=60)
    subject = models.CharField(
        _("subject"), max_length=200, help_text=_("What it is about; one event per subject runs at a time.")
    )
    coalesces = models.BooleanField(
        _("covers others"), default=False, help_text=_("Whether one run covers all waiting events of the subject.")
    )
    payload = models.JSONField(_("content"), default=dict)

    source = models.CharField(_("source"), max_length=60, help_text=_("Who sent it, for example actito:3 or portal."))
    source_id = models.CharField(  # noqa: DJ001
        _("sender's number"), max_length=200, null=True, help_text=_("The sender's own id of the event.")
    )
    body_hash = models.CharField(_("fingerprint"), max_length=64, blank=True, default="")
    repeats = models.PositiveIntegerField(_("sent again"), default=0)

    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(_("tries"), default=0)
    retries = models.PositiveIntegerField(_("retries"), default=0, help_text=_("Retries used of the present schedule."))
    first_failed_at = models.DateTimeField(_("first failed"), null=True)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    claimed_at = models.DateTimeField(_("begun"), null=True)
    lease_until = models.DateTimeField(_("held until"), null=True)
    lease_token = models.UUIDField(null=True)
    leased_by = models.CharField(_("held by"), max_length=80, blank=True, default="")

    correlation_id = models.UUIDField(_("chain"), default=uuid.uuid4)
    # Most Events have none of them, so their indexes hold those only that do (below).
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children", db_index=False,
                               verbose_name=_("follows from"))  # fmt: skip
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
                                    verbose_name=_("covered by"))  # fmt: skip
    job = models.ForeignKey("portal.Job", null=True, on_delete=models.SET_NULL, related_name="rows", db_index=False,
                            verbose_name=_("job"))  # fmt: skip
    outcome = SentenceField(_("outcome"), blank=True, default="", help_text=_("One sentence for staff."))
    created_at = models.DateTimeField(_("received"), default=timezone.now)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject"], condition=Q(status="leased"), name="event_one_leased_per_subject"
            ),
            models.UniqueConstraint(
                fields=["tenant", "source", "source_id"], condition=Q(source_id__isnull=False), name="event_source_id"
            ),
        ]
        indexes = [
            # What workers ask.
            models.Index(fields=["lane", "due_at"], condition=Q(status="waiting"), name="event_due"),
            models.Index(fields=["lease_until"], condition=Q(status="leased"), name="event_lease"),
            # What pages ask, newest first (portal.admin.paging).
            # Whether it follows from another is in it for the list of those that began a chain.
            models.Index(fields=["tenant", "-id", "parent"], name="event_newest"),
            models.Index(fields=["tenant", "status", "-id"], name="event_by_status"),
            models.Index(fields=["tenant", "kind", "status", "-id"], name="event_by_kind"),
            # Workers ask for a subject's Events of one status, too (portal.ledger.same).
            models.Index(
                fields=["tenant", "subject", "-id", "status"], name="event_by_subject",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops", "varchar_ops"],  # LIKE 'beginning%' anywhere
            ),
            models.Index(fields=["correlation_id"], name="event_trace"),
            # What follows an Event, on its page and when it is deleted.
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="event_children"),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="event_covered"),
            models.Index(fields=["job", "status", "-id"], condition=Q(job__isnull=False), name="event_of_job"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class Attempt(models.Model):
    """One outside call: written before it is made, completed after it. An open one tells of a call cut short."""

    tenant_path: ClassVar[str | None] = "event__tenant"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="calls", verbose_name=_("event"))
    number = models.PositiveIntegerField(
        _("number"), help_text=_("The event's attempt during which the call was made.")
    )
    target = models.CharField(_("system"), max_length=200, help_text=_("The system called, in words."))
    method = models.CharField(_("method"), max_length=10)
    url = models.CharField(_("address"), max_length=500)
    repeatable = models.BooleanField(
        _("repeatable"), default=True, help_text=_("Whether making the call twice does no harm.")
    )
    status = models.PositiveSmallIntegerField(
        _("status"), null=True, help_text=_("The HTTP status; empty when no answer came.")
    )
    milliseconds = models.PositiveIntegerField(_("milliseconds"), null=True)
    error = SentenceField(_("error"), blank=True, default="")
    request_excerpt = models.TextField(_("sent"), blank=True, default="")
    response_excerpt = models.TextField(_("answered"), blank=True, default="")
    started_at = models.DateTimeField(_("begun"), default=timezone.now)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("call")
        verbose_name_plural = _("calls")

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


class Heart(models.Model):
    """A worker process that lives: it beats while it drains. Rows of processes long gone are swept away."""

    tenant_path: ClassVar[str | None] = None
    tenant_path_reason: ClassVar[str] = "Workers serve all tenants."

    cluster = models.CharField(_("cluster"), max_length=80)
    process = models.CharField(_("process"), max_length=80, unique=True)
    beat_at = models.DateTimeField(_("last beat"), default=timezone.now)

    class Meta:
        verbose_name = _("worker process")
        verbose_name_plural = _("worker processes")

    def __str__(self) -> str:
        return self.process
