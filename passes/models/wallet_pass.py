from __future__ import annotations

import secrets
import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.models.credentials import AppleCredentials
from passes.models.template import PassTemplate
from portal.models import Customer
from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel


def new_token() -> str:
    return secrets.token_urlsafe(24)


class WalletPass(TenantModel):
    """A customer's pass. Its content is stored, so that what is signed at fetch is what was hashed at refresh."""

    personal: ClassVar[bool] = True

    serial_number = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Never changes in an update: phones keep it (Apple, "Adding a Web Service to Update Passes").
    authentication_token = EncryptedTextField(default=new_token, bound_to="serial_number", editable=False)
    # Of a pass that another vendor issued: the serial number that stands on the card, and its pass type.
    imported_serial = models.CharField(max_length=255, null=True, editable=False)  # noqa: DJ001 - unique where there is one
    imported_under = models.ForeignKey(AppleCredentials, null=True, on_delete=models.SET_NULL, related_name="+",
                                       db_index=False, editable=False)  # fmt: skip
    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    template = models.ForeignKey(PassTemplate, on_delete=models.PROTECT, related_name="passes", db_index=False,
                                 verbose_name=_("template"))  # fmt: skip
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="passes")
    # What was put on this pass alone, over the customer's values, and from where: see passes.values.
    values = models.JSONField(default=dict)
    origins = models.JSONField(default=dict)
    content = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64, blank=True, default="")
    # Whole seconds and always growing, because If-Modified-Since knows no finer time.
    changed_at = models.DateTimeField(_("changed"), null=True)
    update_tag = models.BigIntegerField(default=0, help_text=_("What a phone echoes to ask for later changes only."))
    changed_by = models.ForeignKey("portal.Event", null=True, on_delete=models.SET_NULL, related_name="+")
    fetched_at = models.DateTimeField(null=True, help_text=_("When a phone first fetched the present content."))
    # Keys of fields that changed aloud since a phone last fetched: see passes.hush.
    untold = models.JSONField(null=True)
    voided = models.BooleanField(default=False)
    # Because its customer is gone from where they were known: it is valid again once they come back.
    voided_as_gone = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("pass")
        verbose_name_plural = _("passes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["template", "customer"], name="pass_one_per_customer"),
            models.UniqueConstraint(
                fields=["imported_under", "imported_serial"], name="pass_one_per_imported_serial",
                condition=models.Q(imported_serial__isnull=False),
            ),
        ]  # fmt: skip
        indexes = [
            # What pages ask, newest first (portal.admin.paging).
            models.Index(fields=["tenant", "-id"], name="pass_newest"),
            models.Index(fields=["template", "tenant", "-id"], name="pass_by_template"),
            models.Index(fields=["tenant", "-id"], condition=models.Q(voided=True), name="pass_void"),
        ]

    def __str__(self) -> str:
        return f"{self.template} · {self.customer}"

    @property
    def card_serial(self) -> str:
        """The serial number on the card; our own, unless another vendor issued it under the pass type it still has."""
        if self.imported_serial is None:
            return str(self.serial_number)
        kept = self.imported_under_id == self.template.apple_id
        return self.imported_serial if kept else str(self.serial_number)
