"""The ledger's tables. Their statements live in portal.ledger; what was measured is in docs/ledger.md."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.tenancy import TenantModel


class Lane(TenantModel):
    """A remote account and its limits, shared by all workers: one tenant's licence at Actito, one pass type at Apple.

    Work of a lane that is paused, or whose `not_before` lies ahead, is never claimed.
    """

    key = models.CharField(max_length=200)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.TextField(blank=True, default="")
    not_before = models.DateTimeField(default=timezone.now)
    max_running = models.PositiveSmallIntegerField(default=4, help_text="Calls at the same time, over all workers.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="lane_key")]

    def __str__(self) -> str:
        return self.key


class Event(TenantModel):
    """One row of durable work or news."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        LEASED = "leased", "Running"
        DONE = "done", "Done"
        IGNORED = "ignored", "Ignored"
        MERGED = "merged", "Merged"
        FAILED = "failed", "Failed"
        UNCERTAIN = "uncertain", "Uncertain"

    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, help_text="What it is about; one Event per subject runs at a time.")
    coalesces = models.BooleanField(
        default=False, help_text="Whether one run covers all waiting Events of the subject."
    )
    payload = models.JSONField(default=dict)

    source = models.CharField(max_length=60, help_text="Who sent it, for example actito:3 or portal.")
    source_id = models.CharField(max_length=200, null=True, help_text="The sender's own id of the event.")  # noqa: DJ001
    body_hash = models.CharField(max_length=64, blank=True, default="")
    repeats = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0, help_text="Retries used of the present schedule.")
    first_failed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    leased_by = models.CharField(max_length=80, blank=True, default="")

    correlation_id = models.UUIDField(default=uuid.uuid4)
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.TextField(blank=True, default="", help_text="One sentence for staff.")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject"], condition=Q(status="leased"), name="event_one_leased_per_subject"
            ),
            models.UniqueConstraint(
                fields=["tenant", "source", "source_id"], condition=Q(source_id__isnull=False), name="event_source_id"
            ),
        ]
        indexes = [
            models.Index(fields=["lane", "due_at"], condition=Q(status="waiting"), name="event_due"),
            models.Index(
                fields=["tenant", "kind", "subject"],
                condition=Q(coalesces=True, status="waiting"),
                name="event_coalesce",
            ),
            models.Index(fields=["tenant", "kind", "subject"], condition=Q(status="failed"), name="event_dead"),
            models.Index(fields=["lease_until"], condition=Q(status="leased"), name="event_lease"),
            models.Index(fields=["tenant", "-id"], name="event_newest"),
            models.Index(fields=["correlation_id"], name="event_trace"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class Attempt(models.Model):
    """One outside call: written before it is made, completed after it. An open one tells of a call cut short."""

    tenant_path: ClassVar[str | None] = "event__tenant"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="calls")
    number = models.PositiveIntegerField(help_text="The Event's attempt during which the call was made.")
    target = models.CharField(max_length=200, help_text="The system called, in words.")
    method = models.CharField(max_length=10)
    url = models.CharField(max_length=500)
    repeatable = models.BooleanField(default=True, help_text="Whether making the call twice does no harm.")
    status = models.PositiveSmallIntegerField(null=True, help_text="The HTTP status; empty when no answer came.")
    milliseconds = models.PositiveIntegerField(null=True)
    error = models.TextField(blank=True, default="")
    request_excerpt = models.TextField(blank=True, default="")
    response_excerpt = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


class Heart(models.Model):
    """A worker process that lives: it beats while it drains. Rows of processes long gone are swept away."""

    tenant_path: ClassVar[str | None] = None
    tenant_path_reason: ClassVar[str] = "Workers serve all tenants."

    cluster = models.CharField(max_length=80)
    process = models.CharField(max_length=80, unique=True)
    beat_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.process
