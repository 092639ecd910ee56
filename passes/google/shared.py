"""What classes, and objects, of all types have in common. Keys and values as in Google's reference.

https://developers.google.com/wallet/reference/rest
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passes.google.barcodes import barcode_of
from passes.google.modules import card_rows, links, text_modules
from passes.google.places import Places, places_of
from passes.google.texts import Texts, both, localized, texts_of
from passes.pictures import sharpest

MOST_LOCATIONS = 10  # Google refuses more
LOGO = ("googleLogo", "icon", "logo")
HERO = ("googleHero", "strip")
PICTURE = ("thumbnail", "artwork", "background")

Parts = Iterator[tuple[str, Any]]


@dataclass(frozen=True)
class Making:
    """What the parts of a resource are made from. `image_address` gives the public address of a picture's SHA-1."""

    content: Mapping[str, Any]
    image_address: Callable[[str], str]
    texts: Texts
    places: Places

    @classmethod
    def of(cls, content: Mapping[str, Any], image_address: Callable[[str], str]) -> Making:
        return cls(content, image_address, texts_of(content), places_of(content))

    @property
    def title(self) -> str:
        """What is said beside the organisation's name: the logo text, unless it says the same."""
        text, organization = self.content["logo_text"], self.content["organization_name"]
        return str(text if text and text != organization else self.content["description"])

    def image(self, roles: tuple[str, ...]) -> dict[str, Any] | None:
        """The first of these that the design has."""
        images, language = self.content["images"], self.content["language"]
        sha1 = next((found for role in roles if (found := sharpest(images, role, language))), "")
        if not sha1:
            return None
        described = localized(self.texts.of(self.content["description"]))
        return {"sourceUri": {"uri": self.image_address(sha1)}, "contentDescription": described}


def class_parts(making: Making, callback: str) -> Parts:
    content = making.content
    if rows := card_rows(making.places):
        yield "classTemplateInfo", {"cardTemplateOverride": {"cardRowTemplateInfos": rows}}
    if picture := making.image(PICTURE):
        yield "imageModulesData", [{"id": "picture", "mainImage": picture}]
    if locations := content.get("locations"):
        yield (
            "merchantLocations",
            [{"latitude": each["latitude"], "longitude": each["longitude"]} for each in locations[:MOST_LOCATIONS]],
        )
    if content.get("sharing_prohibited"):
        yield "multipleDevicesAndHoldersAllowedStatus", "ONE_USER_ALL_DEVICES"
    if callback:
        yield "callbackOptions", {"url": callback}


def branded(making: Making) -> Parts:
    """What the classes of all types have but generic, whose objects have it."""
    content = making.content
    yield from both("issuerName", making.texts.of(content["organization_name"]))
    yield "reviewStatus", "UNDER_REVIEW"
    yield from appearance(making)


def appearance(making: Making) -> Parts:
    yield "hexBackgroundColor", making.content["colours"]["background"]
    if hero := making.image(HERO):
        yield "heroImage", hero


def object_parts(making: Making, now: datetime | None) -> Parts:
    content = making.content
    validity = _validity(content)
    yield "state", _state(content, validity.get("end"), now)
    if barcode := content["barcode"]:
        yield "barcode", barcode_of(barcode)
    if validity:
        yield "validTimeInterval", {name: {"date": moment} for name, moment in validity.items()}
    if modules := text_modules(making.places, making.texts):
        yield "textModulesData", modules
    if uris := links(content, making.texts):
        yield "linksModuleData", {"uris": uris}
    if group := content.get("grouping"):
        yield "groupingInfo", {"groupingId": group}
    if link := content.get("app_link"):
        target = {"targetUri": {"uri": link, "description": content["organization_name"]}}
        yield "appLinkData", {"androidAppLinkInfo": {"appTarget": target}}


def _validity(content: Mapping[str, Any]) -> dict[str, str]:
    """{"start", "end"} as far as they are known, both with an offset as content has them.

    A ticket is for its event. On other passes, times only say when the pass appears.
    """
    moments = content.get("moments", []) if content["kind"] == "eventTicket" else []
    start = moments[0]["starts"] if moments else ""
    end = content.get("expires") or (moments[-1].get("ends", "") if moments else "")
    if start and end and datetime.fromisoformat(start) > datetime.fromisoformat(end):
        start = ""
    return {name: moment for name, moment in (("start", start), ("end", end)) if moment}


def _state(content: Mapping[str, Any], end: str | None, now: datetime | None) -> str:
    if content["voided"]:
        return "INACTIVE"
    expired = end and now and datetime.fromisoformat(end) <= now
    return "EXPIRED" if expired else "ACTIVE"
