"""The parts of a template: its fields, translations and images."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from passes.images import ImageError, inspect_png
from passes.models.template import PassTemplate
from passes.models.validators import currency_code, field_key, validate_expression
from portal.tenancy import TenantQuerySet


class TemplateChild(models.Model):
    tenant_path: ClassVar[str | None] = "template__tenant"

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class TemplateField(TemplateChild):
    """One field of a pass: where it stands, its label, the expression that gives its value, and how that is shown."""

    class Place(models.TextChoices):
        HEADER = "header", _("Header")
        PRIMARY = "primary", _("Primary")
        SECONDARY = "secondary", _("Secondary")
        AUXILIARY = "auxiliary", _("Auxiliary")
        BACK = "back", _("Back")
        FOOTER = "footer", _("Foot of a poster")

    class Format(models.TextChoices):
        TEXT = "", _("As it is")
        NUMBER = "number", _("Number")
        CURRENCY = "currency", _("Amount of money")
        PERCENT = "percent", _("Percentage")
        SCIENTIFIC = "scientific", _("Scientific number")
        WORDS = "words", _("Number in words")
        DATE = "date", _("Date or time")

    class Length(models.TextChoices):
        NONE = "", _("Not shown")
        SHORT = "short", _("Short")
        MEDIUM = "medium", _("Medium")
        LONG = "long", _("Long")
        FULL = "full", _("Full")

    class Alignment(models.TextChoices):
        AUTOMATIC = "", _("Automatic")
        NATURAL = "natural", _("As the language is written")
        LEFT = "left", _("Left")
        CENTER = "center", _("Centre")
        RIGHT = "right", _("Right")

    class Detector(models.TextChoices):
        PHONE = "phone", _("Phone numbers")
        LINK = "link", _("Web addresses")
        ADDRESS = "address", _("Postal addresses")
        CALENDAR = "calendar", _("Dates")
        NONE = "none", _("Nothing")

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
    format = models.CharField(
        _("format"), max_length=12, choices=Format.choices, blank=True, default="", db_default="",
        help_text=_("The phone writes numbers and dates as its owner is used to."),
    )  # fmt: skip
    currency = models.CharField(
        _("currency"), max_length=3, blank=True, default="", db_default="", validators=[currency_code],
        help_text=_("Of an amount of money, for example EUR."),
    )  # fmt: skip
    date_style = models.CharField(
        _("date"), max_length=6, choices=Length.choices, blank=True, default=Length.MEDIUM, db_default=Length.MEDIUM
    )
    time_style = models.CharField(
        _("time"), max_length=6, choices=Length.choices, blank=True, default="", db_default=""
    )
    relative = models.BooleanField(
        _("as a distance"), default=False, db_default=False, help_text=_("For example “in three days”.")
    )
    fixed_zone = models.BooleanField(
        _("the same time everywhere"), default=False, db_default=False,
        help_text=_("In the brand's time zone, also on phones that are elsewhere."),
    )  # fmt: skip
    alignment = models.CharField(
        _("alignment"), max_length=8, choices=Alignment.choices, blank=True, default="", db_default=""
    )
    second_row = models.BooleanField(
        _("in the second row"), default=False, db_default=False, help_text=_("Auxiliary fields of event tickets.")
    )
    link = models.CharField(
        _("link"), max_length=500, blank=True, default="", db_default="", validators=[validate_expression],
        help_text=_("The text leads there. For example https://example.com/{{ card_number }}."),
    )  # fmt: skip
    detectors = models.JSONField(
        _("what becomes a link"), default=list, blank=True, null=True,
        help_text=_("On the back, phones make links of phone numbers, addresses and dates. None chosen: all of them."),
    )  # fmt: skip
    semantics = models.JSONField(
        _("meaning for Apple Wallet"), null=True, blank=True,
        help_text=_("Semantic tags as JSON, for example {\"balance\": {\"amount\": \"{{ balance }}\", "
                    "\"currencyCode\": \"EUR\"}}."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("field")
        verbose_name_plural = _("fields")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["template", "key"], name="template_field_key")]

    def __str__(self) -> str:
        return self.label or self.key

    def clean(self) -> None:
        wrong = {}
        if self.change_message and "%@" not in self.change_message:
            wrong["change_message"] = _("Put %@ where the new value goes, or phones show a text of their own.")
        if self.format == self.Format.CURRENCY and not self.currency:
            wrong["currency"] = _("Which currency is the amount in?")
        if wrong:
            raise ValidationError(wrong)


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
        BACKGROUND = "background", _("Background")
        FOOTER = "footer", _("Footer")
        ARTWORK = "artwork", _("Artwork")
        PRIMARY_LOGO = "primaryLogo", _("Logo of a poster")
        SECONDARY_LOGO = "secondaryLogo", _("Second logo of a poster")
        GOOGLE_LOGO = "googleLogo", _("Logo for Google Wallet")
        GOOGLE_HERO = "googleHero", _("Wide picture for Google Wallet")

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="images")
    role = models.CharField(_("role"), max_length=14, choices=Role.choices)
    scale = models.PositiveSmallIntegerField(_("size"), choices=[(1, "@1x"), (2, "@2x"), (3, "@3x")], default=1)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, blank=True, default="", db_default="",
        help_text=_("Empty: for every language that has none of its own."),
    )  # fmt: skip
    data = models.BinaryField(_("PNG"), editable=True)
    sha1 = models.CharField(max_length=40, editable=False)

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["role", "language", "scale"]
        constraints = [
            models.UniqueConstraint(fields=["template", "role", "scale", "language"], name="template_image_language")
        ]
        indexes = [models.Index(fields=["sha1"], name="template_image_sha1")]  # Google asks by it

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
        """Its path in a pass: `strip@2x.png`, `fr.lproj/strip@2x.png`."""
        name = f"{self.role}{'' if self.scale == 1 else f'@{self.scale}x'}.png"
        return f"{self.language}.lproj/{name}" if self.language else name
