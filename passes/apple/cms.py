"""A detached CMS signature (RFC 5652) in DER, as Apple asks for: SHA-256, signing time, certificate and intermediate.

Written out because a pass is signed at each fetch: all but the time, the digest and the signature is the same each
time, and is laid out once per key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_INTEGER, _OCTETS, _NULL, _OID, _UTC_TIME, _TIME, _SEQUENCE, _SET = 0x02, 0x04, 0x05, 0x06, 0x17, 0x18, 0x30, 0x31
_CONTEXT = 0xA0  # [0]
_UTC_TIME_ENDS = 2050  # RFC 5652, 11.3


def der(tag: int, *parts: bytes) -> bytes:
    """Tag, length and value, as X.690 has them."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + value


def _integer(number: int) -> bytes:
    return der(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _oid(octets: str) -> bytes:
    return der(_OID, bytes.fromhex(octets))


_DATA = _oid("2a864886f70d010701")
_SIGNED_DATA = _oid("2a864886f70d010702")
_CONTENT_TYPE = der(_SEQUENCE, _oid("2a864886f70d010903"), der(_SET, _DATA))
# Up to the digest itself.
_DIGEST = der(_SEQUENCE, _oid("2a864886f70d010904"), der(_SET, der(_OCTETS, bytes(32))))[:-32]
_SIGNING_TIME = _oid("2a864886f70d010905")
_SHA256 = der(_SEQUENCE, _oid("608648016503040201"))
_RSA = der(_SEQUENCE, _oid("2a864886f70d010101"), der(_NULL))
_ECDSA_SHA256 = der(_SEQUENCE, _oid("2a8648ce3d040302"))


@dataclass(frozen=True)
class Signer:
    """A key with its certificate and the issuer's."""

    certificate: x509.Certificate
    key: SigningKey
    issuer: x509.Certificate

    def sign(self, content: bytes, at: datetime) -> bytes:
        """The signature of the content; `at` is in UTC."""
        attributes = _attributes(content, at)
        # Signed as a set, carried as [0].
        signature = self._signed(der(_SET, attributes))
        signer = der(
            _SEQUENCE, self._who, der(_CONTEXT, attributes), self._algorithm, der(_OCTETS, signature)
        )  # fmt: skip
        return der(_SEQUENCE, _SIGNED_DATA, der(_CONTEXT, der(_SEQUENCE, self._head, der(_SET, signer))))

    def _signed(self, attributes: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(attributes, padding.PKCS1v15(), SHA256())
        return self.key.sign(attributes, ec.ECDSA(SHA256()))

    @cached_property
    def begins(self) -> datetime:
        """Since when both certificates are valid."""
        return max(self.certificate.not_valid_before_utc, self.issuer.not_valid_before_utc)

    @cached_property
    def ends(self) -> datetime:
        return min(self.certificate.not_valid_after_utc, self.issuer.not_valid_after_utc)

    @cached_property
    def _algorithm(self) -> bytes:
        return _RSA if isinstance(self.key, rsa.RSAPrivateKey) else _ECDSA_SHA256

    @cached_property
    def _head(self) -> bytes:
        """Version, digest, where the content is (elsewhere), and the certificates in the order of their bytes."""
        certificates = sorted(each.public_bytes(Encoding.DER) for each in (self.certificate, self.issuer))
        return b"".join(
            (_integer(1), der(_SET, _SHA256), der(_SEQUENCE, _DATA), der(_CONTEXT, *certificates))
        )  # fmt: skip

    @cached_property
    def _who(self) -> bytes:
        """Version, the signer by issuer and serial number, and the digest's algorithm."""
        named = der(_SEQUENCE, self.certificate.issuer.public_bytes(), _integer(self.certificate.serial_number))
        return b"".join((_integer(1), named, _SHA256))


def _attributes(content: bytes, at: datetime) -> bytes:
    """What is signed: the content's type, the time, its digest. In the order of their bytes, as DER wants a set."""
    return b"".join(
        (_CONTENT_TYPE, _signing_time(at.replace(microsecond=0)), _DIGEST, hashlib.sha256(content).digest())
    )


@lru_cache(maxsize=2)
def _signing_time(at: datetime) -> bytes:
    """Kept, because many passes are signed within one second."""
    tag, form = (_UTC_TIME, "%y%m%d%H%M%SZ") if at.year < _UTC_TIME_ENDS else (_TIME, "%Y%m%d%H%M%SZ")
    return der(_SEQUENCE, _SIGNING_TIME, der(_SET, der(tag, f"{at:{form}}".encode())))
