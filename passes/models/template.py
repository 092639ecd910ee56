from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.models.credentials import AppleCredentials
from passes.models.validators import colour, store_ids, validate_expression
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
        CONDITION = "condition", _("For customers who match conditions")
        LINK = "link", _("When a customer opens their link")
        BY_HAND = "hand", _("By hand, or by another system")
        API = "api", _("By another system only")
        RULE = "rule", _("By rules only")

    class BarcodeFormat(models.TextChoices):
        NONE = "", _("No barcode")
        QR = "qr", _("QR code")
        PDF417 = "pdf417", _("PDF417")
        AZTEC = "aztec", _("Aztec")
        CODE128 = "code128", _("Code 128")
        EAN13 = "ean13", _("EAN-13")
        CODE39 = "code39", _("Code 39")
        CODABAR = "codabar", _("Codabar")
        ITF = "itf", _("Interleaved 2 of 5")

    class AppleStyle(models.TextChoices):
        USUAL = "", _("The usual one")
        GENERIC = "generic", _("Generic, with a small picture")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.CUSTOMER_CARD)
    issue = models.CharField(
        _("passes are made"), max_length=10, choices=Issue.choices, default=Issue.BY_HAND,
        help_text=_("When a customer gets a pass of this template."),
    )  # fmt: skip
    any_condition = models.BooleanField(
        _("one condition is enough"), default=False, db_default=False,
        help_text=_("Of those under “Conditions”. Otherwise all of them must hold."),
    )  # fmt: skip
    active = models.BooleanField(_("active"), default=True)
    apple = models.ForeignKey(
        AppleCredentials, verbose_name=_("Apple certificate"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="templates",
    )  # fmt: skip
    google = models.ForeignKey(
        "passes.GoogleIssuer", verbose_name=_("Google issuer"), null=True, blank=True, on_delete=models.PROTECT,
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
    barcode_text = models.CharField(
        _("text below the barcode"), max_length=200, blank=True, default="", db_default="",
        validators=[validate_expression], help_text=_("For example {{ card_number }}."),
    )  # fmt: skip
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
    expires = models.CharField(
        _("valid until"), max_length=300, blank=True, default="", db_default="", validators=[validate_expression],
        help_text=_("A date, for example {{ valid_until }} or 2027-12-31. A day counts to its end."),
    )  # fmt: skip
    grouping = models.CharField(
        _("group"), max_length=200, blank=True, default="", db_default="", validators=[validate_expression],
        help_text=_("Event tickets of one group lie together, for example {{ order_number }}."),
    )  # fmt: skip
    max_distance = models.PositiveIntegerField(
        _("distance to a place"), null=True, blank=True,
        help_text=_("In metres: how near the phone must be for the pass to appear. Empty: the phone decides."),
    )  # fmt: skip
    apple_style = models.CharField(
        _("layout"), max_length=10, choices=AppleStyle.choices, blank=True, default="", db_default="",
        help_text=_("Of customer cards."),
    )  # fmt: skip
    poster = models.BooleanField(
        _("also as a poster"), default=False, db_default=False,
        help_text=_("Generic passes with a background picture, from iOS 27. Older phones show the usual layout."),
    )  # fmt: skip
    sharing_prohibited = models.BooleanField(
        _("without a share button"),
        default=False,
        db_default=False,
        help_text=_("Owners cannot pass it on from Wallet."),
    )
    store_ids = models.CharField(
        _("apps"), max_length=200, blank=True, default="", db_default="", validators=[store_ids],
        help_text=_("App Store numbers, separated by commas. The back of the pass offers the first that runs there."),
    )  # fmt: skip
    app_link = models.CharField(
        _("link into the app"), max_length=500, blank=True, default="", db_default="", validators=[validate_expression],
        help_text=_("What the app is opened with, for example coffee://card/{{ card_number }}."),
    )  # fmt: skip
    nfc_message = models.CharField(
        _("NFC message"), max_length=200, blank=True, default="", db_default="", validators=[validate_expression],
        help_text=_("What a terminal reads when the phone is held to it, 64 bytes at most. Needs an NFC certificate."),
    )  # fmt: skip
    nfc_key = models.TextField(
        _("terminal's public key"), blank=True, default="", db_default="",
        help_text=_("P-256, as Base64 or PEM. Terminals have the private half."),
    )  # fmt: skip
    nfc_confirmed = models.BooleanField(
        _("owner confirms"), default=False, db_default=False, help_text=_("With Face ID, Touch ID or the code.")
    )
    apple_additions = models.JSONField(
        _("additions to pass.json"), null=True, blank=True,
        help_text=_("What only Apple Wallet has, as JSON with the keys of Apple's pass.json. Texts may hold values."),
    )  # fmt: skip
    google_additions = models.JSONField(
        _("additions to Google's resources"), null=True, blank=True,
        help_text=_("What only Google Wallet has, as JSON with the keys of its API: {\"class\": what all passes share, "
                    "\"object\": what each has}. Texts may hold values; those of “class” only as the tier."),
    )  # fmt: skip
    open_enrolment = models.BooleanField(
        _("open to everybody"), default=False, db_default=False,
        help_text=_("The template then has a link for posters and newsletters: whoever confirms an e-mail address "
                    "there gets a pass."),
    )  # fmt: skip
    link_days = models.PositiveSmallIntegerField(
        _("days that links work"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("For links that are made from now on. Empty: they work for ever."),
    )  # fmt: skip
    sample_values = models.JSONField(
        _("values of the preview"), null=True, blank=True,
        help_text=_("Shown on the preview while there is no pass, as JSON by the names of the values, for example "
                    "{\"points\": 120}."),
    )  # fmt: skip
    # The design that passes show, as passes.design.design_of() made it; null until the first publication.
    published = models.JSONField(null=True, editable=False)
    # {"tag", "before"} since a silent publication: passes with an older update tag still show the design of before.
    quiet = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name
