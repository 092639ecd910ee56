from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from passes.expressions import ExpressionError, parse
from passes.images import ImageError, inspect_png
from passes.models.credentials import AppleCredentials
from portal.tenancy import TenantModel, TenantQuerySet

colour = RegexValidator(r"#[0-9A-Fa-f]{6}\Z", "Use a colour like #1A2B3C.")
field_key = RegexValidator(r"[A-Za-z][A-Za-z0-9_]*\Z", "Use letters, digits and _ only, and begin with a letter.")


def validate_expression(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        raise ValidationError(str(error)) from error


class PassTemplate(TenantModel):
    """One neutral design of a pass, for every wallet."""

    class Kind(models.TextChoices):
        CUSTOMER_CARD = "customerCard", "Customer card"
        OFFER = "offer", "Offer"
        GIFT_CARD = "giftCard", "Gift card"
        EVENT_TICKET = "eventTicket", "Event ticket"
        GENERIC = "generic", "Generic"

    class Issue(models.TextChoices):
        EVERY_CUSTOMER = "every", "For every customer"
        BY_HAND = "hand", "By hand"

    class BarcodeFormat(models.TextChoices):
        NONE = "", "No barcode"
        QR = "qr", "QR code"
        PDF417 = "pdf417", "PDF417"
        AZTEC = "aztec", "Aztec"
        CODE128 = "code128", "Code 128"

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.CUSTOMER_CARD)
    issue = models.CharField(
        "passes are made", max_length=10, choices=Issue.choices, default=Issue.BY_HAND,
        help_text="When a customer gets a pass of this template.",
    )  # fmt: skip
    active = models.BooleanField(default=True)
    apple = models.ForeignKey(
        AppleCredentials, verbose_name="Apple certificate", null=True, blank=True, on_delete=models.PROTECT,
        related_name="templates",
    )  # fmt: skip
    organization_name = models.CharField(max_length=100, help_text="Shown on the lock screen.")
    description = models.CharField(max_length=200, help_text="Read aloud to people who cannot see the pass.")
    logo_text = models.CharField(max_length=50, blank=True, default="")
    background_colour = models.CharField(max_length=7, default="#1F2937", validators=[colour])
    text_colour = models.CharField(max_length=7, default="#FFFFFF", validators=[colour])
    label_colour = models.CharField(max_length=7, default="#CBD5E1", validators=[colour])
    barcode_format = models.CharField(max_length=10, choices=BarcodeFormat.choices, blank=True, default="")
    barcode_message = models.CharField(
        max_length=200,
        blank=True,
        default="",
        validators=[validate_expression],
        help_text="For example {{ card_number }}.",
    )
    language = models.CharField(
        max_length=8, choices=settings.LANGUAGES, default="en", help_text="The language that the texts below are in."
    )
    # The design that passes show, as passes.content.design_of() made it; null until the first publication.
    published = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

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
        HEADER = "header", "Header"
        PRIMARY = "primary", "Primary"
        SECONDARY = "secondary", "Secondary"
        AUXILIARY = "auxiliary", "Auxiliary"
        BACK = "back", "Back"

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(default=0)
    place = models.CharField(max_length=10, choices=Place.choices, default=Place.SECONDARY)
    key = models.CharField(max_length=40, validators=[field_key])
    label = models.CharField(max_length=60, blank=True, default="")
    expression = models.CharField(
        "value",
        max_length=300,
        validators=[validate_expression],
        help_text="For example {{ points }} or Hello {{ first_name }}.",
    )
    change_message = models.CharField(
        max_length=200, blank=True, default="",
        help_text="Shown on the lock screen when the value changes; %@ is the new value. Empty: no notification.",
    )  # fmt: skip

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["template", "key"], name="template_field_key")]

    def __str__(self) -> str:
        return self.label or self.key

    def clean(self) -> None:
        if self.change_message and "%@" not in self.change_message:
            raise ValidationError(
                {"change_message": "Put %@ where the new value goes, or phones show a text of their own."}
            )


class TemplateText(TemplateChild):
    """The translation of one text of a template."""

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=8, choices=settings.LANGUAGES)
    text = models.CharField(max_length=200, help_text="The text as it stands above.")
    translation = models.CharField(max_length=200)

    class Meta:
        verbose_name = "translation"
        ordering = ["language", "id"]
        constraints = [models.UniqueConstraint(fields=["template", "language", "text"], name="template_text_once")]

    def __str__(self) -> str:
        return f"{self.text} → {self.translation}"


class TemplateImage(TemplateChild):
    """A PNG of a template. Kept in the database, so that any number of web processes can serve it."""

    class Role(models.TextChoices):
        ICON = "icon", "Icon"
        LOGO = "logo", "Logo"
        STRIP = "strip", "Strip"
        THUMBNAIL = "thumbnail", "Thumbnail"

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="images")
    role = models.CharField(max_length=12, choices=Role.choices)
    scale = models.PositiveSmallIntegerField(choices=[(1, "@1x"), (2, "@2x"), (3, "@3x")], default=1)
    data = models.BinaryField(editable=True)
    sha1 = models.CharField(max_length=40, editable=False)

    class Meta:
        verbose_name = "image"
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
