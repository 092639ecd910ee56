from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.sentences import SentenceField, told
from portal.tenancy import TenantModel


class Job(TenantModel):
    """Long work: a source of Events, fed to the ledger a few at a time. What its kind means: portal.jobs."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        DONE = "done", _("Done")

    kind = models.CharField(_("kind"), max_length=60, editable=False)
    title = SentenceField(_("job"), editable=False)
    payload = models.JSONField(_("content"), default=dict, editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RUNNING, editable=False
    )  # fmt: skip

    total = models.PositiveBigIntegerField(_("rows"), editable=False, help_text=_("As counted at the start."))
    fed = models.PositiveBigIntegerField(_("begun"), default=0, editable=False)
    skipped = models.PositiveBigIntegerField(
        _("left out"), default=0, editable=False, help_text=_("Rows with nothing to do once it was their turn.")
    )
    cursor = models.JSONField(null=True, editable=False)  # the key of the last row that was fed
    all_fed = models.BooleanField(default=False, editable=False)
    # While failed rows are tried again: {"after": 0, "until": 812}, numbers of Events.
    retrying = models.JSONField(null=True, editable=False)
    rate = models.PositiveIntegerField(
        _("rows a minute"), default=0, editable=False, help_text=_("At most; 0: as fast as the remote account allows.")
    )
    paced_at = models.DateTimeField(null=True, editable=False)  # until when the rate has been used up
    # What had ended when, over the last minute: [[1795282800.5, 120], …].
    samples = models.JSONField(default=list, editable=False)

    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+",
                                editable=False)  # fmt: skip
    who = models.CharField(
        _("started by"), max_length=150, editable=False, help_text=_("Kept when the account is gone.")
    )
    correlation_id = models.UUIDField(_("chain"), default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("ended"), null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(fields=["tenant", "-id"], name="job_newest"),
            models.Index(fields=["tenant", "state", "-id"], name="job_by_state"),
        ]

    def __str__(self) -> str:
        return told(self.title)
