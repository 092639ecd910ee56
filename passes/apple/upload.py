"""What people upload for a certificate: a .p12 of the keychain, Apple's .cer, PEM texts; with a password or without.

Nothing of a key gets into a sentence or the cause of an error: parsers quote what they read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)
from django.utils.translation import gettext as _

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# Also one that is cut off: whatever follows its first line is a secret.
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----\s*|\Z)", re.DOTALL)
# PFX (RFC 7292, 4): a sequence that begins with version 3.
_PFX = re.compile(rb"\A\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...)\x02\x01\x03", re.DOTALL)


@dataclass(frozen=True)
class Upload:
    """What was found in a file or text: `problems` are sentences that say what could not be read, and what to do."""

    certificates: tuple[x509.Certificate, ...] = ()
    keys: tuple[PrivateKey, ...] = ()
    problems: tuple[str, ...] = ()

    def __add__(self, other: Upload) -> Upload:
        return Upload(
            self.certificates + other.certificates, self.keys + other.keys, self.problems + other.problems
        )  # fmt: skip


def read(data: bytes, password: str = "") -> Upload:
    """Never raises for what stands in `data`."""
    if not data.strip():
        return Upload()
    if b"-----BEGIN" in data:
        return _pem(data, password)
    if _PFX.match(data):
        return _p12(data, password)
    try:
        return Upload(certificates=(x509.load_der_x509_certificate(data),))
    except (ValueError, x509.InvalidVersion):
        pass
    try:
        return _keys([load_der_private_key(data, None)])
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Upload(problems=(_("This is neither a .p12 file, nor Apple's .cer file, nor PEM text."),))


def without_keys(text: str) -> str:
    return _KEY.sub(b"", text.encode()).decode()


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def key_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _p12(data: bytes, password: str) -> Upload:
    try:
        found = pkcs12.load_pkcs12(data, password.encode() or None)
    except ValueError:
        said = (
            _("The password does not open this .p12 file, or the file is damaged. Type it again, or export it anew.")
            if password
            else _("This .p12 file has a password, or is damaged. Enter the password that was chosen at its export.")
        )
        return Upload(problems=(said,))
    except UnsupportedAlgorithm:
        said = _("This .p12 file is encrypted in a way that cannot be read here. Export it anew, or as PEM.")
        return Upload(problems=(said,))
    others = [each.certificate for each in found.additional_certs]
    own = [found.cert.certificate] if found.cert else []
    return Upload(certificates=(*own, *others)) + _keys([found.key] if found.key else [])


def _pem(data: bytes, password: str) -> Upload:
    found = Upload()
    for each in _KEY.findall(data):
        found += _pem_key(each, password)
    rest = _KEY.sub(b"", data)
    if b"-----BEGIN CERTIFICATE-----" in rest:
        return found + _pem_certificates(rest)
    if b"CERTIFICATE REQUEST-----" in rest:
        said = _("This is the request that goes to Apple. Upload the certificate (.cer) that Apple gives for it.")
        return found + Upload(problems=(said,))
    return found if found != Upload() else Upload(problems=(_("There is no certificate in this text."),))


def _pem_certificates(text: bytes) -> Upload:
    try:
        return Upload(certificates=tuple(x509.load_pem_x509_certificates(text)))
    except (ValueError, x509.InvalidVersion):
        said = _("There is no certificate in this text that can be read. Copy it whole, with its first and last line.")
        return Upload(problems=(said,))


def _pem_key(text: bytes, password: str) -> Upload:
    try:
        return _keys([load_pem_private_key(text, password.encode() or None)])
    except TypeError:  # a password is missing, or was given for a key without one (but for the file beside it)
        if password:
            return _pem_key(text, "")
        said = _("The private key has a password. Enter it, too.")
    except ValueError:
        said = (
            _("The password does not open the private key, or the key is damaged. Type it again.")
            if password
            else _("The private key cannot be read. Copy it whole, with its first and last line.")
        )
    except UnsupportedAlgorithm:
        said = _("The private key is of a kind that cannot be read here. Apple's passes need RSA with 2048 bits.")
    return Upload(problems=(said,))


def _keys(found: list[PrivateKeyTypes]) -> Upload:
    fit = tuple(each for each in found if isinstance(each, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey))
    if len(fit) < len(found):
        return Upload(problems=(_("The private key is neither RSA nor EC. Apple's passes need RSA with 2048 bits."),))
    return Upload(keys=fit)
