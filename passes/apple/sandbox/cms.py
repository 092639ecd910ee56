"""Reads and verifies a pass signature: CMS SignedData (RFC 5652) in DER, detached, made over manifest.json.

The checks follow developer.apple.com/documentation/walletpasses/building-a-pass and what devices are known to refuse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

SIGNED_DATA = "1.2.840.113549.1.7.2"
DATA = "1.2.840.113549.1.7.1"
DATA_DER = bytes.fromhex("2a864886f70d010701")
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "1.3.14.3.2.26": hashes.SHA1(),  # noqa: S303  (devices still take it and peers still write it)
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}


@asn1.sequence
class Algorithm:
    oid: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class Attribute:
    oid: x509.ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class IssuerAndSerial:
    issuer: asn1.TLV
    serial: int


@asn1.sequence
class SignerInfo:
    version: int
    signer: IssuerAndSerial | Annotated[bytes, asn1.Implicit(0)]
    digest: Algorithm
    # Lists stand for the two SETs so that the order in which the signer wrote them survives re-encoding.
    attributes: Annotated[list[Attribute] | None, asn1.Implicit(0)]
    algorithm: Algorithm
    signature: bytes
    unsigned: Annotated[list[Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class EncapsulatedContent:
    oid: x509.ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    version: int
    digests: asn1.SetOf[Algorithm]
    content: EncapsulatedContent
    certificates: Annotated[list[x509.Certificate] | None, asn1.Implicit(0)]
    revocations: Annotated[list[x509.CertificateRevocationList] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class ContentInfo:
    oid: x509.ObjectIdentifier
    content: Annotated[SignedData, asn1.Explicit(0)]


@asn1.sequence
class SignedAttributes:
    attributes: Annotated[list[Attribute], asn1.Implicit(0)]


@dataclass(frozen=True)
class Verdict:
    """`signer` is the certificate that claims to have signed, whether or not the rest holds."""

    reasons: list[str]
    signer: x509.Certificate | None = None
    signed_at: datetime | None = None


def verify(signature: bytes, content: bytes, root: x509.Certificate) -> Verdict:
    """Judges a detached signature over `content` against a chain that must end at `root`."""
    try:
        info = asn1.decode_der(ContentInfo, signature)
    except (ValueError, TypeError) as error:
        return Verdict([f"The signature is not a CMS SignedData structure in DER ({error})."])
    signers = info.content.signers.as_list()
    if info.oid.dotted_string != SIGNED_DATA or len(signers) != 1:
        return Verdict([f"The signature must be CMS SignedData with one signer; it has {len(signers)}."])
    certificates = info.content.certificates or []
    certificate = _certificate_of(signers[0], certificates)
    signed_at = _signing_time(signers[0])
    reasons = [*_detached(info.content), *_attributes(signers[0], content, signed_at)]
    if certificate is None:
        return Verdict([*reasons, "The signature does not contain the certificate of its signer."], None, signed_at)
    reasons += [*_signature(signers[0], certificate), *_chain(certificate, certificates, root)]
    if signed_at and not certificate.not_valid_before_utc <= signed_at <= certificate.not_valid_after_utc:
        reasons.append("The signature was made outside the validity of the pass certificate.")
    return Verdict(reasons, certificate, signed_at)


def _detached(data: SignedData) -> Iterator[str]:
    if data.content.content is not None:
        yield "The signature is not detached: it contains the signed content."
    if data.content.oid.dotted_string != DATA:
        yield "The signature covers something other than plain data."


def _certificate_of(signer: SignerInfo, certificates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    for certificate in certificates:
        if isinstance(signer.signer, IssuerAndSerial):
            named = asn1.encode_der(signer.signer.issuer), signer.signer.serial
            if named == (certificate.issuer.public_bytes(), certificate.serial_number):
                return certificate
        elif signer.signer == _key_identifier(certificate):
            return certificate
    return None


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _attribute(signer: SignerInfo, oid: str) -> asn1.TLV | None:
    for attribute in signer.attributes or []:
        if attribute.oid.dotted_string == oid:
            values = attribute.values.as_list()
            return values[0] if len(values) == 1 else None
    return None


def _signing_time(signer: SignerInfo) -> datetime | None:
    """UTCTime until 2049, GeneralizedTime after (RFC 5652, 11.3)."""
    found = _attribute(signer, SIGNING_TIME)
    if found is None:
        return None
    try:
        kind = asn1.UTCTime if found.tag_bytes == b"\x17" else asn1.GeneralizedTime
        moment: datetime = found.parse(kind).as_datetime()
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC)


def _attributes(signer: SignerInfo, content: bytes, signed_at: datetime | None) -> Iterator[str]:
    if signed_at is None:
        yield "The signature must contain a signing date (the signed attribute signingTime)."
    elif signed_at > datetime.now(UTC) + timedelta(minutes=5):
        yield "The signing date lies in the future."
    if not signer.attributes:
        return
    kind = _attribute(signer, CONTENT_TYPE)
    if kind is None or bytes(kind.data) != DATA_DER:
        yield "The signed attribute contentType is missing or does not name plain data."
    algorithm = DIGESTS.get(signer.digest.oid.dotted_string)
    if algorithm is None:
        yield f"The signature uses an unknown digest ({signer.digest.oid.dotted_string})."
        return
    digest = _attribute(signer, MESSAGE_DIGEST)
    if digest is None or bytes(digest.data) != hashlib.new(algorithm.name, content).digest():
        yield "The signature was made over other bytes than manifest.json (message digest differs)."


def _signature(signer: SignerInfo, certificate: x509.Certificate) -> Iterator[str]:
    algorithm = DIGESTS.get(signer.digest.oid.dotted_string)
    if not signer.attributes or algorithm is None:
        return
    wrapped = asn1.encode_der(SignedAttributes(attributes=signer.attributes))
    # RFC 5652, 5.4: what is signed carries the tag of a SET, not the context tag it travels under.
    signed = b"\x31" + bytes(asn1.decode_der(asn1.TLV, wrapped).data)[1:]
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signer.signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signer.signature, signed, ec.ECDSA(algorithm))
        else:
            yield "The pass certificate has a key that is neither RSA nor EC."
    except InvalidSignature:
        yield "The signature does not verify with the certificate of its signer."


def _chain(leaf: x509.Certificate, embedded: Sequence[x509.Certificate], root: x509.Certificate) -> Iterator[str]:
    """Leaf, intermediate (from the signature), root (from the phone): issued by one another, and valid today."""
    intermediate = next((item for item in embedded if item != leaf and item.subject == leaf.issuer), None)
    if intermediate is None:
        yield "The signature does not contain the WWDR intermediate that issued the pass certificate."
    elif not (_issued(leaf, intermediate) and _issued(intermediate, root)):
        yield "The certificate chain could not be verified: it does not lead to Apple's root."
    for name, certificate in {"pass certificate": leaf, "WWDR intermediate": intermediate}.items():
        if certificate:
            yield from _validity(name, certificate)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False


def _validity(name: str, certificate: x509.Certificate) -> Iterator[str]:
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        yield f"The {name} expired on {certificate.not_valid_after_utc:%Y-%m-%d}."
    if now < certificate.not_valid_before_utc:
        yield f"The {name} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}."
