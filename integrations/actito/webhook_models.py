"""What Actito had of our webhooks when they were read last."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.tenancy import TenantQuerySet


class ConnectionWebhooks(models.Model):
    """`lines`: [{"event_type", "url", "state", "remote_id", "prefix"}], `prefix` being the beginning of our key.

    `action` is the custom action's id in Actito; empty when it has none of that name. Actito's list is the truth: this
    is how it was at `read_at`. Written by integrations.actito.subscribing alone.
    """

    tenant_path: ClassVar[str | None] = "connection__tenant"

    connection = models.OneToOneField("actito.ActitoConnection", on_delete=models.CASCADE, related_name="webhooks")
    lines = models.JSONField(default=list)
    broken = models.PositiveSmallIntegerField(default=0)
    action = models.CharField(max_length=60, blank=True, default="")
    others = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhooks of a connection")
        verbose_name_plural = _("webhooks of connections")

    def __str__(self) -> str:
        return f"{self.connection}"
