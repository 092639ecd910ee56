from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from passes.certificates import parsed
from portal import ledger
from portal.ledger import lane_id_for
from portal.models import Lane
from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel, TenantQuerySet


class AppleCredentials(TenantModel):
    """A pass type at Apple, with the certificate that signs its passes and opens APNs."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    pass_type_identifier = models.CharField(
        _("pass type identifier"), max_length=150, help_text=_("For example pass.com.example.loyalty.")
    )
    team_identifier = models.CharField(_("team identifier"), max_length=20)
    certificate = models.TextField(_("certificate"), help_text="PEM.")
    private_key = EncryptedTextField(_("private key"), help_text="PEM.")
    intermediate = models.TextField(_("intermediate certificate"), help_text=_("Apple's WWDR certificate, PEM."))
    apns_url = models.URLField(_("push address"), default="https://api.push.apple.com")
    apns_authority = models.TextField(
        _("push server's authority"), blank=True, default="", help_text=_("PEM; empty for Apple's own servers.")
    )
    # A key of the team that pushes in place of the certificate (passes.apple.provider).
    push_key = EncryptedTextField(_("push key"), blank=True, default="", db_default="", help_text="PEM.")
    push_key_id = models.CharField(_("key ID"), max_length=10, blank=True, default="", db_default="")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("Apple certificate")
        verbose_name_plural = _("Apple certificates")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "pass_type_identifier"], name="apple_one_per_pass_type")
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        before: int | None = self.lane_id
        self.lane_id = lane_id_for(self.tenant_id, f"apple:{self.pass_type_identifier}", max_running=6)
        with transaction.atomic():
            super().save(*args, **kwargs)  # type: ignore[arg-type]
            ledger.move(before, self.lane_id)


class SpareCertificate(models.Model):
    """Another certificate of the same pass type and team: the next one, or one that was in use before."""

    tenant_path: ClassVar[str | None] = "apple__tenant"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    apple = models.ForeignKey(AppleCredentials, on_delete=models.CASCADE, related_name="spares")
    certificate = models.TextField(_("certificate"), help_text="PEM.")
    private_key = EncryptedTextField(_("private key"), help_text="PEM.")
    intermediate = models.TextField(_("intermediate certificate"), help_text="PEM.")
    used_until = models.DateTimeField(_("in use until"), null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("spare certificate")
        verbose_name_plural = _("spare certificates")
        ordering = ["-pk"]

    def __str__(self) -> str:
        found = parsed(self.certificate)
        return f"{found.serial_number:X}" if found else "–"


class CertificateRequest(TenantModel):
    """A key that was made here, waiting for the certificate that Apple gives for its request."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=64, help_text=_("What the passes are, such as Loyalty cards."))
    private_key = EncryptedTextField(_("private key"), help_text="PEM.")
    request = models.TextField(_("request"), help_text="PEM.")
    created_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("certificate request")
        verbose_name_plural = _("certificate requests")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class UpdateCounter(models.Model):
    """The last update tag of a pass type. Locked while a tag is taken, so tags commit in their order."""

    tenant_path: ClassVar[str | None] = None
    tenant_path_reason: ClassVar[str] = "A phone asks by pass type, which two tenants of one brand may share."

    pass_type_identifier = models.CharField(_("pass type identifier"), max_length=150, unique=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.pass_type_identifier}: {self.value}"
