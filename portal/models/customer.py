from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.tenancy import Action, TenantModel, TenantQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from portal.models.tenant import Tenant


LIVING = models.Q(erased_at__isnull=True)


class LivingManager(models.Manager["Customer"]):
    """Customers who were not erased: what every list, count and choice is made of."""

    def get_queryset(self) -> TenantQuerySet[Customer]:
        return TenantQuerySet(self.model, using=self._db).filter(erased_at=None)

    def for_tenant(self, tenant: Tenant | int) -> TenantQuerySet[Customer]:
        return self.get_queryset().for_tenant(tenant)

    def for_tenants(self, tenants: Iterable[int]) -> TenantQuerySet[Customer]:
        return self.get_queryset().for_tenants(tenants)

    def for_user(
        self, user: AbstractBaseUser | AnonymousUser, action: Action = Action.VIEW
    ) -> TenantQuerySet[Customer]:
        return self.get_queryset().for_user(user, action)


class Customer(TenantModel):
    """A person as the tenant's systems know them. `portal.customers` is the only writer, save `portal.erasure`.

    An erased one stays as a row without anything of the person, which rows that point to it keep. `objects` leaves it
    out; foreign keys reach it.
    """

    personal: ClassVar[bool] = True

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    key = models.CharField(
        _("customer key"),
        max_length=255,
        help_text=_("Your own name for the customer, for example the e-mail address."),
    )
    # Staff search as they like to type; the systems spell as they like to.
    lowered_key = models.GeneratedField(expression=Lower("key"), output_field=models.CharField(max_length=255),
                                        db_persist=True)  # fmt: skip
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    # {"points": 420}: text, number, true or false, ISO date, or null.
    values = models.JSONField(_("values"), default=dict)
    # {"points": {"source": "actito:3", "number": 812, "at": "2026-01-31T10:00:00+00:00"}}: who wrote it last, and when;
    # `number` is the arrival's number in the ledger, so that an older arrival never overwrites a newer one; `changed`
    # is that of the arrival which brought the value first: reading it again does not make it newer than other writes.
    origins = models.JSONField(_("where values come from"), default=dict)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), null=True, help_text=_("When a value last changed."))
    synced_at = models.DateTimeField(_("read"), null=True, help_text=_("When the profile was last read."))
    erased_at = models.DateTimeField(_("erased"), null=True, editable=False)

    objects: ClassVar[LivingManager] = LivingManager()  # type: ignore[assignment]  # one of its own

    class Meta:
        ordering = ["-id"]
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            # As `objects` asks, so that a list and its count need no row.
            models.Index(fields=["tenant", "-id"], name="customer_newest", condition=LIVING),
            models.Index(fields=["tenant", "-changed_at", "-id"], name="customer_changed", condition=LIVING),
            models.Index(
                fields=["tenant", "lowered_key"], name="customer_by_key", condition=LIVING,
                opclasses=["int8_ops", "varchar_pattern_ops"],  # LIKE 'beginning%' in any collation
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.key


class Identity(TenantModel):
    """One name of a customer in one outside system: profile 147471 of Actito connection 3."""

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities",
                                 verbose_name=_("customer"))  # fmt: skip
    namespace = models.CharField(_("system"), max_length=60, help_text=_("The system, for example actito:3."))
    value = models.CharField(_("name there"), max_length=255)
    number = models.BigIntegerField(
        _("number"), default=0, help_text=_("The ledger's number of the reading that gave it.")
    )
    gone_at = models.DateTimeField(
        _("gone since"), null=True, blank=True, help_text=_("When the system was found not to have this name any more.")
    )

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(fields=["tenant", "namespace", "value"], name="identity_one_customer")]
        indexes = [
            # How many went lately.
            models.Index(fields=["tenant", "namespace", "gone_at"], name="identity_gone",
                         condition=models.Q(gone_at__isnull=False)),
            # Whose names they are, in the order of the list of customers.
            models.Index(fields=["tenant", "-customer"], name="identity_gone_whose",
                         condition=models.Q(gone_at__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.namespace}: {self.value}"
