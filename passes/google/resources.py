"""Google's form of a pass: a class, which all passes of a template share, and an object, which is the pass. Pure.

https://developers.google.com/wallet/reference/rest
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passes.google.additions import additions_of, merged, tiers
from passes.google.kinds import KINDS
from passes.google.names import type_of
from passes.google.shared import Making, class_parts, object_parts

ImageAddress = Callable[[str], str]  # of a picture, by its SHA-1
KEY_LENGTH = 12


@dataclass(frozen=True)
class Resources:
    """`type`: "loyalty", "offer", "giftCard", "eventTicket", "generic"; "flight" or "transit" by additions to a generic
    template.

    `class_key`: what of the class depends on a customer's values, which is the tier; empty where nothing does. It is
    part of the class's id.
    """

    type: str
    class_: dict[str, Any]
    object_: dict[str, Any]
    class_key: str


def resources(
    content: Mapping[str, Any],
    *,
    issuer_id: str,
    class_suffix: str,
    object_suffix: str,
    image_address: ImageAddress,
    callback: str = "",
    now: datetime | None = None,
) -> Resources:
    """`content`: as `passes.content.Content.data` has it. `callback`: where Google tells of saves and removals.

    `now` decides whether the pass has expired; without it, that is left to Google.
    """
    key = class_key(content)
    class_id = f"{issuer_id}.{class_suffix}.{key}" if key else f"{issuer_id}.{class_suffix}"
    made = class_of(content, class_id=class_id, image_address=image_address, callback=callback)
    card = object_of(
        content, object_id=f"{issuer_id}.{object_suffix}", class_id=class_id, image_address=image_address, now=now
    )
    return Resources(type_of(content), made, card, key)


def class_key(content: Mapping[str, Any]) -> str:
    """The same for equal tiers, in every process and version."""
    if not (found := tiers(content)):
        return ""
    canonical = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_LENGTH]


def class_of(
    content: Mapping[str, Any], *, class_id: str, image_address: ImageAddress, callback: str = ""
) -> dict[str, Any]:
    """Reads nothing of the customer but the tier, so that every pass of a published design makes the same class."""
    making = Making.of(content, image_address)
    own = {
        "id": class_id,
        **dict(class_parts(making, callback)),
        **dict(KINDS[type_of(content)].class_parts(making)),
    }
    return merged(own, additions_of(content, "class"))


def object_of(
    content: Mapping[str, Any],
    *,
    object_id: str,
    class_id: str,
    image_address: ImageAddress,
    now: datetime | None = None,
) -> dict[str, Any]:
    making = Making.of(content, image_address)
    suffix = object_id.partition(".")[2]
    own = {
        "id": object_id,
        "classId": class_id,
        **dict(object_parts(making, now)),
        **dict(KINDS[type_of(content)].object_parts(making, suffix)),
    }
    return merged(own, additions_of(content, "object"))
