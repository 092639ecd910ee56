from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.expressions import ExpressionError, parse
from passes.images import ImageError, inspect_png
from passes.models.credentials import AppleCredentials
from portal.sentences import told
from portal.tenancy import TenantModel, TenantQuerySet

colour = RegexValidator(r"#[0-9A-Fa-f]{6}\Z", _("Use a colour like #1A2B3C."))
field_key = RegexValidator(r"[A-Za-z][A-Za-z0-9_]*\Z", _("Use letters, digits and _ only, and begin with a letter."))


def validate_expression(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        raise ValidationError(told(error.sentence)) from error


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
    # The design that passes show, as passes.content.design_of() made it; null until the first publication.
    published = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name


class TemplateChild(models.Model):
    tenant_path: ClassVar[str | None] = "template__tenant"

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class TemplateField(TemplateChild):
    """One field of a pass: where it stands, its label, and the expression that gives its value."""

    class Place(models.TextChoices):
        HEADER = "header", _("Header")
        PRIMARY = "primary", _("Primary")
        SECONDARY = "secondary", _("Secondary")
        AUXILIARY = "auxiliary", _("Auxiliary")
        BACK = "back", _("Back")

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    place = models.CharField(_("place"), max_length=10, choices=Place.choices, default=Place.SECONDARY)
    key = models.CharField(_("key"), max_length=40, validators=[field_key])
    label = models.CharField(_("label"), max_length=60, blank=True, default="")
    expression = models.CharField(
        _("value"),
        max_length=300,
        validators=[validate_expression],
        help_text=_("For example {{ points }} or Hello {{ first_name }}."),
    )
    change_message = models.CharField(_("lock screen message"),
        max_length=200, blank=True, default="",
        help_text=_("Shown on the lock screen when the value changes; %@ is the new value. Empty: no notification."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("field")
        verbose_name_plural = _("fields")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["template", "key"], name="template_field_key")]

    def __str__(self) -> str:
        return self.label or self.key

    def clean(self) -> None:
        if self.change_message and "%@" not in self.change_message:
            raise ValidationError(
                {"change_message": _("Put %@ where the new value goes, or phones show a text of their own.")}
            )


class TemplateText(TemplateChild):
    """The translation of one text of a template."""

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    text = models.CharField(_("text"), max_length=200, help_text=_("The text as it stands above."))
    translation = models.CharField(_("translation"), max_length=200)

    class Meta:
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        ordering = ["language", "id"]
        constraints = [models.UniqueConstraint(fields=["template", "language", "text"], name="template_text_once")]

    def __str__(self) -> str:
        return f"{self.text} → {self.translation}"


class TemplateImage(TemplateChild):
    """A PNG of a template. Kept in the database, so that any number of web processes can serve it."""

    class Role(models.TextChoices):
        ICON = "icon", _("Icon")
        LOGO = "logo", _("Logo")
        STRIP = "strip", _("Strip")
        THUMBNAIL = "thumbnail", _("Thumbnail")

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="images")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    scale = models.PositiveSmallIntegerField(_("size"), choices=[(1, "@1x"), (2, "@2x"), (3, "@3x")], default=1)
    data = models.BinaryField(_("PNG"), editable=True)
    sha1 = models.CharField(max_length=40, editable=False)

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["role", "scale"]
        constraints = [models.UniqueConstraint(fields=["template", "role", "scale"], name="template_image_once")]

    def __str__(self) -> str:
        return self.file_name

    def save(self, *args: object, **kwargs: object) -> None:
        self.sha1 = inspect_png(bytes(self.data)).sha1
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def clean(self) -> None:
        try:
            inspect_png(bytes(self.data))
        except ImageError as error:
            raise ValidationError({"data": str(error)}) from error

    @property
    def file_name(self) -> str:
        return f"{self.role}{'' if self.scale == 1 else f'@{self.scale}x'}.png"
