"""Apple's form of a pass: pass.json, translations and images, zipped with manifest and signature.

https://developer.apple.com/documentation/walletpasses/building-a-pass
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings

from passes.apple.archive import Part, archive, part
from passes.apple.document import pass_json
from passes.apple.sign import CertificateError, sign
from passes.apple.translations import strings
from passes.models import AppleCredentials, TemplateImage, WalletPass
from passes.pictures import FOR_GOOGLE, role_of
from portal.secrets import sealed

MEDIA_TYPE = "application/vnd.apple.pkpass"
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Unfit(Exception):
    """The pass cannot be made for Apple Wallet as it stands; the message tells an operator what is missing."""


def build(wallet_pass: WalletPass) -> bytes:
    """The signed .pkpass of the pass's stored content. Raises Unfit where a phone would refuse it."""
    apple, content = wallet_pass.template.apple, wallet_pass.content
    if apple is None:
        raise Unfit(f"The template “{wallet_pass.template}” has no Apple certificate.")
    if not content:
        raise Unfit("The pass has no content yet.")
    identity = {
        "passTypeIdentifier": apple.pass_type_identifier,
        "teamIdentifier": apple.team_identifier,
        "serialNumber": wallet_pass.card_serial,
        "authenticationToken": wallet_pass.authentication_token,
        "webServiceURL": f"{settings.PUBLIC_URL}/wallet/apple",
    }
    try:
        texts = {"pass.json": _json(pass_json(content, identity)), **strings(content)}
    except (KeyError, ValueError) as error:
        raise Unfit(f"The stored content cannot be read ({type(error).__name__}). Renew the pass.") from error
    images = _images(wallet_pass)
    manifest = _json({**images.manifest, **{name: _sha1(data) for name, data in texts.items()}})
    texts |= {"manifest.json": manifest, "signature": _signature(apple, manifest)}
    return archive(images.part, part(texts, offset=len(images.part.files)))


def _signature(apple: AppleCredentials, manifest: bytes) -> bytes:
    try:
        key = sealed(apple, "private_key")
        return sign(manifest, certificate=apple.certificate, private_key=key, intermediate=apple.intermediate)
    except CertificateError as error:
        raise Unfit(f"Apple certificate “{apple}”: {error}") from error


def _json(document: Mapping[str, Any]) -> bytes:
    return _write(document).encode()


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class _Images:
    """The pictures of a design as they lie in each of its passes: `manifest` has the SHA-1 of each by its path."""

    part: Part
    manifest: Mapping[str, str]


def _images(wallet_pass: WalletPass) -> _Images:
    """The images that the content names, by file name."""
    content = wallet_pass.content
    named = (item for item in content.get("images", {}).items() if role_of(item[0]) not in FOR_GOOGLE)
    wanted, poster = tuple(sorted(named)), bool(content.get("poster"))
    try:
        images = _kept_images(wallet_pass.template_id, wanted, poster)
    except LookupError:
        images = _laid_out(_present_images(wallet_pass.template_id), poster)
    if "icon.png" not in images.manifest:
        raise Unfit(f"The template “{wallet_pass.template}” has no icon. Phones refuse a pass without one.")
    return images


@lru_cache(maxsize=32)
def _kept_images(template_id: int, wanted: tuple[tuple[str, str], ...], poster: bool) -> _Images:
    """Read once per process and version. Raises LookupError, which is not kept, when an image is no longer the one."""
    present = _present_images(template_id)
    if any(_sha1(present.get(name, b"")) != sha1 for name, sha1 in wanted):
        raise LookupError("An image was replaced after the content was stored.")
    return _laid_out({"icon.png": present["icon.png"], **{name: present[name] for name, _ in wanted}}, poster)


def _laid_out(images: Mapping[str, bytes], poster: bool) -> _Images:
    files = _with_artwork(images) if poster else images
    return _Images(part(files), {name: _sha1(data) for name, data in files.items()})


def _present_images(template_id: int) -> dict[str, bytes]:
    """What the template has now. An icon for sharp screens only serves all screens: `icon.png` is the required one."""
    rows = TemplateImage.objects.filter(template_id=template_id).exclude(role__in=FOR_GOOGLE).order_by("scale")
    images = {row.file_name: bytes(row.data) for row in rows}
    for sharper in ("icon@2x.png", "icon@3x.png"):
        if sharper in images:
            images.setdefault("icon.png", images[sharper])
    return images


def _with_artwork(images: Mapping[str, bytes]) -> dict[str, bytes]:
    """Apple shows a poster with a background picture; others say that it wants `artwork`. With both, either works."""
    artwork = {name.replace("background", "artwork"): data for name, data in images.items() if "background" in name}
    return {**artwork, **images}
