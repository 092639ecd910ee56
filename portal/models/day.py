from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.tenancy import TenantModel


class TenantDay(TenantModel):
    """What happened to a tenant on one day of its own zone, in numbers (portal.daily). Nobody's data is in it."""

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    date = models.DateField(_("day"))
    # {"portal.event": 812}: the first key of that day or later, so that the day's rows are a stretch of the index.
    firsts = models.JSONField(default=dict)
    # {"arrivals": 12}: how often it happened.
    numbers = models.JSONField(default=dict)
    # {"customers": 1200}: how many there were when they were last counted, at most until the end of the day.
    stocks = models.JSONField(default=dict)
    counted_at = models.DateTimeField(_("counted"), default=timezone.now)
    stocked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("day")
        verbose_name_plural = _("days")
        ordering = ["-date"]
        constraints = [models.UniqueConstraint(fields=["tenant", "date"], name="tenantday_once")]

    def __str__(self) -> str:
        return f"{self.date}"
