"""Signatures of Apple passes: detached CMS over manifest.json, with signing time and Apple's intermediate.

https://developer.apple.com/documentation/walletpasses/building-a-pass#Create-a-signature
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import NameOID

# Without Binary, line ends are changed before hashing, and a manifest with a line end gets a wrong signature.
_OPTIONS = (PKCS7Options.DetachedSignature, PKCS7Options.Binary, PKCS7Options.NoCapabilities)


class CertificateError(ValueError):
    """The certificate cannot sign passes; the message says why and what to do."""


@lru_cache(maxsize=256)
def _signer(
    certificate: str, private_key: str, intermediate: str
) -> tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Parsed once per process: checking a key takes a hundred times as long as signing with it."""
    key = load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CertificateError("The private key is neither RSA nor EC.")
    return (
        x509.load_pem_x509_certificate(certificate.encode()),
        key,
        x509.load_pem_x509_certificate(intermediate.encode()),
    )


def sign(manifest: bytes, *, certificate: str, private_key: str, intermediate: str) -> bytes:
    """The DER signature of a manifest."""
    leaf, key, issuer = _signer(certificate, private_key, intermediate)
    builder = PKCS7SignatureBuilder().set_data(manifest).add_signer(leaf, key, SHA256()).add_certificate(issuer)
    return builder.sign(Encoding.DER, list(_OPTIONS))


def check_certificate(
    *, certificate: str, private_key: str, intermediate: str, pass_type_identifier: str, team_identifier: str
) -> None:
    """Raises CertificateError when iOS would refuse passes signed with these, without telling anybody."""
    try:
        leaf, key, issuer = _signer(certificate, private_key, intermediate)
    except CertificateError:
        raise
    except (ValueError, TypeError) as error:
        raise CertificateError(
            "Certificate, key and intermediate must be PEM text; the key without a password."
        ) from error
    if leaf.public_key() != key.public_key():
        raise CertificateError("The private key does not belong to the certificate.")
    if _subject(leaf, NameOID.USER_ID) != pass_type_identifier:
        raise CertificateError(f"The certificate is for {_subject(leaf, NameOID.USER_ID) or 'no pass type'}.")
    if _subject(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME) != team_identifier:
        raise CertificateError(
            f"The certificate is of team {_subject(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME) or 'unknown'}."
        )
    try:
        leaf.verify_directly_issued_by(issuer)
    except Exception as error:
        raise CertificateError("The intermediate certificate is not the one that issued the certificate.") from error
    if not leaf.not_valid_before_utc <= datetime.now(UTC) <= leaf.not_valid_after_utc:
        raise CertificateError(
            f"The certificate is valid until {leaf.not_valid_after_utc:%Y-%m-%d} only. Renew it at Apple."
        )


def _subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
