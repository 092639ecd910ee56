from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from passes.apple.phone_log import LINE_LENGTH
from passes.models.wallet_pass import WalletPass
from portal.tenancy import TenantQuerySet


class PhoneNotice(models.Model):
    """What phones reported of their trouble with a pass: one row a pass and kind, however often it comes."""

    tenant_path: ClassVar[str | None] = "wallet_pass__tenant"

    wallet_pass = models.ForeignKey(WalletPass, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(_("kind"), max_length=20)
    text = models.CharField(_("what the phone said last"), max_length=LINE_LENGTH)
    times = models.PositiveBigIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first"), default=timezone.now)
    last_at = models.DateTimeField(_("last"), default=timezone.now)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("report of phones")
        verbose_name_plural = _("reports of phones")
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["wallet_pass", "kind"], name="notice_once")]

    def __str__(self) -> str:
        return f"{self.wallet_pass_id}: {self.kind}"
