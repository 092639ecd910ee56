"""What iOS would refuse without a word is refused here with one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from passes.apple.sandbox.cms import verify
from passes.apple.sign import CertificateError, sign
from tests.passes.world import PASS_TYPE, TEAM, authority, credentials


def good(**changes: str) -> dict[str, str]:
    issued = credentials()
    return {
        "certificate": issued.certificate_pem,
        "private_key": issued.private_key_pem,
        "intermediate": issued.intermediate_pem,
        **changes,
    }


def issued_for(days: int) -> dict[str, str]:
    other = authority().issue_pass_certificate(PASS_TYPE, TEAM, "Example", days)
    return {"certificate": other.certificate_pem, "private_key": other.private_key_pem}


def own_chain(*, leaf_from: timedelta, issuer_until: timedelta, ca: bool = True) -> dict[str, str]:
    """A pass certificate with an EC key and an issuer of its own."""
    now = datetime.now(UTC)
    key, issuer_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: x509.Name, issuer: x509.Name, public: Any, begin: Any, end: Any, ca: bool) -> str:
        builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), begin, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WWDR")])
    name = x509.Name(
        [x509.NameAttribute(NameOID.USER_ID, PASS_TYPE), x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, TEAM)]
    )
    long_ago, far = now - timedelta(days=900), now + timedelta(days=900)
    return {
        "certificate": certificate(name, authority_name, key.public_key(), now + leaf_from, far, False),
        "intermediate": certificate(
            authority_name, authority_name, issuer_key.public_key(), long_ago, now + issuer_until, ca
        ),
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }


def with_password() -> str:
    key: Any = load_pem_private_key(credentials().private_key_pem.encode(), None)
    encrypted = BestAvailableEncryption(b"secret")
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted).decode())


def ed_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: {"certificate": "no PEM"}, "The certificate is not PEM text that can be read."),
        (lambda: {"certificate": ""}, "The certificate is not PEM text that can be read."),
        (lambda: {"private_key": "no PEM"}, "The private key is not PEM text that can be read."),
        (lambda: {"private_key": with_password()}, "The private key has a password. Export it without one."),
        (lambda: {"private_key": ed_key()}, "The private key is neither RSA nor EC."),
        (lambda: {"intermediate": "no PEM"}, "The intermediate certificate is not PEM text that can be read."),
        (lambda: issued_for(-2), "The certificate was valid until {two_days_ago} "),
        (
            lambda: own_chain(leaf_from=timedelta(days=2), issuer_until=timedelta(days=1)),
            "The certificate is not valid before {in_two_days}.",
        ),
        (
            lambda: own_chain(leaf_from=-timedelta(days=1), issuer_until=-timedelta(days=3)),
            "The intermediate certificate was valid until {three_days_ago} only.",
        ),
    ],
)
def test_nothing_is_signed_that_phones_refuse(wrong: Any, sentence: str) -> None:
    now = datetime.now(UTC)  # not when tests are collected: midnight may lie between
    days = {"two_days_ago": -2, "in_two_days": 2, "three_days_ago": -3}

    with pytest.raises(CertificateError) as caught:
        sign(b"{}", **good(**wrong()))

    told = {name: f"{now + timedelta(days=number):%Y-%m-%d}" for name, number in days.items()}
    assert str(caught.value).startswith(sentence.format(**told))
    assert "PRIVATE KEY" not in str(caught.value)


@pytest.mark.parametrize("manifest", [b'{"pass.json":"1"}', b'{\n  "pass.json": "1"\n}\n', b"a\r\nb\nc\r"])
def test_the_signature_covers_the_manifest_byte_by_byte(manifest: bytes) -> None:
    issued = credentials()

    signature = sign(
        manifest,
        certificate=issued.certificate_pem,
        private_key=issued.private_key_pem,
        intermediate=issued.intermediate_pem,
    )

    verdict = verify(signature, manifest, authority().root)
    assert verdict.reasons == []
    assert verdict.signed_at
    assert abs(verdict.signed_at - datetime.now(UTC)) < timedelta(seconds=10)
    assert verify(signature, manifest.replace(b"\n", b"\r\n") + b" ", authority().root).reasons
