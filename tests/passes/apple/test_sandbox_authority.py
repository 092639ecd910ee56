"""The authority makes certificates as Apple's look, and keeps its own over a restart."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from passes.apple.sandbox import Authority
from passes.apple.sandbox.authority import PASS_TYPE_EXTENSION
from tests.passes.apple.test_sandbox_kit import PASS_TYPE, TEAM, authority, credentials


def test_a_pass_certificate_names_pass_type_and_team_where_apple_puts_them() -> None:
    leaf = x509.load_pem_x509_certificate(credentials().certificate_pem.encode())
    subject = {attribute.oid: attribute.value for attribute in leaf.subject}

    assert subject[NameOID.USER_ID] == PASS_TYPE
    assert subject[NameOID.ORGANIZATIONAL_UNIT_NAME] == TEAM
    assert subject[NameOID.ORGANIZATION_NAME] == "Example Coffee"
    assert subject[NameOID.COMMON_NAME] == f"Pass Type ID: {PASS_TYPE}"
    marker = leaf.extensions.get_extension_for_oid(PASS_TYPE_EXTENSION).value
    assert marker.public_bytes() == b"\x0c" + bytes([len(PASS_TYPE)]) + PASS_TYPE.encode()
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]


def test_a_pass_certificate_points_at_the_intermediate_by_its_key_identifier() -> None:
    leaf = x509.load_pem_x509_certificate(credentials().certificate_pem.encode())
    intermediate = x509.load_pem_x509_certificate(credentials().intermediate_pem.encode())

    pointed = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    own = intermediate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert pointed == own


@pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
def test_openssl_follows_the_chain_to_the_root(tmp_path: Path) -> None:
    texts = {"root": authority().root_pem, "wwdr": authority().intermediate_pem, "leaf": credentials().certificate_pem}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root", "-untrusted", "wwdr", "leaf"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout == b"leaf: OK\n"


def test_the_authority_is_the_same_after_a_restart_and_its_keys_are_private(tmp_path: Path) -> None:
    first = Authority(tmp_path / "ca")
    second = Authority(tmp_path / "ca")

    assert second.root_pem == first.root_pem
    assert second.intermediate_pem == first.intermediate_pem
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "ca").glob("*.key")} == {0o600}
    reissued = second.issue_pass_certificate(PASS_TYPE, TEAM, "Example Coffee")
    leaf = x509.load_pem_x509_certificate(reissued.certificate_pem.encode())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(first.intermediate_pem.encode()))
