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
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils.translation import gettext as _

from passes.apple.cms import Signer
from portal.secrets import Sealed

T = TypeVar("T")


class CertificateError(ValueError):
    """The certificate cannot sign passes; the message says why and what to do."""


@lru_cache(maxsize=256)
def _signer(certificate: str, private_key: Sealed | str, intermediate: str) -> Signer:
    """Parsed once per process: checking a key takes a hundred times as long as signing with it."""
    pem = private_key if isinstance(private_key, str) else private_key.opened()
    key = _parsed(_("private key"), lambda: load_pem_private_key(pem.encode(), password=None))
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CertificateError(_("The private key is neither RSA nor EC."))
    return Signer(
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


def sign(manifest: bytes, *, certificate: str, private_key: Sealed | str, intermediate: str) -> bytes:
    """The DER signature of a manifest. Raises CertificateError where phones would refuse it."""
    signer, now = _signer(certificate, private_key, intermediate), datetime.now(UTC)
    if not signer.begins <= now <= signer.ends:
        raise CertificateError(_out_of_time(signer, now))
    return signer.sign(manifest, now)


def _out_of_time(signer: Signer, now: datetime) -> str:
    certificates = ((_("certificate"), signer.certificate), (_("intermediate certificate"), signer.issuer))
    for name, certificate in certificates:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now < begins:
            return _("The %(name)s is not valid before %(day)s.") % {"name": name, "day": f"{begins:%Y-%m-%d}"}
        if now > ends:
            said = _("The %(name)s was valid until %(day)s only. Renew it at Apple.")
            return said % {"name": name, "day": f"{ends:%Y-%m-%d}"}
    raise ValueError("Both certificates are valid.")
