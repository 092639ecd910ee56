"""Values as people enter them in the form of a rule: `tier = Gold`, one a line."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from unfold.widgets import UnfoldAdminTextareaWidget

LINES_MOST, TEXT_MOST = 20, 4000
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,6})?\Z", re.ASCII)


def lines_of(text: str) -> dict[str, Any]:
    """By name: a number where it looks like one, None where nothing stands behind the sign, else the text.

    Raises ValidationError that says which line is wrong.
    """
    found: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, sign, value = (part.strip() for part in line.partition("="))
        if not (name and sign):
            raise ValidationError(_t("Line %(number)d: write a name, =, and the value.") % {"number": number})
        if name in found:
            said = _t("Line %(number)d: “%(name)s” stands there twice.")
            raise ValidationError(said % {"number": number, "name": name})
        found[name] = _value(value)
    if len(found) > LINES_MOST:
        raise ValidationError(_t("These are more than %(most)d lines.") % {"most": LINES_MOST})
    return found


def _value(text: str) -> Any:
    if not text:
        return None
    if _NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return text


class LinesField(forms.CharField):
    """Text of such lines; `names` checks each name, and raises ValidationError."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, *, names: Any, **options: Any) -> None:
        super().__init__(max_length=TEXT_MOST, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), **options)
        self._names = names

    def validate(self, value: str) -> None:
        super().validate(value)
        for name in lines_of(value):
            self._names(name)
