"""Lines of the mapping editor: what of a profile, or of a custom action, becomes which value, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from integrations.actito.commands import RESERVED
from integrations.mapping import DateFormat, Format, Rule, Unreadable, ValueType
from integrations.value_readers import read_value
from passes.models.validators import currency_code
from portal.sentences import told
from portal.tenancy import TenantQuerySet

ANSWERS_LIMIT, ANSWER_LENGTH = 200, 100

value_name = RegexValidator(r"\A[a-z][a-z0-9_]*\Z", _("Use small letters, digits and _ only, and begin with a letter."))


def not_reserved(parameter: str) -> None:
    if parameter.lower() in RESERVED:
        raise ValidationError(_("This name has a meaning of its own in custom actions: see the documentation."))


def answers_of(lines: str) -> dict[str, str]:
    """“Gold” and “G = Gold”, one a line: what Actito answers -> the value. Raises ValidationError."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        answer, _equals, value = (part.strip() for part in line.partition("="))
        if not answer or len(line) > ANSWER_LENGTH:
            raise ValidationError(_("“%(line)s” is not an answer."), params={"line": line[:40]})
        if answer in found:
            raise ValidationError(_("“%(answer)s” stands here twice."), params={"answer": answer})
        found[answer] = value or answer
    if len(found) > ANSWERS_LIMIT:
        raise ValidationError(_("There are more than %(limit)s answers."), params={"limit": ANSWERS_LIMIT})
    return found


class MappedValue(models.Model):
    """A value by its type and format. Options of other types are left aside, so that a type may be tried and undone."""

    value_type = models.CharField(_("type"), max_length=10, choices=ValueType.choices, default=ValueType.TEXT)
    decimals = models.PositiveSmallIntegerField(
        _("decimals"), null=True, blank=True, validators=[MaxValueValidator(6)],
        help_text=_("Numbers and amounts are rounded to that many. Empty: numbers stay as they are, amounts get two."),
    )  # fmt: skip
    currency = models.CharField(
        _("currency"), max_length=3, blank=True, default="", db_default="", validators=[currency_code],
        help_text=_("Of an amount, for example EUR. Amounts in another currency are not taken."),
    )  # fmt: skip
    date_format = models.CharField(
        _("dates are written"), max_length=12, blank=True, default="", db_default="", choices=DateFormat.choices
    )
    answers = models.TextField(
        _("known answers"), blank=True, default="", db_default="",
        help_text=_("Of a choice, one a line: “Gold”, or “G = Gold” to write it differently. Others are not taken."),
    )  # fmt: skip
    default = models.CharField(
        _("when empty, take"), max_length=255, blank=True, default="", db_default="",
        help_text=_("Stands for an empty value, written as Actito would write it."),
    )  # fmt: skip

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        errors: dict[str, object] = {}
        try:
            answers = answers_of(self.answers)
        except ValidationError as error:
            errors["answers"] = error
        else:
            if self.value_type == ValueType.CHOICE and not answers:
                errors["answers"] = _("Write down the answers that Actito may give, one a line.")
            elif self.default and self.value_type in ValueType.values:
                try:
                    read_value(self.default, self.value_type, self.format())
                except Unreadable as unreadable:
                    errors["default"] = _t("This cannot be taken: %(error)s") % {"error": told(unreadable.sentence)}
        if errors:
            raise ValidationError(errors)

    def format(self) -> Format:
        """Of the answers that are no list of answers, none is known."""
        try:
            answers = answers_of(self.answers)
        except ValidationError:
            answers = {}
        return Format(self.decimals, self.currency, self.date_format, answers)

    def reads(self, source: str, name: str) -> Rule:
        """How what stands at this place of a document is read into a value of this name."""
        return Rule(source, name, self.value_type, default=self.default, format=self.format())


class AttributeMapping(MappedValue):
    """What of a profile becomes which customer value."""

    class Part(models.TextChoices):
        ATTRIBUTE = "attributes", _("Attribute")
        SUBSCRIPTION = "subscriptions", _("Subscription")
        SEGMENTATION = "segmentations", _("Segmentation")

    tenant_path: ClassVar[str | None] = "connection__tenant"

    connection = models.ForeignKey("actito.ActitoConnection", on_delete=models.CASCADE, related_name="mappings")
    part = models.CharField(_("part"), max_length=14, choices=Part.choices, default=Part.ATTRIBUTE)
    attribute = models.CharField(_("name in Actito"), max_length=100)
    value_name = models.CharField(_("customer value"), max_length=40, validators=[value_name])
    identifies = models.BooleanField(
        _("names the customer"), default=False,
        help_text=_("Custom actions may find the customer by this value, such as a card number. Each is one person's."),
    )  # fmt: skip
    keep_if_empty = models.BooleanField(
        _("keep if empty"), default=False, help_text=_("Keep the old value when Actito's is empty.")
    )

    objects = TenantQuerySet.as_manager()

    class Meta(MappedValue.Meta):
        abstract = False
        verbose_name = _("mapping")
        verbose_name_plural = _("mappings")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["connection", "value_name"], name="mapping_one_per_value")]

    def __str__(self) -> str:
        return f"{self.attribute} → {self.value_name}"

    def clean(self) -> None:
        super().clean()
        if self.keep_if_empty and self.default:
            raise ValidationError({"default": _("Either keep the old value, or take this one: not both.")})

    def rule(self, source: str) -> Rule:
        return replace(self.reads(source, self.value_name), keep_if_empty=self.keep_if_empty)

    def unique_error_message(self, model_class: type[models.Model], unique_check: Sequence[str]) -> ValidationError:
        return ValidationError(_("Another line fills this value."), code="unique_together")


class ParameterMapping(MappedValue):
    """What a custom action's parameter does to a pass."""

    class Mode(models.TextChoices):
        SET = "set", _("Set")
        ADD = "add", _("Add")

    tenant_path: ClassVar[str | None] = "connection__tenant"

    connection = models.ForeignKey("actito.ActitoConnection", on_delete=models.CASCADE, related_name="parameters")
    parameter = models.CharField(_("parameter in Actito"), max_length=100, validators=[not_reserved])
    value_name = models.CharField(_("value on the pass"), max_length=40, validators=[value_name])
    mode = models.CharField(
        _("mode"), max_length=5, choices=Mode.choices, default=Mode.SET,
        help_text=_("Add: the number is added to what the pass shows, once for each event of Actito's."),
    )  # fmt: skip
    pinned = models.BooleanField(
        _("stays"), default=False, help_text=_("The profile's value does not replace it until an action clears it.")
    )

    objects = TenantQuerySet.as_manager()

    class Meta(MappedValue.Meta):
        abstract = False
        verbose_name = _("parameter of custom actions")
        verbose_name_plural = _("parameters of custom actions")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["connection", "parameter"], name="parameter_once")]

    def __str__(self) -> str:
        return f"{self.parameter} → {self.value_name}"

    def clean(self) -> None:
        super().clean()
        if self.mode == self.Mode.ADD and self.value_type not in {ValueType.NUMBER, ValueType.MONEY}:
            raise ValidationError({"value_type": _("Only numbers can be added.")})
        if self.mode == self.Mode.ADD and self.pinned:
            raise ValidationError({"pinned": _("What is added cannot stay: choose Set for a value that stays.")})
