"""Everything an iPhone looks at before it adds a pass, in one verdict with every reason at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509

from passes.apple.sandbox import archive, cms, content, strings
from passes.apple.sandbox.room import room_notices


class PassRefused(Exception):
    """The phone would not add this pass. `reasons` are plain sentences, all of them."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(" ".join(reasons))


@dataclass(frozen=True)
class CheckedPass:
    """An accepted pass: its pass.json, its files by path, and what the phone noticed but forgave."""

    data: bytes
    document: dict[str, Any]
    files: dict[str, bytes]
    notices: list[str]


def inspect(data: bytes, root: x509.Certificate, *, allow_http: bool = False) -> CheckedPass:
    """Raises PassRefused with everything that is wrong with a .pkpass."""
    files, reasons = archive.unpack(data)
    if not files:
        raise PassRefused(reasons or ["The archive is empty."])
    reasons += archive.check_manifest(files)
    image_reasons, notices = archive.check_images(files)
    reasons += image_reasons
    reasons += strings.check_strings(files)
    signer = None
    if {"signature", "manifest.json"} <= set(files):
        verdict = cms.verify(files["signature"], files["manifest.json"], root)
        reasons += verdict.reasons
        signer = verdict.signer
    document, document_reasons = _document(files, signer, allow_http=allow_http)
    reasons += document_reasons
    if reasons:
        raise PassRefused(reasons)
    notices += [*content.notices_of(document, allow_http=allow_http), *room_notices(document, files)]
    return CheckedPass(data, document, files, notices)


def _document(
    files: dict[str, bytes], signer: x509.Certificate | None, *, allow_http: bool
) -> tuple[dict[str, Any], list[str]]:
    if "pass.json" not in files:
        return {}, []
    try:
        document = archive.decode_json(files["pass.json"])
    except ValueError as error:
        return {}, [f"pass.json is not valid JSON ({error})."]
    if not isinstance(document, dict):
        return {}, ["pass.json is not an object."]
    reasons = content.check_document(document, allow_http=allow_http)
    if signer:
        reasons += content.check_identity(document, signer)
    return document, reasons
