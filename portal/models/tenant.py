from __future__ import annotations

from typing import ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from portal.tenancy import Role, TenantModel, TenantQuerySet


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Use a name like Europe/Brussels.")


class Tenant(models.Model):
    """A brand: its team, connections, customers and passes, walled off from every other tenant."""

    tenant_path: ClassVar[str | None] = "self"

    slug = models.SlugField("tenant ID", unique=True, help_text="Part of the webhook addresses; it cannot be changed.")
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, default="Europe/Brussels", validators=[validate_time_zone])
    language = models.CharField(max_length=8, default="en", choices=settings.LANGUAGES)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(TenantModel):
    """A person's role in a tenant."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["tenant", "user"]
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_one_role")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"
