"""PASS, the pure part: a template's design and a customer's values make neutral content with a stable hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from passes.expressions import ExpressionError, evaluate
from passes.models import PassTemplate


class ContentError(ValueError):
    """The template makes no content for these values; the message says which part, and holds no value."""


@dataclass(frozen=True)
class Content:
    """Neutral content, as stored with a pass:

    {"kind", "organization_name", "description", "logo_text", "colours": {background, text, label}, "language",
     "fields": [{"place", "key", "label", "value", "change_message"}], "barcode": {"format", "message"} or null,
     "texts": {language: {text: translation}}, "images": {file name: SHA-1}, "voided"}
    """

    data: dict[str, Any]
    hash: str


def render(template: PassTemplate, values: Mapping[str, Any], *, voided: bool = False) -> Content:
    """The content of one pass. Reads the template's fields, texts and images, which callers prefetch.

    Raises ContentError for an expression that cannot be worked out.
    """
    data = {
        "kind": template.kind,
        "organization_name": template.organization_name,
        "description": template.description,
        "logo_text": template.logo_text,
        "colours": {
            "background": template.background_colour,
            "text": template.text_colour,
            "label": template.label_colour,
        },
        "language": template.language,
        "fields": [
            {
                "place": field.place,
                "key": field.key,
                "label": field.label,
                "value": _value(str(field), field.expression, values),
                "change_message": field.change_message,
            }
            for field in template.fields.all()
        ],
        "barcode": _barcode(template, values),
        "texts": _texts(template),
        "images": {image.file_name: image.sha1 for image in template.images.all()},
        "voided": voided,
    }
    return Content(data, content_hash(data))


def content_hash(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _value(part: str, expression: str, values: Mapping[str, Any]) -> str | int | float:
    try:
        return evaluate(expression, values)
    except ExpressionError as error:
        raise ContentError(f"“{part}”: {error}") from error


def _barcode(template: PassTemplate, values: Mapping[str, Any]) -> dict[str, str] | None:
    if not template.barcode_format:
        return None
    message = str(_value("Barcode", template.barcode_message, values))
    return {"format": template.barcode_format, "message": message} if message else None


def _texts(template: PassTemplate) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for row in template.texts.all():
        texts.setdefault(row.language, {})[row.text] = row.translation
    return texts
