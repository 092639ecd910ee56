from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Pruning(models.Model):
    """The removal of one class of data that is past its time: the row lets one process do it at a time."""

    tenant_path: ClassVar[str | None] = None
    tenant_path_reason: ClassVar[str] = "One run serves all tenants."

    name = models.CharField(_("name"), max_length=40, unique=True)
    asked_at = models.DateTimeField(_("asked for"), null=True, help_text="Empty when no run is owed.")
    held_until = models.DateTimeField(_("held until"), null=True)
    holder = models.UUIDField(null=True)
    ended_at = models.DateTimeField(_("last run"), null=True)
    removed = models.PositiveBigIntegerField(_("removed then"), default=0, help_text="Rows of the run that ended last.")

    class Meta:
        ordering = ["name"]
        verbose_name = _("retention")
        verbose_name_plural = _("retention")

    def __str__(self) -> str:
        return self.name

    @property
    def is_held(self) -> bool:
        """Whether a process is at it."""
        return self.held_until is not None and self.held_until > timezone.now()
