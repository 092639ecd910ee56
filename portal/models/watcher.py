from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.tenancy import TenantQuerySet


class Watcher(models.Model):
    """When a person is told what is wrong in a tenant, or in the installation where none is named, and what they were.

    Troubles are kept as {key: mark}, as `portal.watch.trouble` names them. Written by `portal.watch` only.
    """

    class Wanted(models.TextChoices):
        AT_ONCE = "at_once", _("At once, at most once an hour")
        DAILY = "daily", _("Once a day, in the morning")
        NEVER = "never", _("Never")

    tenant_path: ClassVar[str | None] = "tenant"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+",
                             verbose_name=_("person"))  # fmt: skip
    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, null=True, related_name="+",
                               verbose_name=_("tenant"))  # fmt: skip
    # Empty: as people of the role are told when they choose nothing.
    wanted = models.CharField(_("messages"), max_length=8, choices=Wanted.choices, blank=True, default="")
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, blank=True, default="")

    told = models.JSONField(default=dict)  # what the last message said
    told_at = models.DateTimeField(null=True)
    alarmed_at = models.DateTimeField(null=True)  # the last message that told of something wrong
    seen = models.JSONField(default=dict)  # what has changed since, and when that was first seen: seconds since 1970
    # A message that is on its way: what it says. It is written before the message is sent and cleared after it.
    sending = models.JSONField(null=True)
    sending_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    turn = models.PositiveBigIntegerField(default=0)  # grows with each change: who read an older one changes nothing

    objects: ClassVar[TenantQuerySet[Watcher]] = TenantQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("messages to a person")
        verbose_name_plural = _("messages to people")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="watcher_of_tenant"),
            models.UniqueConstraint(fields=["user"], condition=Q(tenant=None), name="watcher_of_installation"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}/{self.tenant_id}"
