from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class PeriodicTask(models.Model):
    """When a registered periodic task is due next. The row makes it happen once over all workers."""

    tenant_path: ClassVar[str | None] = None
    tenant_path_reason: ClassVar[str] = "One run serves all tenants."

    name = models.CharField(_("name"), max_length=60, unique=True)
    due_at = models.DateTimeField(_("due"))

    class Meta:
        verbose_name = _("periodic task")
        verbose_name_plural = _("periodic tasks")

    def __str__(self) -> str:
        return self.name
