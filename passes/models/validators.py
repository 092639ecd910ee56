"""What may be entered into a template's form."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from passes.expressions import ExpressionError, parse
from portal.sentences import told

colour = RegexValidator(r"\A#[0-9A-Fa-f]{6}\Z", _("Use a colour like #1A2B3C."))
currency_code = RegexValidator(r"\A[A-Z]{3}\Z", _("Use a currency's code of three capital letters, such as EUR."))
store_ids = RegexValidator(r"\A\d{1,15}(\s*,\s*\d{1,15})*\Z", _("Use numbers, separated by commas."))
field_key = RegexValidator(r"\A[A-Za-z][A-Za-z0-9_]*\Z", _("Use letters, digits and _ only, and begin with a letter."))
issuer_number = RegexValidator(r"\A[1-9][0-9]{0,18}\Z", _("Use the number alone, as the console shows it."))


def validate_expression(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        raise ValidationError(told(error.sentence)) from error
