"""The proof of consents. `portal.consents` is the only writer.

What the hashes are made of is in docs/consents-proof.md.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models.change import Unchangeable
from portal.tenancy import TenantModel, TenantQuerySet

ONLY_ADDED = "The proof of consents is only added to."


class ConsentQuerySet(TenantQuerySet["ConsentRecord"]):
    def update(self, **values: Any) -> NoReturn:
        raise Unchangeable(ONLY_ADDED)

    def delete(self) -> NoReturn:
        raise Unchangeable(ONLY_ADDED)

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Unchangeable(ONLY_ADDED)


class ConsentRecord(TenantModel):
    """One thing that happened to one consent of one person: a link in the tenant's chain.

    Whoever writes to the database itself can still change it, which `manage.py check_consents` then finds.
    """

    class Kind(models.TextChoices):
        GIVEN = "given", _("Given")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        OVERRULED = "overruled", _("Overruled")  # a system said otherwise, and was set right
        HELD = "held", _("Held for review")
        CONFIRMED = "confirmed", _("Confirmed")  # a system was found to follow

    # What decides whether somebody is subscribed; the others tell what became of it.
    DECIDING = (Kind.GIVEN, Kind.WITHDRAWN)

    personal: ClassVar[bool] = True

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    number = models.BigIntegerField(_("number"), help_text=_("Counted from 1 in each tenant, without a gap."))
    customer = models.ForeignKey("portal.Customer", on_delete=models.RESTRICT, related_name="+", db_index=False,
                                 verbose_name=_("customer"))  # fmt: skip
    kind = models.CharField(_("what happened"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("customer value"), max_length=100)
    source = models.CharField(_("said by"), max_length=60)
    # JSON as it was hashed, letter by letter: no database may write its numbers or order its members anew. Empty when
    # the contents were removed.
    contents_text = models.TextField(_("contents"))
    emptied_at = models.DateTimeField(_("contents removed"), null=True)
    content_hash = models.CharField(_("fingerprint of the contents"), max_length=64)
    previous = models.CharField(_("fingerprint of the record before"), max_length=64)
    hash = models.CharField(_("fingerprint"), max_length=64)
    # Not among what is hashed: events end with their retention. Their number stays in the contents.
    event = models.ForeignKey("portal.Event", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False,
                              verbose_name=_("event"))  # fmt: skip
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    objects: ClassVar[Any] = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="consent_number")]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="consent_newest"),
            models.Index(fields=["tenant", "kind", "-id"], name="consent_by_kind"),
            models.Index(fields=["tenant", "source", "kind", "-id"], name="consent_by_source"),
            models.Index(fields=["customer", "-id"], name="consent_of_customer"),
            models.Index(fields=["event"], condition=Q(event__isnull=False), name="consent_of_event"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"

    @property
    def contents(self) -> dict[str, Any]:
        """What the record tells; nothing when its contents were removed. Keys: docs/consents-proof.md."""
        found: dict[str, Any] = json.loads(self.contents_text) if self.contents_text else {}
        return found

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Unchangeable(ONLY_ADDED)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Unchangeable(ONLY_ADDED)


class ConsentHead(TenantModel):
    """Where a tenant's chain ends. `seal`: "key id:HMAC", which nobody makes who has the database alone; empty where
    the head before could not be verified, until somebody looked into it."""

    tenant = models.OneToOneField("portal.Tenant", on_delete=models.CASCADE, related_name="+",
                                  verbose_name=_("tenant"))  # fmt: skip
    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)
    seal = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        verbose_name = _("head of the consents")
        verbose_name_plural = _("heads of the consents")

    def __str__(self) -> str:
        return f"{self.tenant_id}:{self.number}:{self.hash}"
