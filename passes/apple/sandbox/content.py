"""pass.json as a device reads it: what makes it refuse the pass, and what it silently ignores.

Sources: developer.apple.com/documentation/walletpasses/pass and github.com/apple/pass-builder
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from passes.apple.sandbox import keys
from passes.apple.sandbox.fields import check_fields, field_notices
from passes.apple.sandbox.keys import objects
from passes.apple.sandbox.semantics import check_semantics
from passes.apple.sandbox.surroundings import check_surroundings, surroundings_notices

Document = dict[str, Any]


def check_document(document: Document, *, allow_http: bool) -> list[str]:
    """Everything in pass.json for which a device refuses the pass."""
    return [
        *_required(document),
        *_types(document),
        *_style(document),
        *check_fields(document),
        *_web_service(document, allow_http),
        *check_surroundings(document),
        *_stores(document),
        *_barcodes(document),
        *check_semantics(document.get("semantics"), "semantics"),
    ]


def check_identity(document: Document, signer: x509.Certificate) -> Iterator[str]:
    """The pass must say of itself what its certificate says."""
    for key, oid, name in (
        ("passTypeIdentifier", NameOID.USER_ID, "UID"),
        ("teamIdentifier", NameOID.ORGANIZATIONAL_UNIT_NAME, "OU"),
    ):
        found = subject_of(signer, oid)
        if document.get(key) != found:
            yield f"{key} {document.get(key)!r} does not match the certificate's {name} {found!r}."
    if "nfc" in document and not subject_of(signer, NameOID.COMMON_NAME).startswith("Pass Type ID with NFC"):
        yield "Passes with an NFC dictionary must be signed with an enhanced (NFC) pass certificate."


def subject_of(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    return next((str(name.value) for name in certificate.subject.get_attributes_for_oid(oid)), "")


def notices_of(document: Document, *, allow_http: bool) -> list[str]:
    """What a device ignores without a word, and what only a sandbox forgives."""
    found = [f"iOS ignores the unknown key {key!r}." for key in sorted(set(document) - keys.TOP_LEVEL)]
    if allow_http and str(document.get("webServiceURL", "")).startswith("http:"):
        found.append("accepted http because this is a sandbox")
    if keys.POSTER in document and not any(style in document for style in keys.CLASSIC_STYLES):
        found.append("iOS 26 and earlier cannot add a pass whose only style is posterGeneric.")
    formats = {str(barcode.get("format")) for barcode in objects(document, "barcodes")}
    if formats and not formats & keys.LEGACY_BARCODES:
        found.append("iOS 26 and earlier show no barcode: every format in barcodes is new in iOS 27.")
    return [*found, *surroundings_notices(document), *field_notices(document)]


def _required(document: Document) -> Iterator[str]:
    if document.get("formatVersion") != 1 or isinstance(document.get("formatVersion"), bool):
        yield "formatVersion must be 1."
    for key in keys.REQUIRED:
        if not keys.is_text(document.get(key)):
            yield f"{key} is missing or empty."


def _types(document: Document) -> Iterator[str]:
    for key, value in document.items():
        if key in keys.BOOLEANS and not isinstance(value, bool):
            yield f"{key} must be true or false, not {value!r}."
        elif key in keys.COLOURS and not keys.is_colour(value):
            yield f"{key} {value!r} is not a colour: write rgb(r, g, b) or #RRGGBB."
        elif key in keys.DATES and not keys.is_date(value):
            yield f"{key} {value!r} is not a date with a time zone."
        elif key in keys.LISTS and not isinstance(value, list):
            yield f"{key} must be a list."
        elif key in keys.OBJECT_LISTS and not all(isinstance(item, dict) for item in value):
            yield f"{key} must be a list of objects."
        elif key in keys.OBJECTS and not isinstance(value, dict):
            yield f"{key} must be an object."
        elif key in keys.TEXTS - set(keys.REQUIRED) and not isinstance(value, str):
            yield f"{key} must be a text, not {value!r}."
        elif key == "maxDistance" and not keys.is_number(value):
            yield f"maxDistance must be a number, not {value!r}."


def _style(document: Document) -> Iterator[str]:
    styles = [style for style in keys.CLASSIC_STYLES if style in document]
    if len(styles) > 1:
        yield f"A pass has exactly one style; this one has {' and '.join(styles)}."
    elif not styles and keys.POSTER not in document:
        yield "A pass has exactly one style; this one has none."
    if "groupingIdentifier" in document and not {"boardingPass", "eventTicket"} & set(styles):
        yield "groupingIdentifier is allowed on boarding passes and event tickets only."
    boarding = document.get("boardingPass")
    if isinstance(boarding, dict) and str(boarding.get("transitType")) not in keys.TRANSIT_TYPES:
        yield f"transitType {boarding.get('transitType')!r} is not one that iOS knows."


def _web_service(document: Document, allow_http: bool) -> Iterator[str]:
    url, token = document.get("webServiceURL"), document.get("authenticationToken")
    if (url is None) != (token is None):
        yield "webServiceURL and authenticationToken need each other: one of them is missing."
    if token is not None and (not isinstance(token, str) or len(token) < 16):
        yield "authenticationToken must have 16 characters or more."
    if not isinstance(url, str):
        return
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        yield f"webServiceURL {url!r} is not a web address."
    elif parts.scheme == "http" and not allow_http:
        yield "webServiceURL must use https."


def _stores(document: Document) -> Iterator[str]:
    for key in ("associatedStoreIdentifiers", "auxiliaryStoreIdentifiers"):
        identifiers = document.get(key, [])
        if isinstance(identifiers, list) and not all(keys.is_number(item) for item in identifiers):
            yield f"{key} must hold numbers."
    if "appLaunchURL" in document and not document.get("associatedStoreIdentifiers"):
        yield "appLaunchURL needs associatedStoreIdentifiers."


def _barcodes(document: Document) -> Iterator[str]:
    barcodes = objects(document, "barcodes")
    if isinstance(document.get("barcode"), dict):
        barcodes = [*barcodes, document["barcode"]]
    for barcode in barcodes:
        if str(barcode.get("format")) not in keys.BARCODES:
            yield f"The barcode format {barcode.get('format')!r} is not one that iOS knows."
        for key in ("message", "messageEncoding"):
            if not keys.is_text(barcode.get(key)):
                yield f"A barcode needs {key}."
        if not isinstance(barcode.get("altText", ""), str):
            yield "altText of a barcode must be a text."
