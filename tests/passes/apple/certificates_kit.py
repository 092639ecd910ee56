"""Files as people have them, made by openssl, so that no code of the product takes part in their making."""

from __future__ import annotations

import subprocess
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from passes.apple.sandbox import Credentials


def openssl(*arguments: str, given: bytes = b"", folder: Path | None = None) -> bytes:
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def p12(issued: Credentials, folder: Path, *options: str, password: str = "", chain: bool = False) -> bytes:
    """`-legacy` writes RC2 and 3DES, as the keychain of a Mac does."""
    (folder / "all.pem").write_text(
        issued.private_key_pem + issued.certificate_pem + (issued.intermediate_pem if chain else "")
    )
    return openssl("pkcs12", "-export", *options, "-in", "all.pem", "-passout", f"pass:{password}", folder=folder)


def encrypted_key(issued: Credentials, password: str, kind: str = "pkcs8") -> bytes:
    """The key with a passphrase: PKCS#8, or the older form of `openssl rsa`."""
    command = ("pkcs8", "-topk8", "-v2", "aes256") if kind == "pkcs8" else ("rsa", "-aes256", "-traditional")
    return openssl(*command, "-passout", f"pass:{password}", given=issued.private_key_pem.encode())


def der(issued: Credentials) -> bytes:
    """Apple's .cer."""
    return openssl("x509", "-outform", "DER", given=issued.certificate_pem.encode())


def certified(certificate: str, name: str = "pass.cer") -> SimpleUploadedFile:
    """Apple's .cer of a PEM certificate, as a browser sends it."""
    return SimpleUploadedFile(name, openssl("x509", "-outform", "DER", given=certificate.encode()))
