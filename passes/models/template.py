from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.models.credentials import AppleCredentials
from passes.models.validators import colour, validate_expression
from portal.tenancy import TenantModel


class PassTemplate(TenantModel):
    """One neutral design of a pass, for every wallet."""

    class Kind(models.TextChoices):
        CUSTOMER_CARD = "customerCard", _("Customer card")
        OFFER = "offer", _("Offer")
        GIFT_CARD = "giftCard", _("Gift card")
        EVENT_TICKET = "eventTicket", _("Event ticket")
        GENERIC = "generic", _("Generic")

    class Issue(models.TextChoices):
        EVERY_CUSTOMER = "every", _("For every customer")
        BY_HAND = "hand", _("By hand")

    class BarcodeFormat(models.TextChoices):
        NONE = "", _("No barcode")
        QR = "qr", _("QR code")
        PDF417 = "pdf417", _("PDF417")
        AZTEC = "aztec", _("Aztec")
        CODE128 = "code128", _("Code 128")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.CUSTOMER_CARD)
    issue = models.CharField(
        _("passes are made"), max_length=10, choices=Issue.choices, default=Issue.BY_HAND,
        help_text=_("When a customer gets a pass of this template."),
    )  # fmt: skip
    active = models.BooleanField(_("active"), default=True)
    apple = models.ForeignKey(
        AppleCredentials, verbose_name=_("Apple certificate"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="templates",
    )  # fmt: skip
    organization_name = models.CharField(_("organisation"), max_length=100, help_text=_("Shown on the lock screen."))
    description = models.CharField(
        _("description"), max_length=200, help_text=_("Read aloud to people who cannot see the pass.")
    )
    logo_text = models.CharField(_("logo text"), max_length=50, blank=True, default="")
    background_colour = models.CharField(_("background colour"), max_length=7, default="#1F2937", validators=[colour])
    text_colour = models.CharField(_("text colour"), max_length=7, default="#FFFFFF", validators=[colour])
    label_colour = models.CharField(_("label colour"), max_length=7, default="#CBD5E1", validators=[colour])
    barcode_format = models.CharField(
        _("barcode"), max_length=10, choices=BarcodeFormat.choices, blank=True, default=""
    )
    barcode_message = models.CharField(
        _("barcode message"),
        max_length=200,
        blank=True,
        default="",
        validators=[validate_expression],
        help_text=_("For example {{ card_number }}."),
    )
    language = models.CharField(
        _("language"),
        max_length=8,
        choices=settings.LANGUAGES,
        default="en",
        help_text=_("The language that the texts below are in."),
    )
    carries_messages = models.BooleanField(
        _("room for messages"), default=True,
        help_text=_("A line on the back for the messages of custom actions. A phone announces a line that changes, "
                    "not one that is new; so without it, a first message makes no sound."),
    )  # fmt: skip
    # The design that passes show, as passes.design.design_of() made it; null until the first publication.
    published = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name
