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

from passes.apple.sign import CertificateError, sign
from passes.models import TemplateImage, WalletPass

MEDIA_TYPE = "application/vnd.apple.pkpass"
STYLES = {
    "customerCard": "storeCard",
    "offer": "coupon",
    "giftCard": "storeCard",
    "eventTicket": "eventTicket",
    "generic": "generic",
}
BARCODES = {
    "qr": "PKBarcodeFormatQR",
    "pdf417": "PKBarcodeFormatPDF417",
    "aztec": "PKBarcodeFormatAztec",
    "code128": "PKBarcodeFormatCode128",
}
_GROUPS = ("header", "primary", "secondary", "auxiliary", "back")
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


def pass_json(content: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    """pass.json of neutral content. Keys and values as in Apple's reference of `Pass`."""
    document: dict[str, Any] = {
        "formatVersion": 1,
        **identity,
        "organizationName": content["organization_name"],
        "description": content["description"],
        "backgroundColor": _rgb(content["colours"]["background"]),
        "foregroundColor": _rgb(content["colours"]["text"]),
        "labelColor": _rgb(content["colours"]["label"]),
        STYLES[content["kind"]]: {
            f"{group}Fields": fields for group in _GROUPS if (fields := _fields(content["fields"], group))
        },
    }
    if content["logo_text"]:
        document["logoText"] = content["logo_text"]
    if barcode := content["barcode"]:
        document["barcodes"] = [_barcode(barcode)]
    if content["voided"]:
        document["voided"] = True
    return document


def _barcode(barcode: Mapping[str, str]) -> dict[str, str]:
    """In Latin-1, which every reader copes with, unless the message has other letters: iOS would show no barcode."""
    try:
        barcode["message"].encode("latin-1")
    except UnicodeEncodeError:
        encoding = "utf-8"
    else:
        encoding = "iso-8859-1"
    return {"format": BARCODES[barcode["format"]], "message": barcode["message"], "messageEncoding": encoding}


def _fields(fields: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    return [
        {
            "key": field["key"],
            "value": field["value"],
            **({"label": field["label"]} if field["label"] else {}),
            # What becomes empty is no news.
            **({"changeMessage": field["change_message"]} if field["change_message"] and field["value"] != "" else {}),
        }
        for field in fields
        if field["place"] == group
    ]


def strings(content: Mapping[str, Any]) -> dict[str, bytes]:
    """`<language>.lproj/pass.strings` for each language: texts of pass.json are looked up there literally.

    Each has the same keys, and the template's own language has one too: iOS takes the first of its owner's languages
    that has a folder, and would prefer a second language to the untranslated texts.
    """
    texts: Mapping[str, Mapping[str, str]] = content["texts"]
    if not texts:
        return {}
    keys = sorted({text for translations in texts.values() for text in translations})
    return {
        f"{language}.lproj/pass.strings": _strings_file(
            {text: texts.get(language, {}).get(text, text) for text in keys}
        )
        for language in sorted({content["language"], *texts})
    }


def _strings_file(translations: Mapping[str, str]) -> bytes:
    lines = (f'"{_escape(text)}" = "{_escape(translation)}";\n' for text, translation in translations.items())
    return "".join(lines).encode("utf-16")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")


def _rgb(colour: str) -> str:
    """`#1A2B3C` as `rgb(26, 43, 60)`, the form that old iOS versions read too."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"


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
    return images


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


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return out.getvalue()
