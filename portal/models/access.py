from __future__ import annotations

from django.db import models

from portal.tenancy import TenantModel


class Scope(models.TextChoices):
    ACTITO_LISTENER = "ActitoListener.Write", "Receive Actito's webhooks"


class ApiKey(TenantModel):
    """A key of a tenant. Only its SHA-256 is stored; the key itself is shown once, when it is made."""

    name = models.CharField(max_length=100, help_text="What uses this key, for example “Actito production”.")
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    # "actito:3": which connection is speaking, because profile ids are per table. Empty: the tenant's only one.
    bound_to = models.CharField("connection", max_length=60, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "API key"
        verbose_name_plural = "API keys"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
