from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.models.credentials import AppleCredentials
from passes.models.wallet_pass import WalletPass
from portal.tenancy import TenantModel, TenantQuerySet

# Pushed since a change that it has not asked after.
UNHEARD = models.Q(pushed_at__gte=models.F("unheard_since"))


class Device(TenantModel):
    """A phone, as far as one pass type knows it. Its library identifier is not stable; its push token may change."""

    apple = models.ForeignKey(AppleCredentials, on_delete=models.CASCADE, related_name="devices")
    library_identifier = models.CharField(max_length=100)
    push_token = models.CharField(max_length=200)
    token_at = models.DateTimeField(help_text=_("When the push token was last given."))
    pushed_at = models.DateTimeField(null=True, help_text=_("When Apple last accepted a push."))
    asked_at = models.DateTimeField(null=True, help_text=_("When it last asked what changed."))
    # The first change that it has not asked after, and whether it was pushed once more for it: see passes.answering.
    unheard_since = models.DateTimeField(null=True)
    pushed_again = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["apple", "library_identifier"], name="device_once")]
        indexes = [
            models.Index(fields=["library_identifier"]),
            models.Index(fields=["tenant", "unheard_since"], name="device_unheard",
                         condition=UNHEARD),
            models.Index(fields=["tenant", "unheard_since"], name="device_to_remind",
                         condition=UNHEARD & models.Q(pushed_again=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"iPhone {self.library_identifier[:8]}"


class Registration(models.Model):
    """A pass on a device: it was added there and asked to be told of changes."""

    tenant_path: ClassVar[str | None] = "device__tenant"

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="registrations")
    wallet_pass = models.ForeignKey(WalletPass, on_delete=models.CASCADE, related_name="registrations")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "wallet_pass"], name="registration_once")]

    def __str__(self) -> str:
        return f"{self.wallet_pass} on {self.device}"
