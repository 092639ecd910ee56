"""Signatures of Apple passes: detached CMS over manifest.json, with signing time and Apple's intermediate.

https://developer.apple.com/documentation/walletpasses/building-a-pass#Create-a-signature
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from django.utils.translation import gettext as _

# Without Binary, line ends are changed before hashing, and a manifest with a line end gets a wrong signature.
_OPTIONS = (PKCS7Options.DetachedSignature, PKCS7Options.Binary, PKCS7Options.NoCapabilities)

T = TypeVar("T")


class CertificateError(ValueError):
    """The certificate cannot sign passes; the message says why and what to do."""


@lru_cache(maxsize=256)
def _signer(
    certificate: str, private_key: str, intermediate: str
) -> tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Parsed once per process: checking a key takes a hundred times as long as signing with it."""
    key = _parsed(_("private key"), lambda: load_pem_private_key(private_key.encode(), password=None))
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CertificateError(_("The private key is neither RSA nor EC."))
    return (
        _parsed(_("certificate"), lambda: x509.load_pem_x509_certificate(certificate.encode())),
        key,
        _parsed(_("intermediate certificate"), lambda: x509.load_pem_x509_certificate(intermediate.encode())),
    )


def _parsed(name: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except TypeError:  # what a key with a password raises
        sentence = _("The %(name)s has a password. Export it without one.")
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        sentence = _("The %(name)s is not PEM text that can be read.")
    # Not chained: the parser's error may quote what it read.
    raise CertificateError(sentence % {"name": name})


def sign(manifest: bytes, *, certificate: str, private_key: str, intermediate: str) -> bytes:
    """The DER signature of a manifest. Raises CertificateError where phones would refuse it."""
    leaf, key, issuer = _signer(certificate, private_key, intermediate)
    _check_time(leaf, issuer)
    builder = PKCS7SignatureBuilder().set_data(manifest).add_signer(leaf, key, SHA256()).add_certificate(issuer)
    return builder.sign(Encoding.DER, list(_OPTIONS))


def _check_time(leaf: x509.Certificate, issuer: x509.Certificate) -> None:
    now = datetime.now(UTC)
    for name, certificate in ((_("certificate"), leaf), (_("intermediate certificate"), issuer)):
        if now < certificate.not_valid_before_utc:
            said = _("The %(name)s is not valid before %(day)s.")
            raise CertificateError(said % {"name": name, "day": f"{certificate.not_valid_before_utc:%Y-%m-%d}"})
        if now > certificate.not_valid_after_utc:
            said = _("The %(name)s was valid until %(day)s only. Renew it at Apple.")
            raise CertificateError(said % {"name": name, "day": f"{certificate.not_valid_after_utc:%Y-%m-%d}"})
