"""Google Wallet: the issuer's account, and what of ours lies at Google."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from passes.models.validators import issuer_number
from passes.models.wallet_pass import WalletPass
from portal import ledger
from portal.ledger import lane_id_for
from portal.models import Lane
from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel, TenantQuerySet

API_URL, SAVE_URL = "https://walletobjects.googleapis.com", "https://pay.google.com"
# Google takes 20 calls a second (developers.google.com/wallet/generic/faq) and does not say of whom: a quarter is left.
CALLS_PER_MINUTE, CALLS_AT_ONCE = 900, 8


class GoogleIssuer(TenantModel):
    """An issuer account in the Google Pay & Wallet console, with the service account that acts for it."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    issuer_id = models.CharField(
        _("issuer ID"), max_length=20, validators=[issuer_number],
        help_text=_("The long number in the Google Pay & Wallet console, for example 3388000000022141777."),
    )  # fmt: skip
    key_file = EncryptedTextField(
        _("key file"), help_text=_("The JSON file of a service account's key, whole. It is stored encrypted.")
    )
    client_email = models.CharField(_("service account"), max_length=254, editable=False)
    api_url = models.URLField(_("API address"), default=API_URL)
    save_url = models.URLField(
        _("address of the save page"), default=SAVE_URL, help_text=_("Google's keys for callbacks are read there, too.")
    )
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("Google issuer")
        verbose_name_plural = _("Google issuers")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "issuer_id"], name="google_one_per_issuer")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        before: int | None = self.lane_id
        self.lane_id = lane_id_for(self.tenant_id, f"google:{self.issuer_id}", CALLS_AT_ONCE, CALLS_PER_MINUTE)
        with transaction.atomic():
            super().save(*args, **kwargs)  # type: ignore[arg-type]
            ledger.move(before, self.lane_id)


class GoogleClass(models.Model):
    """What several objects have in common, as it was last sent to Google. Classes are never deleted there."""

    tenant_path: ClassVar[str | None] = "issuer__tenant"

    issuer = models.ForeignKey(GoogleIssuer, on_delete=models.CASCADE, related_name="classes")
    class_id = models.CharField(_("class ID"), max_length=150)
    type = models.CharField(_("type"), max_length=20)
    sent_hash = models.CharField(max_length=64)
    sent_at = models.DateTimeField(_("sent"))

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "class_id"], name="google_class_once")]

    def __str__(self) -> str:
        return self.class_id


class GoogleObject(TenantModel):
    """A pass at Google: made when its owner first asks for it, and changed with the pass from then on."""

    personal: ClassVar[bool] = True

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    wallet_pass = models.OneToOneField(WalletPass, on_delete=models.CASCADE, related_name="google")
    issuer = models.ForeignKey(GoogleIssuer, on_delete=models.PROTECT, related_name="objects_held", db_index=False)
    # Another one follows where Google lets an object not change its class, so the id counts them.
    object_id = models.CharField(_("object ID"), max_length=150)
    generation = models.PositiveSmallIntegerField(default=1)
    type = models.CharField(_("type"), max_length=20)
    class_id = models.CharField(_("class ID"), max_length=150, blank=True, default="")
    # Another vendor made it. No other takes its place where Google lets it not change its class: it is on phones.
    imported = models.BooleanField(default=False, db_default=False)
    keeps_class = models.BooleanField(default=False, db_default=False)
    # The body that Google last took, and its hash; null until there is an object of this id.
    sent = models.JSONField(null=True)
    sent_hash = models.CharField(max_length=64, blank=True, default="")
    sent_at = models.DateTimeField(_("sent"), null=True)
    # What was last announced of each field that has a change message: {key: text}.
    told = models.JSONField(default=dict)
    installed_at = models.DateTimeField(_("added"), null=True)
    removed_at = models.DateTimeField(_("removed"), null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "object_id"], name="google_object_once")]
        indexes = [
            models.Index(
                fields=["tenant", "-id"], condition=models.Q(installed_at__isnull=False), name="google_installed"
            )
        ]

    def __str__(self) -> str:
        return self.object_id

    @property
    def subject(self) -> str:
        """Of all work on it, so that one call at a time is made for it."""
        return f"google:{self.object_id}"

    @property
    def installed(self) -> bool:
        """Whether somebody has it in Google Wallet, as far as Google has told."""
        return self.installed_at is not None


class GoogleNotification(models.Model):
    """A notification that was asked of Google, for the meter: it shows no more than three of each sort in 24 hours."""

    class Sort(models.TextChoices):
        UPDATE = "update", _("Change of a field")
        MESSAGE = "message", _("Message")

    tenant_path: ClassVar[str | None] = "google_object__tenant"

    google_object = models.ForeignKey(GoogleObject, on_delete=models.CASCADE, related_name="notifications")
    sort = models.CharField(max_length=10, choices=Sort.choices)
    at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["google_object", "sort", "at"], name="google_meter")]

    def __str__(self) -> str:
        return f"{self.sort} {self.google_object}"
