from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from passes import conditions
from passes.models.parts import TemplateChild
from passes.models.template import PassTemplate
from passes.models.validators import field_key


class Condition(models.Model):
    """What a customer's value must be: see passes.conditions."""

    class Operator(models.TextChoices):
        EQUALS = conditions.EQUALS, _("is")
        IS_NOT = conditions.IS_NOT, _("is not")
        GREATER = conditions.GREATER, _("is greater, or later, than")
        LESS = conditions.LESS, _("is less, or earlier, than")
        CONTAINS = conditions.CONTAINS, _("contains")
        FILLED = conditions.FILLED, _("is known")
        EMPTY = conditions.EMPTY, _("is empty")

    name = models.CharField(_("value"), max_length=40, validators=[field_key],
                            help_text=_("Its name, as in the mapping: for example tier."))  # fmt: skip
    operator = models.CharField(_("condition"), max_length=10, choices=Operator.choices, default=Operator.EQUALS)
    value = models.CharField(_("compared with"), max_length=200, blank=True, default="",
                             help_text=_("A text, a number such as 12.5, or a date such as 2027-03-31."))  # fmt: skip

    class Meta:
        abstract = True
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name} {self.get_operator_display()} {self.value}".strip()

    def clean(self) -> None:
        super().clean()
        if self.operator in conditions.ALONE:
            self.value = ""
        elif not self.value:
            raise ValidationError({"value": _("Say what to compare with.")})


class TemplateCondition(TemplateChild, Condition):
    """Who gets a pass of the template."""

    template = models.ForeignKey(PassTemplate, on_delete=models.CASCADE, related_name="conditions")

    class Meta(Condition.Meta):
        abstract = False
