"""A template's saved design as one document: what publishing keeps, and passes are rendered from.

It holds what `passes.content.Content` holds, with expressions where values go. What a template leaves at its default
is left out, so that a new option changes neither published designs nor the hash of any pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from passes.expressions import ExpressionError, names_in
from passes.models import PassTemplate, TemplateField
from passes.models.parts import TemplateChild

MESSAGE = "message"  # the value that a custom action's message becomes
NUMBERS = frozenset({"number", "currency", "percent", "scientific", "words"})  # formats of fields


def design_of(template: PassTemplate) -> dict[str, Any]:
    fields = [*map(_field, template.fields.all())]
    design = {
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
        "barcode": {
            "format": template.barcode_format,
            "expression": template.barcode_message,
            **({"text": template.barcode_text} if template.barcode_text else {}),
        },
        "texts": _texts(template),
        "images": {image.file_name: image.sha1 for image in template.images.all()},
    }
    parts = (*_behaviour(template), *_surroundings(template), ("conditions", _conditions(template)))
    design |= {name: value for name, value in parts if value}
    return {**design, "time_zone": template.tenant.time_zone} if _tells_time(design) else design


def _behaviour(template: PassTemplate) -> Iterator[tuple[str, Any]]:
    """How the pass is laid out, how long it is valid, and what phones may do with it."""
    yield "style", template.apple_style
    for name in ("poster", "expires", "grouping", "sharing_prohibited", "app_link"):
        yield name, getattr(template, name)
    yield "apple", template.apple_additions
    yield "google", template.google_additions
    yield "stores", [int(number) for number in template.store_ids.split(",") if number.strip()]
    if template.nfc_message:
        confirmed = {"confirmed": True} if template.nfc_confirmed else {}
        yield "nfc", {"message": template.nfc_message, "key": _bare_key(template.nfc_key), **confirmed}


def _conditions(template: PassTemplate) -> dict[str, Any]:
    """Who gets a pass, as passes.conditions reads it. Published like the design, though no card shows it."""
    if template.issue != PassTemplate.Issue.CONDITION:
        return {}
    rows = [{"name": row.name, "operator": row.operator, "value": row.value} for row in template.conditions.all()]
    return {**({"any": True} if template.any_condition else {}), "rows": rows} if rows else {}


def _bare_key(text: str) -> str:
    """The Base64 of a public key, which may have been entered as PEM."""
    return "".join(line.strip() for line in text.splitlines() if not line.startswith("-----"))


def _surroundings(template: PassTemplate) -> Iterator[tuple[str, Any]]:
    """Where and when the pass appears by itself, and its buttons."""
    yield "max_distance", template.max_distance
    yield "locations", [_set(row, "latitude", "longitude", "altitude", "text") for row in template.locations.all()]
    beacons = ((row, _set(row, "major", "minor", "text")) for row in template.beacons.all())
    yield "beacons", [{"uuid": str(row.uuid).upper(), **rest} for row, rest in beacons]
    yield "moments", [_set(row, "starts", "ends") for row in template.moments.all()]
    yield "actions", [_set(row, "kind", "target") for row in template.actions.all()]


def _set(row: TemplateChild, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(row, name)) not in (None, "")}


def _field(field: TemplateField) -> dict[str, Any]:
    return {
        "place": field.place,
        "key": field.key,
        "label": field.label,
        "expression": field.expression,
        "change_message": field.change_message,
        **{name: value for name, value in _options(field) if value},
    }


def _options(field: TemplateField) -> Iterator[tuple[str, Any]]:
    yield "format", field.format
    if field.format == TemplateField.Format.CURRENCY:
        yield "currency", field.currency
    if field.format == TemplateField.Format.DATE:
        for name in ("date_style", "time_style", "relative", "fixed_zone"):
            yield name, getattr(field, name)
    for name in ("alignment", "second_row", "link", "detectors", "semantics"):
        yield name, getattr(field, name)


def _tells_time(design: Mapping[str, Any]) -> bool:
    """Whether the design holds dates: those without a zone are the brand's."""
    told = any(field.get("format") == "date" for field in design["fields"])
    return told or bool({"expires", "moments", "apple"} & set(design))


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


def _texts(template: PassTemplate) -> dict[str, dict[str, str]]:
    own = _message_label(template.language)
    others = [code for code, _name in settings.LANGUAGES if code != template.language]
    texts: dict[str, dict[str, str]] = {}
    if template.carries_messages:
        texts = {code: {own: label} for code in others if (label := _message_label(code)) != own}
    for row in template.texts.all():
        texts.setdefault(row.language, {})[row.text] = row.translation
    return texts
