"""A card as Google Wallet lays it out, read from the class and the object that Google is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import formats

from passes.google.kinds import MICROS
from passes.google.resources import Resources, resources
from passes.words import words

_MODULE = re.compile(r"(class|object)\.textModulesData\['([^']*)'\]")
_POINTS = re.compile(r"object\.(\w+)\.balance")
_LOGOS = ("programLogo", "titleImage", "logo")
_LINES = {"PDF_417", "CODE_128", "CODE_39", "EAN_13", "CODABAR", "ITF_14"}
WHITE, BLACK = "#FFFFFF", "#202124"


def google_card(content: Mapping[str, Any], pictures: Mapping[str, str]) -> dict[str, Any]:
    """What admin/passes/google_card.html draws. `content`: neutral, its additions as Google's description has them;
    `pictures`: addresses by SHA-1.
    """
    made = resources(content, issuer_id="0", class_suffix="class", object_suffix="object",
                     image_address=lambda sha1: pictures.get(sha1, ""))  # fmt: skip
    both = {**made.class_, **made.object_}
    background = both["hexBackgroundColor"]
    return {
        "background": background,
        "text": WHITE if _is_dark(background) else BLACK,
        "logo": next((_picture(both[name]) for name in _LOGOS if name in both), ""),
        "hero": _picture(both["heroImage"]) if "heroImage" in both else "",
        "issuer": _localized(both["cardTitle"]) if "cardTitle" in both else both.get("issuerName", ""),
        "title": _title(both),
        "subtitle": _localized(both["subheader"]) if "subheader" in both else "",
        "balance": _money(both["balance"]) if made.type == "giftCard" and "balance" in both else "",
        "rows": [row for row in _rows(made) if any(row)],
        "barcode": _barcode(both.get("barcode")),
        "voided": both["state"] != "ACTIVE",
    }


def _barcode(barcode: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not barcode:
        return None
    return {"lines": barcode["type"] in _LINES, "text": barcode.get("alternateText", "")}


def _title(both: Mapping[str, Any]) -> str:
    if "eventName" in both:
        return _localized(both["eventName"])
    if "header" in both:
        return _localized(both["header"])
    return str(both.get("programName") or both.get("title") or "")


def _rows(made: Resources) -> Iterator[list[dict[str, str]]]:
    """The items of each row that have something to show: Google leaves out the others."""
    card = made.class_.get("classTemplateInfo", {}).get("cardTemplateOverride", {})
    for row in card.get("cardRowTemplateInfos", []):
        items = (each.get(name, {}) for each in row.values() for name in ("item", "startItem", "middleItem", "endItem"))
        yield [shown for item in items for path in _paths(item) if (shown := _item(path, made))]


def _paths(item: Mapping[str, Any]) -> list[str]:
    """Of the first value: Google shows the first of its fields."""
    return [str(field.get("fieldPath", "")) for field in item.get("firstValue", {}).get("fields", [])[:1]]


def _item(path: str, made: Resources) -> dict[str, str] | None:
    if found := _MODULE.fullmatch(path):
        part, name = found.groups()
        document = made.class_ if part == "class" else made.object_
        modules = {module.get("id"): module for module in document.get("textModulesData", [])}
        module = modules.get(name)
        return {"label": module.get("header", ""), "value": module.get("body", "")} if module else None
    if (found := _POINTS.fullmatch(path)) and (points := made.object_.get(found[1])):
        return {"label": points.get("label", ""), "value": _counted(points["balance"])}
    return None


def _counted(balance: Mapping[str, Any]) -> str:
    if "money" in balance:
        return _money(balance["money"])
    value = next(iter(balance.values()))
    return value if isinstance(value, str) else formats.number_format(value, force_grouping=True)


def _money(money: Mapping[str, str]) -> str:
    return words({"format": "currency", "value": int(money["micros"]) / MICROS, "currency": money["currencyCode"]})


def _picture(image: Mapping[str, Any]) -> str:
    return str(image.get("sourceUri", {}).get("uri", ""))


def _localized(text: Mapping[str, Any]) -> str:
    return str(text.get("defaultValue", {}).get("value", ""))


def _is_dark(background: str) -> bool:
    """Google writes in white or in black, by the background."""
    red, green, blue = bytes.fromhex(background.removeprefix("#"))
    return red * 0.299 + green * 0.587 + blue * 0.114 < 150
