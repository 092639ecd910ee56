"""Pictures: those that Google wants, and their shapes.

https://developers.google.com/wallet/retail/loyalty-cards/resources/brand-guidelines
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.findings import Facts, Finding, error, warning
from passes.google.names import type_of
from passes.google.shared import HERO, LOGO
from passes.images import Png
from passes.models import TemplateImage
from passes.pictures import FOR_GOOGLE, role_of, sharpest
from portal.sentences import say

LOGO_SIDE = 660
NEED_LOGO = frozenset({"loyalty", "transit"})  # Google refuses their classes without one
HERO_WIDTH, HERO_RATIO = 1032, 3


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    """A row is named as the form names the role."""
    if design["images"] and not facts.reachable:
        said = say("Google Wallet fetches pictures from the portal, whose address is not public and https.")
        yield error("images", said)
    yield from _logo(design, facts)
    role, png = _shown(design, facts, HERO)
    if png and (png.width < HERO_WIDTH or png.width < png.height * HERO_RATIO):
        said = say(
            "It is %(width)s × %(height)s pixels; the picture across a card of Google Wallet is 1032 × 336.",
            width=png.width, height=png.height,
        )  # fmt: skip
        yield warning("images.data", said, _label(role))
    for path in design["images"]:
        if role_of(path) in FOR_GOOGLE and "/" in path and not path.startswith(f"{design['language']}.lproj/"):
            said = say("Google Wallet shows one picture in all languages.")
            yield warning("images.language", said, _label(role_of(path)))


def _logo(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    role, png = _shown(design, facts, LOGO)
    if not role:
        said = say("Google Wallet has no logo to show: add a “Logo for Google Wallet”.")
        yield error("images", said) if type_of(design) in NEED_LOGO else warning("images", said)
    elif png and (png.width != png.height or png.width < LOGO_SIDE):
        said = say(
            "It is %(width)s × %(height)s pixels; a “Logo for Google Wallet” is a square of 660 pixels or more, "
            "which is cut to a circle.",
            width=png.width, height=png.height,
        )  # fmt: skip
        yield warning("images.data", said, _label(role))


def _shown(design: Mapping[str, Any], facts: Facts, roles: tuple[str, ...]) -> tuple[str, Png | None]:
    """The role that is taken, and its picture where that is known; nothing where the design has none of them."""
    images, language = design["images"], design["language"]
    for role in roles:
        if sha1 := sharpest(images, role, language):
            return role, next((facts.images.get(path) for path, found in images.items() if found == sha1), None)
    return "", None


def _label(role: str) -> str:
    return str(TemplateImage.Role(role).label)
