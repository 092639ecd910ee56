"""What lanes of one remote account share, whoever's they are. Written by portal.ledger.sharing alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from portal.tenancy import TenantQuerySet


class SharedBudget(models.Model):
    """A remote account that several lanes reach. It is shown to nobody: tenants know nothing of each other."""

    tenant_path: ClassVar[str | None] = None
    tenant_path_reason: ClassVar[str] = "Tenants that use one licence share its limits, and know nothing of each other."

    budget_until = models.FloatField(default=0.0, help_text="Seconds since 1970: when all that was used is refilled.")

    class Meta:
        verbose_name = "shared budget"
        verbose_name_plural = "shared budgets"

    def __str__(self) -> str:
        return f"{self.pk}"


class LaneProof(models.Model):
    """A secret by which a lane's remote account is reached, as its fingerprint (portal.secrets)."""

    tenant_path: ClassVar[str | None] = "lane__tenant"

    lane = models.ForeignKey("portal.Lane", on_delete=models.CASCADE, related_name="proofs", db_index=False)
    digest = models.CharField(max_length=64, db_index=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = "proof of a remote account"
        verbose_name_plural = "proofs of remote accounts"
        constraints = [models.UniqueConstraint(fields=["lane", "digest"], name="lane_proof_once")]

    def __str__(self) -> str:
        return f"{self.lane}"
