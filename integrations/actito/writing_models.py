"""What is written to profiles."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.sentences import SentenceField
from portal.tenancy import TenantQuerySet, check_same_tenant


class WrittenProfile(models.Model):
    """What the portal wrote last to a customer's profile. Written by integrations.actito.writeback alone."""

    tenant_path: ClassVar[str | None] = "connection__tenant"
    personal: ClassVar[bool] = True

    connection = models.ForeignKey("actito.ActitoConnection", on_delete=models.CASCADE, related_name="+",
                                   db_index=False)  # fmt: skip
    customer = models.ForeignKey("portal.Customer", on_delete=models.CASCADE, related_name="+")
    # {"walletStatus": {"value": "apple", "number": 812}}: `number` is that of the Event that brought the value, so that
    # an older one never overwrites a newer.
    attributes = models.JSONField(default=dict)
    sent_at = models.DateTimeField(help_text=_("When the last call began."))

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("written profile")
        verbose_name_plural = _("written profiles")
        constraints = [models.UniqueConstraint(fields=["connection", "customer"], name="written_once")]

    def __str__(self) -> str:
        return f"{self.connection} · {self.customer}"


ATTRIBUTE_LIMIT = 50


class WalletNews(models.Model):
    """What a connection tells Actito of wallets: into which attributes, and whether it does."""

    class DateForm(models.TextChoices):
        """No page of Actito's shows how its API takes a moment, so it is a choice."""

        PLAIN = "plain", "2027-01-31 10:00:00"
        ISO = "iso", "2027-01-31T10:00:00+01:00"
        DAY = "day", "31/01/2027"

    tenant_path: ClassVar[str | None] = "connection__tenant"

    connection = models.OneToOneField("actito.ActitoConnection", on_delete=models.CASCADE, related_name="wallet_news")
    active = models.BooleanField(_("write wallet news to Actito"), default=False)
    status = models.CharField(_("wallet status"), max_length=ATTRIBUTE_LIMIT, blank=True, default="walletStatus")
    apple_since = models.CharField(
        _("in Apple Wallet since"), max_length=ATTRIBUTE_LIMIT, blank=True, default="walletAppleInstalledAt"
    )
    google_since = models.CharField(
        _("in Google Wallet since"), max_length=ATTRIBUTE_LIMIT, blank=True, default="walletGoogleInstalledAt"
    )
    changed_at = models.CharField(
        _("last change"), max_length=ATTRIBUTE_LIMIT, blank=True, default="walletLastChange"
    )  # fmt: skip
    event = models.CharField(_("last event"), max_length=ATTRIBUTE_LIMIT, blank=True, default="walletLastEvent")
    link = models.CharField(_("pass link"), max_length=ATTRIBUTE_LIMIT, blank=True, default="walletPassLink")
    template = models.ForeignKey(
        "passes.PassTemplate", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("link to the pass of"),
    )  # fmt: skip
    date_form = models.CharField(_("dates as"), max_length=5, choices=DateForm.choices, default=DateForm.PLAIN)
    # Why nothing is written though it is active: Actito refused. A person mends it and switches it on again.
    stopped = SentenceField(blank=True, default="", editable=False)
    refusals = models.PositiveIntegerField(default=0, editable=False, help_text=_("In a row, since the last success."))

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("wallet news")
        verbose_name_plural = _("wallet news")

    def __str__(self) -> str:
        return str(_("Wallet news"))

    def clean(self) -> None:
        check_same_tenant(self)
