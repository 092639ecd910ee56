"""Apple's form of a pass: pass.json, translations and images, zipped with manifest and signature.

https://developer.apple.com/documentation/walletpasses/building-a-pass
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from passes.apple.document import pass_json
from passes.apple.sign import CertificateError, sign
from passes.apple.translations import strings
from passes.models import TemplateImage, WalletPass

MEDIA_TYPE = "application/vnd.apple.pkpass"
# Zip entries carry a fixed time, so that equal content makes equal bytes up to the signature.
_ZIP_TIME = (2020, 1, 1, 0, 0, 0)


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
        "serialNumber": str(wallet_pass.serial_number),
        "authenticationToken": wallet_pass.authentication_token,
        "webServiceURL": f"{settings.PUBLIC_URL}/wallet/apple",
    }
    try:
        files = {"pass.json": _json(pass_json(content, identity)), **strings(content)}
    except (KeyError, ValueError) as error:
        raise Unfit(f"The stored content cannot be read ({type(error).__name__}). Renew the pass.") from error
    files.update(_images(wallet_pass))
    manifest = _json({name: _sha1(data) for name, data in files.items()})
    try:
        signature = sign(
            manifest, certificate=apple.certificate, private_key=apple.private_key, intermediate=apple.intermediate
        )
    except CertificateError as error:
        raise Unfit(f"Apple certificate “{apple}”: {error}") from error
    return _zip({**files, "manifest.json": manifest, "signature": signature})


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _images(wallet_pass: WalletPass) -> dict[str, bytes]:
    """The images that the content names, by file name."""
    wanted = tuple(sorted(wallet_pass.content.get("images", {}).items()))
    try:
        images = _read_images(wallet_pass.template_id, wanted)
    except LookupError:
        images = _present_images(wallet_pass.template_id)
    if "icon.png" not in images:
        raise Unfit(f"The template “{wallet_pass.template}” has no icon. Phones refuse a pass without one.")
    return _with_artwork(images) if wallet_pass.content.get("poster") else images


@lru_cache(maxsize=32)
def _read_images(template_id: int, wanted: tuple[tuple[str, str], ...]) -> dict[str, bytes]:
    """Read once per process and version. Raises LookupError, which is not kept, when an image is no longer the one."""
    present = _present_images(template_id)
    if any(_sha1(present.get(name, b"")) != sha1 for name, sha1 in wanted):
        raise LookupError("An image was replaced after the content was stored.")
    return {"icon.png": present["icon.png"], **{name: present[name] for name, _ in wanted}}


def _present_images(template_id: int) -> dict[str, bytes]:
    """What the template has now. An icon for sharp screens only serves all screens: `icon.png` is the required one."""
    rows = TemplateImage.objects.filter(template_id=template_id).order_by("scale")
    images = {row.file_name: bytes(row.data) for row in rows}
    for sharper in ("icon@2x.png", "icon@3x.png"):
        if sharper in images:
            images.setdefault("icon.png", images[sharper])
    return images


def _with_artwork(images: Mapping[str, bytes]) -> dict[str, bytes]:
    """Apple shows a poster with a background picture; others say that it wants `artwork`. With both, either works."""
    artwork = {name.replace("background", "artwork"): data for name, data in images.items() if "background" in name}
    return {**artwork, **images}


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return out.getvalue()
