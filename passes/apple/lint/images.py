"""Pictures: the icon, the sizes, and what a layout has no room for.

Sizes in points, of which a picture @2x has two pixels to the side: github.com/apple/pass-builder, PassPackage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from passes.apple.styles import additions_of, style_of
from passes.findings import Facts, Finding, error, warning
from passes.images import Png
from passes.models import TemplateImage
from passes.pictures import FOR_GOOGLE, role_of
from portal.sentences import say

POINTS = {
    "icon": (38, 38), "logo": (160, 50), "primaryLogo": (126, 30), "secondaryLogo": (135, 12), "strip": (375, 144),
    "thumbnail": (90, 90), "background": (345, 505), "artwork": (358, 448), "footer": (286, 15),
}  # fmt: skip
SHOWN = {
    "boardingPass": {"footer"}, "coupon": {"strip"}, "storeCard": {"strip"}, "generic": {"thumbnail"},
    "eventTicket": {"strip", "background", "thumbnail"},
}  # fmt: skip
EVERYWHERE = {"icon", "logo"}
POSTER = {"background", "artwork", "primaryLogo", "secondaryLogo"}


class Picture(NamedTuple):
    role: str
    scale: int
    language: str


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    """A row is named as the form names the role."""
    paths = (path for path in design["images"] if role_of(path) not in FOR_GOOGLE)
    pictures = {_picture(path): facts.images.get(path) for path in paths}
    if not any(picture.role == "icon" and not picture.language for picture in pictures):
        yield error("images", say("There is no icon. Phones refuse a pass without one."))
    for role, language in sorted({(picture.role, picture.language) for picture in pictures}):
        row = _row(role, language)
        yield from _scales({picture.scale for picture in pictures if picture[::2] == (role, language)}, row)
        if language and not any(picture[::2] == (role, "") for picture in pictures):
            yield warning(
                "images.language", say("Phones in other languages show none: add one for every language."), row
            )
    for picture, png in sorted(pictures.items()):
        if png:
            yield from _size(picture, png)
    yield from _layout(design, {picture.role for picture in pictures})


def _picture(path: str) -> Picture:
    """`fr.lproj/strip@2x.png`"""
    folder, _, name = path.rpartition("/")
    role, _, scale = name.removesuffix(".png").partition("@")
    return Picture(role, int(scale.removesuffix("x") or 1), folder.removesuffix(".lproj"))


def _row(role: str, language: str = "") -> str:
    name = str(TemplateImage.Role(role).label)
    return f"{name} ({language})" if language else name


def _scales(scales: set[int], row: str) -> Iterator[Finding]:
    if missing := [f"@{scale}x" for scale in (2, 3) if scale not in scales]:
        said = say("Missing: %(missing)s. It looks blurred on sharp screens.", missing=missing)
        yield warning("images.scale", said, row)


def _size(picture: Picture, png: Png) -> Iterator[Finding]:
    most = tuple(side * picture.scale for side in POINTS[picture.role])
    if png.width > most[0] or png.height > most[1]:
        said = say(
            "@%(scale)sx is %(width)s × %(height)s pixels; phones show %(most_width)s × %(most_height)s.",
            scale=picture.scale, width=png.width, height=png.height, most_width=most[0], most_height=most[1],
        )  # fmt: skip
        yield warning("images.data", said, _row(picture.role, picture.language))


def _layout(design: Mapping[str, Any], roles: set[str]) -> Iterator[Finding]:
    style = style_of(design)
    shown = EVERYWHERE | SHOWN[style] | (POSTER if _has_poster(design) else set())
    for role in sorted(roles - shown):
        yield warning("images.role", say("This layout does not show it."), _row(role))
    if style == "eventTicket" and "strip" in roles and roles & {"background", "thumbnail"}:
        yield warning("images.role", say("With a strip, phones show neither background nor thumbnail."), _row("strip"))
    if design.get("poster") and not roles & {"background", "artwork"}:
        yield error("poster", say("A poster needs a background picture."))


def _has_poster(design: Mapping[str, Any]) -> bool:
    """Posters of event tickets are asked for among the additions."""
    schemes = additions_of(design).get("preferredStyleSchemes", [])
    return bool(design.get("poster")) or "posterEventTicket" in str(schemes)
