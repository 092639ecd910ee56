"""What a layout has room for: a device leaves out the rest without a word.

Sources: Apple's Human Interface Guidelines, Wallet (fields of each style), and github.com/apple/pass-builder,
PassPackage (images of each style).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from passes.apple.sandbox import keys
from passes.apple.sandbox.fields import fields_of, style_of

Document = dict[str, Any]
# The least that is sure: header and primary fields, and the fields below them.
ROOM = {
    "boardingPass": {"headerFields": 3, "primaryFields": 2, "secondaryFields": 5, "auxiliaryFields": 5},
    "coupon": {"headerFields": 3, "primaryFields": 1, "secondaryFields": 4, "auxiliaryFields": 4},
    "eventTicket": {"headerFields": 3, "primaryFields": 1, "secondaryFields": 4, "auxiliaryFields": 8},
    "generic": {"headerFields": 3, "primaryFields": 1, "secondaryFields": 4, "auxiliaryFields": 4},
    "storeCard": {"headerFields": 3, "primaryFields": 1, "secondaryFields": 4, "auxiliaryFields": 4},
    keys.POSTER: {"headerFields": 1, "primaryFields": 4, "footerFields": 1},
}
ONE_LINE = ("coupon", "generic", "storeCard")  # secondary and auxiliary fields share a line
LINE = 4
IMAGES = {
    "boardingPass": {"footer"},
    "coupon": {"strip"},
    "eventTicket": {"strip", "background", "thumbnail"},
    "generic": {"thumbnail"},
    "storeCard": {"strip"},
    keys.POSTER: {"background", "artwork", "primaryLogo", "secondaryLogo"},
}
ALWAYS = {"icon", "logo", "personalizationLogo"}


def room_notices(document: Document, files: dict[str, bytes]) -> Iterator[str]:
    for style in (*keys.CLASSIC_STYLES, keys.POSTER):
        counts: dict[str, int] = {}
        for group, _ in fields_of(document, style):
            counts[group] = counts.get(group, 0) + 1
        for group, room in ROOM[style].items():
            if counts.get(group, 0) > room:
                yield f"{style} shows {room} of {counts[group]} {group}."
        lower = counts.get("secondaryFields", 0) + counts.get("auxiliaryFields", 0)
        if style in ONE_LINE and lower > LINE:
            yield f"{style} shows {LINE} of {lower} secondaryFields and auxiliaryFields."
    yield from _images(document, files)


def _images(document: Document, files: dict[str, bytes]) -> Iterator[str]:
    roles = {name.split("/")[-1].split("@")[0].removesuffix(".png") for name in files if name.endswith(".png")}
    styles = {style_of(document), *({keys.POSTER} & set(document))}
    if "posterEventTicket" in str(document.get("preferredStyleSchemes", "")):
        styles.add(keys.POSTER)
    shown = ALWAYS.union(*(IMAGES.get(style, set()) for style in styles))
    for role in sorted(roles & set().union(*IMAGES.values()) - shown):
        yield f"The image {role} is not shown in this style."
    if styles == {"eventTicket"} and "strip" in roles and roles & {"background", "thumbnail"}:
        yield "An event ticket with a strip shows neither background nor thumbnail."
