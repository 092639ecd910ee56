"""Form fields of a template: colours, JSON, pictures."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.html import format_html

from passes.admin.preview import picture
from passes.models import TemplateImage


class ColourField(forms.CharField):
    """Browsers answer in small letters. One spelling only, so that nothing seems to have changed."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").upper()


class DocumentField(forms.JSONField):
    """JSON over several lines. Nothing entered is nothing stored, and not the word “null”."""

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value, ensure_ascii=False, indent=2)


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
