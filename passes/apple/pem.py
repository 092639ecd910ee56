"""What people paste as a certificate: often a whole export, in which a private key may stand beside it."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

# Also one that is cut off: whatever follows its first line is a secret.
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----\n?|\Z)", re.DOTALL)


def as_pem(data: bytes) -> str:
    """The text of a PEM file, or a DER certificate (Apple's .cer) as PEM."""
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        return _written([x509.load_der_x509_certificate(data)])


def private_key_in(text: str) -> str:
    """The private keys that stand in the text; empty if there is none."""
    return "".join(_KEY.findall(text))


def without_keys(text: str) -> str:
    return _KEY.sub("", text)


def certificates_in(text: str) -> str:
    """The certificates of the text written anew, and nothing else of it. Raises ValueError if there is none."""
    return _written(x509.load_pem_x509_certificates(without_keys(text).encode()))


def _written(certificates: list[x509.Certificate]) -> str:
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)
