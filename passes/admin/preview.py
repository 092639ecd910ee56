"""A card as the admin draws it, small and still, from the content of a pass."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from passes.admin.google_card import google_card
from passes.content import ContentError, render
from passes.design import design_of
from passes.models import PassTemplate, TemplateImage
from passes.refresh import values_of
from passes.words import words
from portal.sentences import told

_LINES = {"pdf417", "code128", "ean13", "code39", "codabar", "itf"}


def picture(image: TemplateImage) -> str:
    """The image as a data address: small, and shown to those only who may open this page."""
    return "data:image/png;base64," + base64.b64encode(bytes(image.data)).decode()


def card(template: PassTemplate, content: Mapping[str, Any]) -> dict[str, Any]:
    """What admin/passes/card.html draws."""
    # The largest of each role comes last.
    images = {image.role: picture(image) for image in template.images.all() if not image.language}
    fields: dict[str, list[Any]] = {}
    for field in content.get("fields", []):
        fields.setdefault(field["place"], []).append({**field, "value": words(field)})
    barcode = content.get("barcode")
    return {
        "colours": content.get("colours", {}),
        "logo_text": content.get("logo_text", ""),
        "logo": images.get("logo"),
        "strip": images.get("strip"),
        "thumbnail": images.get("thumbnail"),
        "fields": fields,
        "barcode": barcode,
        "lines": bool(barcode) and barcode["format"] in _LINES,
        "code_text": barcode.get("text", barcode["message"]) if barcode else "",
        "voided": content.get("voided", False),
    }


def sample_card(template: PassTemplate) -> dict[str, Any]:
    """The cards of the template as it stands: with the values of the newest pass's customer, or with its samples."""
    first = template.passes.filter(tenant_id=template.tenant_id).select_related("customer").order_by("-pk").first()
    customer = first.customer if first else None
    drawn = drawn_cards(template, values_of(first) if first else template.sample_values or {})
    return {**drawn, "customer": customer, "sampled": not first and bool(template.sample_values)}


def drawn_cards(template: PassTemplate, values: Mapping[str, Any]) -> dict[str, Any]:
    """What both wallets show of it with these values, or the sentence that says why they show nothing."""
    try:
        content = render(design_of(template), values).data
    except ContentError as error:
        return {"card_error": told(error.sentence)}
    pictures = {image.sha1: picture(image) for image in template.images.all()}
    return {"card": card(template, content), "google_card": google_card(content, pictures)}
