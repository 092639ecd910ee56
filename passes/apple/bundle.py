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

from passes.apple.sign import sign
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


def build(wallet_pass: WalletPass) -> bytes:
    """The signed .pkpass of the pass's stored content."""
    apple = wallet_pass.template.apple
    if apple is None:
        raise LookupError(f"Template {wallet_pass.template_id} has no Apple certificate.")
    identity = {
        "passTypeIdentifier": apple.pass_type_identifier,
        "teamIdentifier": apple.team_identifier,
        "serialNumber": str(wallet_pass.serial_number),
        "authenticationToken": wallet_pass.authentication_token,
        "webServiceURL": f"{settings.PUBLIC_URL}/wallet/apple",
    }
    files = {"pass.json": _json(pass_json(wallet_pass.content, identity)), **strings(wallet_pass.content)}
    for name, data in _images(wallet_pass).items():
        files[name] = data
    manifest = _json({name: _sha1(data) for name, data in files.items()})
    signature = sign(
        manifest, certificate=apple.certificate, private_key=apple.private_key, intermediate=apple.intermediate
    )
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
        document["barcodes"] = [
            {"format": BARCODES[barcode["format"]], "message": barcode["message"], "messageEncoding": "iso-8859-1"}
        ]
    if content["voided"]:
        document["voided"] = True
    return document


def _fields(fields: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    return [
        {
            "key": field["key"],
            "value": field["value"],
            **({"label": field["label"]} if field["label"] else {}),
            **({"changeMessage": field["change_message"]} if field["change_message"] else {}),
        }
        for field in fields
        if field["place"] == group
    ]


def strings(content: Mapping[str, Any]) -> dict[str, bytes]:
    """`<language>.lproj/pass.strings` for each language: texts of pass.json are looked up there literally."""
    return {
        f"{language}.lproj/pass.strings": "".join(
            f'"{_escape(text)}" = "{_escape(translation)}";\n' for text, translation in sorted(texts.items())
        ).encode("utf-16")
        for language, texts in content["texts"].items()
    }


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _rgb(colour: str) -> str:
    """`#1A2B3C` as `rgb(26, 43, 60)`, the form that old iOS versions read too."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _images(wallet_pass: WalletPass) -> dict[str, bytes]:
    """The images that the content names, by file name. Read once per process and version of the images."""
    wanted = wallet_pass.content.get("images", {})
    return _read_images(wallet_pass.template_id, tuple(sorted(wanted.items())))


@lru_cache(maxsize=64)
def _read_images(template_id: int, wanted: tuple[tuple[str, str], ...]) -> dict[str, bytes]:
    rows = {row.file_name: bytes(row.data) for row in TemplateImage.objects.filter(template_id=template_id)}
    return {name: rows[name] for name, _ in wanted if name in rows}


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return out.getvalue()
