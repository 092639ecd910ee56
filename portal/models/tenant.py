from __future__ import annotations

from typing import ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.tenancy import Role, TenantModel, TenantQuerySet


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        said = _("“%(name)s” is not a time zone. Use a name like Europe/Brussels.")
        raise ValidationError(said, params={"name": name})


validate_colour = RegexValidator(r"\A#[0-9A-Fa-f]{6}\Z", _("Enter a colour such as #1F6F54."))


class Tenant(models.Model):
    """A brand: its team, connections, customers and passes, walled off from every other tenant."""

    tenant_path: ClassVar[str | None] = "self"

    slug = models.SlugField(
        _("tenant ID"), unique=True, help_text=_("Part of the webhook addresses; it cannot be changed.")
    )
    name = models.CharField(_("name"), max_length=100)
    colour = models.CharField(
        _("colour"), max_length=7, blank=True, default="", validators=[validate_colour],
        help_text=_("Marks this tenant's pages in the portal."),
    )  # fmt: skip
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Brussels", validators=[validate_time_zone]
    )
    language = models.CharField(_("language"), max_length=8, default="en", choices=settings.LANGUAGES)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    # While it is set, webhooks are refused with 503, workers leave the tenant's events waiting, and people only read.
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True, editable=False)
    suspended_reason = models.CharField(_("reason"), max_length=200, blank=True, default="", editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name


class Membership(TenantModel):
    """A person's role in a tenant."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships",
                             verbose_name=_("person"))  # fmt: skip
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        ordering = ["tenant", "user"]
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_one_role")]

    def __str__(self) -> str:
        """By the address that the person was added with: the account's name may be nothing that the team knows."""
        return f"{self.user.email or self.user.get_username()} · {self.get_role_display()}"
