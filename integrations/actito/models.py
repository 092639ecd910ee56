from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.mapping import Rule, ValueType
from portal.ledger import lane_id_for
from portal.models import Lane
from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel, TenantQuerySet

value_name = RegexValidator(r"[a-z][a-z0-9_]*\Z", _("Use small letters, digits and _ only, and begin with a letter."))


class ActitoConnection(TenantModel):
    """One profile table of one Actito licence."""

    class PathStyle(models.TextChoices):
        CATEGORISED = "categorised", "/profiles/v4/… (2025)"
        FLAT = "flat", "/v4/…"
        LEGACY = "legacy", "/ActitoWebServices/ws/v4/…"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    host = models.URLField(
        _("API address"), help_text=_("For example https://api3.actito.com: see “View API key” in Actito.")
    )
    path_style = models.CharField(
        _("path style"), max_length=12, choices=PathStyle.choices, default=PathStyle.CATEGORISED
    )
    licence = models.CharField(
        _("licence"), max_length=100, help_text=_("Connections of one licence share its limits.")
    )
    entity = models.CharField(_("entity"), max_length=100)
    table = models.CharField(_("profile table"), max_length=100)
    unique_key = models.CharField(
        _("unique attribute"),
        max_length=50,
        default="emailAddress",
        help_text=_("The unique attribute that names a person."),
    )
    language_attribute = models.CharField(_("language attribute"), max_length=50, blank=True, default="motherLanguage")
    api_key = EncryptedTextField(_("API key"))
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("Actito connection")
        verbose_name_plural = _("Actito connections")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="actito_connection_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """How the ledger, identities and keys name this connection."""
        return f"actito:{self.pk}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.lane_id = lane_id_for(self.tenant_id, f"actito:{self.host}:{self.licence}", max_running=4)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def rules(self) -> list[Rule]:
        return [
            Rule(f"{mapping.part}.{mapping.attribute}", mapping.value_name, mapping.value_type, mapping.keep_if_empty)
            for mapping in self.mappings.all()
        ]


class AttributeMapping(models.Model):
    """What of a profile becomes which customer value."""

    class Part(models.TextChoices):
        ATTRIBUTE = "attributes", _("Attribute")
        SUBSCRIPTION = "subscriptions", _("Subscription")
        SEGMENTATION = "segmentations", _("Segmentation")

    tenant_path: ClassVar[str | None] = "connection__tenant"

    connection = models.ForeignKey(ActitoConnection, on_delete=models.CASCADE, related_name="mappings")
    part = models.CharField(_("part"), max_length=14, choices=Part.choices, default=Part.ATTRIBUTE)
    attribute = models.CharField(_("name in Actito"), max_length=100)
    value_name = models.CharField(_("customer value"), max_length=40, validators=[value_name])
    value_type = models.CharField(_("type"), max_length=10, choices=ValueType.choices, default=ValueType.TEXT)
    keep_if_empty = models.BooleanField(
        _("keep if empty"), default=False, help_text=_("Keep the old value when Actito's is empty.")
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("mapping")
        verbose_name_plural = _("mappings")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["connection", "value_name"], name="mapping_one_per_value")]

    def __str__(self) -> str:
        return f"{self.attribute} → {self.value_name}"
