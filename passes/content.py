"""PASS, the pure part: a template's design and a customer's values make neutral content with a stable hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from passes.expressions import ExpressionError, evaluate, names_in
from passes.models import PassTemplate
from portal.sentences import Explained, say

MESSAGE = "message"  # the value that a custom action's message becomes


class ContentError(Explained, ValueError):
    """The template makes no content for these values; the sentence says which part, and holds no value."""


@dataclass(frozen=True)
class Content:
    """Neutral content, as stored with a pass:

    {"kind", "organization_name", "description", "logo_text", "colours": {background, text, label}, "language",
     "fields": [{"place", "key", "label", "value", "change_message"}], "barcode": {"format", "message"} or null,
     "texts": {language: {text: translation}}, "images": {file name: SHA-1}, "voided"}
    """

    data: dict[str, Any]
    hash: str


def design_of(template: PassTemplate) -> dict[str, Any]:
    """The saved design as one document, which publishing keeps: what `Content` holds, with expressions for values."""
    fields = [
        {
            "place": field.place,
            "key": field.key,
            "label": field.label,
            "expression": field.expression,
            "change_message": field.change_message,
        }
        for field in template.fields.all()
    ]
    return {
        "kind": template.kind,
        "organization_name": template.organization_name,
        "description": template.description,
        "logo_text": template.logo_text,
        "colours": {
            "background": template.background_colour.upper(),
            "text": template.text_colour.upper(),
            "label": template.label_colour.upper(),
        },
        "language": template.language,
        "fields": [*fields, *_message_field(template, fields)],
        "barcode": {"format": template.barcode_format, "expression": template.barcode_message},
        "texts": _texts(template),
        "images": {image.file_name: image.sha1 for image in template.images.all()},
    }


def render(design: Mapping[str, Any], values: Mapping[str, Any], *, voided: bool = False) -> Content:
    """The content of one pass. Raises ContentError for an expression that cannot be worked out."""
    data = {
        **design,
        "fields": [_field(field, values) for field in design["fields"]],
        "barcode": _barcode(design["barcode"], values),
        "voided": voided,
    }
    return Content(data, content_hash(data))


def _message_field(template: PassTemplate, fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The line on the back for messages, unless the design places them itself.

    It stands there empty as well: phones announce a field that changes, not one that is new.
    """
    if not template.carries_messages or any(map(_places_messages, fields)):
        return []
    line = {"place": "back", "key": MESSAGE, "label": _message_label(template.language)}
    return [{**line, "expression": f"{{{{ {MESSAGE} }}}}", "change_message": "%@"}]


def _places_messages(field: Mapping[str, Any]) -> bool:
    try:
        return field["key"] == MESSAGE or MESSAGE in names_in(field["expression"])
    except ExpressionError:  # told where the field is worked out
        return False


def _message_label(language: str) -> str:
    with translation.override(language):
        return gettext("Message")


def _field(field: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: field[name] for name in ("place", "key", "label", "change_message")}
    return {**shown, "value": _value(field["label"] or field["key"], field["expression"], values)}


def content_hash(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _value(part: str, expression: str, values: Mapping[str, Any]) -> str | int | float:
    try:
        return evaluate(expression, values)
    except ExpressionError as error:
        raise ContentError(say("“%(part)s”: %(reason)s", part=part, reason=error.sentence)) from error


def _barcode(barcode: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str] | None:
    if not barcode["format"]:
        return None
    message = str(_value(say("Barcode"), barcode["expression"], values))
    return {"format": barcode["format"], "message": message} if message else None


def _texts(template: PassTemplate) -> dict[str, dict[str, str]]:
    own = _message_label(template.language)
    others = [code for code, _name in settings.LANGUAGES if code != template.language]
    texts: dict[str, dict[str, str]] = {}
    if template.carries_messages:
        texts = {code: {own: label} for code in others if (label := _message_label(code)) != own}
    for row in template.texts.all():
        texts.setdefault(row.language, {})[row.text] = row.translation
    return texts
