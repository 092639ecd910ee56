"""Apple's certificate authorities: which intermediate issued a pass certificate, and whether Apple stands behind it.

Apple's root and its intermediate for pass certificates (G4) ship in `pki/`, as published at
https://www.apple.com/certificateauthority/; which generation issues what:
https://developer.apple.com/help/account/reference/wwdr-intermediate-certificates
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID
from django.conf import settings

PKI = Path(__file__).with_name("pki")
_SUFFIXES = {".pem", ".cer", ".crt", ".der"}

Certificates = tuple[x509.Certificate, ...]


def known() -> Certificates:
    """The intermediates at hand: the product's, and those of APPLE_INTERMEDIATES. Raises ValueError, OSError."""
    return (*_shipped("AppleWWDRCAG4.pem"), *configured(settings.APPLE_INTERMEDIATES))


@lru_cache(maxsize=4)
def configured(setting: str) -> Certificates:
    """PEM text, or a folder of .pem and .cer files. Raises ValueError, OSError for what cannot be read."""
    if not setting:
        return ()
    if "-----BEGIN" in setting:
        return tuple(x509.load_pem_x509_certificates(setting.encode()))
    files = sorted(each for each in Path(setting).iterdir() if each.suffix.lower() in _SUFFIXES)
    return tuple(each for file in files for each in _read(file.read_bytes()))


def issuer_of(leaf: x509.Certificate, among: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The one that signed it; of several, the one that is valid longest.

    The identifiers of the keys (AKI, SKI) are compared first where both are there: Apple's generations share one name.
    """
    wanted = _authority_key(leaf)
    fit = [each for each in among if (not wanted or wanted == _own_key(each)) and _issued(each, leaf)]
    return max(fit, key=lambda each: each.not_valid_after_utc, default=None)


def is_apples(issuer: x509.Certificate) -> bool:
    """Whether Apple's root signed it, or this installation's operator says that it is Apple's."""
    return issuer in known() or any(_issued(root, issuer) for root in _shipped("AppleRootCA.pem"))


def _own_key(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _authority_key(leaf: x509.Certificate) -> bytes | None:
    try:
        return leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def _issued(issuer: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return is_authority(issuer)


def _read(data: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(data) if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]


@lru_cache(maxsize=4)
def _shipped(name: str) -> Certificates:
    return tuple(_read((PKI / name).read_bytes()))
