from __future__ import annotations

from django.db import models

from portal.tenancy import TenantModel


class Customer(TenantModel):
    """A person as the tenant's systems know them. `portal.customers` is the only writer."""

    key = models.CharField(max_length=255, help_text="The business key, for example the e-mail address.")
    language = models.CharField(max_length=8, blank=True, default="")
    # {"points": 420}: text, number, true or false, ISO date, or null.
    values = models.JSONField(default=dict)
    # {"points": {"source": "actito:3", "number": 812, "at": "2026-01-31T10:00:00+00:00"}}: who wrote it last, and when;
    # `number` is the arrival's number in the ledger, so that an older arrival never overwrites a newer one.
    origins = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(null=True, help_text="When a value last changed.")
    synced_at = models.DateTimeField(null=True, help_text="When the profile was last read.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "-id"]), models.Index(fields=["tenant", "key"])]

    def __str__(self) -> str:
        return self.key


class Identity(TenantModel):
    """One name of a customer in one outside system: profile 147471 of Actito connection 3."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    namespace = models.CharField(max_length=60, help_text="The system, for example actito:3.")
    value = models.CharField(max_length=255)
    number = models.BigIntegerField(default=0, help_text="The ledger's number of the reading that gave it.")

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["tenant", "namespace", "value"], name="identity_one_customer")]

    def __str__(self) -> str:
        return f"{self.namespace}: {self.value}"
