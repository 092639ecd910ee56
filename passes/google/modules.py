"""What stands below the card: texts and links; and the rows of the card that name them.

https://developers.google.com/wallet/reference/rest/v1/LinksModuleData
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.utils import translation

from passes.addresses import LINKS
from passes.google.places import Field, Places, path_of
from passes.google.texts import Spoken, Texts, both
from passes.models import TemplateAction

_ITEMS = (("item",), ("startItem", "endItem"), ("startItem", "middleItem", "endItem"))
_ROWS = ("oneItem", "twoItems", "threeItems")


def card_rows(places: Places) -> list[dict[str, Any]]:
    """CardRowTemplateInfo of each row."""
    return [_row([path_of(field, places) for field in row]) for row in places.rows]


def _row(paths: list[str]) -> dict[str, Any]:
    items = ({"firstValue": {"fields": [{"fieldPath": path}]}} for path in paths)
    return {_ROWS[len(paths) - 1]: dict(zip(_ITEMS[len(paths) - 1], items, strict=True))}


def text_modules(places: Places, texts: Texts) -> list[dict[str, Any]]:
    """A field that is empty for this customer is left out, and so is its item on the card."""
    fields = [field for field in places.modules if field["value"] != ""]
    return [_text_module(field, value, texts) for field, value in zip(fields, texts.values(fields), strict=True)]


def _text_module(field: Field, value: Spoken, texts: Texts) -> dict[str, Any]:
    label = dict(both("header", texts.of(field["label"]))) if field["label"] else {}
    return {"id": field["key"], **label, **dict(both("body", value))}


def links(content: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Uris, of fields first. A button whose target is no address has no place at Google."""
    found = [
        _link(field["key"], field["link"], texts.of(str(field["label"] or field["value"])))
        for field in content["fields"]
        if field.get("link") and field["value"] != ""
    ]
    actions = (action for action in content.get("actions", ()) if action["target"].startswith(LINKS))
    return [*found, *(_link(action["kind"], action["target"], _name(action["kind"], texts)) for action in actions)]


def _link(key: str, address: str, spoken: Spoken) -> dict[str, Any]:
    return {"id": key, "uri": address, **dict(both("description", spoken))}


def _name(action: str, texts: Texts) -> Spoken:
    return {code: _name_in(action, code) for code in (texts.language, *texts.translations)}


@cache
def _name_in(action: str, language: str) -> str:
    with translation.override(language):
        return str(TemplateAction.Kind(action).label)
