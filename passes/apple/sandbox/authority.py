"""A certificate authority that stands for Apple's: root, WWDR intermediate, pass certificates, the push service's own.

What a pass certificate looks like: developer.apple.com/documentation/walletpasses/building-a-pass
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PASS_TYPE_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
YEAR = 365

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True)
class Credentials:
    """What a tenant downloads from Apple's developer portal, each part as PEM text."""

    certificate_pem: str
    private_key_pem: str
    intermediate_pem: str


@dataclass(frozen=True)
class _Issuer:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


class Authority:
    """Made once and reloaded from `directory`; without one it lives only in memory."""

    def __init__(self, directory: Path | None = None) -> None:
        if directory and (directory / "wwdr.key").exists():
            self._root, self._intermediate = _load(directory, "root"), _load(directory, "wwdr")
            return
        self._root = _new_issuer("Sandbox Apple Root CA", None, YEAR * 20)
        self._intermediate = _new_issuer("Sandbox WWDR", self._root, YEAR * 10)
        if directory:
            directory.mkdir(parents=True, exist_ok=True)
            _store(directory, "root", self._root)
            _store(directory, "wwdr", self._intermediate)

    @property
    def root(self) -> x509.Certificate:
        return self._root.certificate

    @property
    def root_pem(self) -> str:
        return _pem(self._root.certificate)

    @property
    def intermediate_pem(self) -> str:
        return _pem(self._intermediate.certificate)

    def issue_pass_certificate(
        self,
        pass_type_identifier: str,
        team_identifier: str,
        organization: str,
        days: int = YEAR,
        *,
        nfc: bool = False,
    ) -> Credentials:
        """A Pass Type ID certificate with a new key. Negative `days` make one that has already expired."""
        key = rsa.generate_private_key(65537, 2048)
        certificate = self._issue(key.public_key(), pass_type_identifier, team_identifier, organization, days, nfc=nfc)
        return Credentials(_pem(certificate), _key_pem(key), self.intermediate_pem)

    def issue_for(self, request: str, pass_type_identifier: str, team_identifier: str, organization: str) -> str:
        """The certificate (PEM) for a request (PEM): the key stays where it was made. Raises ValueError."""
        asked = x509.load_pem_x509_csr(request.encode())
        key = asked.public_key()
        if not asked.is_signature_valid or not isinstance(key, rsa.RSAPublicKey) or key.key_size != 2048:
            raise ValueError("Apple takes requests that are signed with RSA keys of 2048 bits")
        return _pem(self._issue(key, pass_type_identifier, team_identifier, organization, YEAR, nfc=False))

    def _issue(
        self,
        key: PublicKey,
        pass_type: str,
        team: str,
        organization: str,
        days: int,
        *,
        nfc: bool,
    ) -> x509.Certificate:
        kind = "Pass Type ID with NFC" if nfc else "Pass Type ID"
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.USER_ID, pass_type),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{kind}: {pass_type}"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, team),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            ]
        )
        marker = x509.UnrecognizedExtension(PASS_TYPE_EXTENSION, asn1.encode_der(pass_type))
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return (
            _builder(subject, key, self._intermediate.certificate, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(issuer=False), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(marker, critical=False)
            .sign(self._intermediate.key, hashes.SHA256())
        )

    def server_context(self, *names: str) -> ssl.SSLContext:
        """TLS for the push service: HTTP/2 only; a client certificate, where there is one, is of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.root_pem + self.intermediate_pem)
        context.set_alpn_protocols(["h2"])
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write("".join(self.server_files(*names)))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def server_files(self, *names: str) -> tuple[str, str]:
        """A new key of the push service and its certificate, as PEM texts."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _key_pem(key), _pem(self._server_certificate(key, ["127.0.0.1", "localhost", *names]))

    def _server_certificate(self, key: ec.EllipticCurvePrivateKey, names: list[str]) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox push service")])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return (
            _builder(subject, key.public_key(), self._root.certificate, YEAR)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(issuer=False), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .sign(self._root.key, hashes.SHA256())
        )


def _new_issuer(common_name: str, parent: _Issuer | None, days: int) -> _Issuer:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Wallet sandbox"),
        ]
    )
    certificate = (
        _builder(subject, key.public_key(), parent.certificate if parent else None, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if parent else 1), critical=True)
        .add_extension(_key_usage(issuer=True), critical=True)
        .sign(parent.key if parent else key, hashes.SHA256())
    )
    return _Issuer(certificate, key)


def _builder(subject: x509.Name, key: PublicKey, issuer: x509.Certificate | None, days: int) -> x509.CertificateBuilder:
    """Everything that all certificates share. Without an issuer the certificate is its own."""
    now = datetime.now(UTC)
    expires = now + timedelta(days=days)
    own_identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    issuer_identifier = (
        issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value if issuer else own_identifier
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # An hour back: a container's clock may be behind this one.
        .not_valid_before(min(now, expires) - timedelta(hours=1))
        .not_valid_after(expires)
        .add_extension(own_identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
    )


def _key_usage(*, issuer: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issuer,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issuer,
        crl_sign=issuer,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _load(directory: Path, name: str) -> _Issuer:
    certificate = x509.load_pem_x509_certificate((directory / f"{name}.pem").read_bytes())
    key = serialization.load_pem_private_key((directory / f"{name}.key").read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{directory / name}.key is not an RSA key")
    return _Issuer(certificate, key)


def _store(directory: Path, name: str, issuer: _Issuer) -> None:
    (directory / f"{name}.pem").write_text(_pem(issuer.certificate))
    descriptor = os.open(directory / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_key_pem(issuer.key))
