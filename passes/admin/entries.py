"""Form fields of a template: colours, JSON, pictures."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from passes.admin.preview import picture
from passes.models import TemplateImage

STOREYS, LENGTH = 20, 20_000


class ColourField(forms.CharField):
    """Browsers answer in small letters. One spelling only, so that nothing seems to have changed."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").upper()


class DocumentField(forms.CharField):
    """A JSON object over several lines; nothing entered is nothing stored.

    Django's own shows “null” there, and answers a document of a thousand storeys with an error of its code.
    """

    widget = UnfoldAdminTextareaWidget
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("This is not JSON: %(reason)s"),
        "large": _("This is too large."),
        "object": _("This must be an object in braces: { … }."),
    }

    def __init__(self, encoder: Any = None, decoder: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value, ensure_ascii=False, indent=2)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = json.loads(text, parse_constant=_refuse)
        except RecursionError:
            raise ValidationError(self.error_messages["large"], code="large") from None
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"reason": error}) from error
        if _too_deep(found, STOREYS) or len(text) > LENGTH:
            raise ValidationError(self.error_messages["large"], code="large")
        if not isinstance(found, dict):
            raise ValidationError(self.error_messages["object"], code="object")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")  # NaN and Infinity, which no database takes


def _too_deep(document: Any, storeys: int) -> bool:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return storeys < 0 or any(_too_deep(each, storeys - 1) for each in inner)


class PngInput(forms.FileInput):
    """Chooses a PNG and shows the one that is stored."""

    def format_value(self, value: Any) -> Any:
        return value

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        stored = isinstance(value, bytes | memoryview) and len(value) > 0
        shown = picture(TemplateImage(data=bytes(value))) if stored else ""
        image = format_html('<img class="portal-thumb" alt="" src="{}">', shown) if stored else ""
        return format_html('{}<input type="file" name="{}" id="{}" accept="image/png" class="portal-file">',
                           image, name, (attrs or {}).get("id", ""))  # fmt: skip
