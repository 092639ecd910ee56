"""Passes and a web service that the tests of Apple's sandbox share, and openssl's word that the passes are good."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import struct
import subprocess
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from passes.apple.sandbox import Authority, Credentials
from portal.sandbox import Request, Response, Sandbox, route

PASS_TYPE = "pass.com.example.loyalty"
TEAM = "TEAM123456"
TOKEN = "a-token-of-sixteen-or-more"
DEFAULT = (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities)


@cache
def authority() -> Authority:
    return Authority(None)


@cache
def foreign_authority() -> Authority:
    return Authority(None)


@cache
def credentials(days: int = 365, foreign: bool = False, pass_type: str = PASS_TYPE) -> Credentials:
    issuer = foreign_authority() if foreign else authority()
    return issuer.issue_pass_certificate(pass_type, TEAM, "Example Coffee", days)


def png(width: int = 2, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * (width + 1) * height)) + chunk(b"IEND", b"")
    )


def document(points: int = 10, **changes: Any) -> dict[str, Any]:
    """A loyalty card. A change to None removes the key."""
    card = {
        "formatVersion": 1,
        "passTypeIdentifier": PASS_TYPE,
        "serialNumber": "C-1",
        "teamIdentifier": TEAM,
        "organizationName": "Example Coffee",
        "description": "Loyalty card",
        "backgroundColor": "rgb(30, 60, 90)",
        "foregroundColor": "#fff",
        "barcodes": [{"format": "PKBarcodeFormatQR", "message": "C-1", "messageEncoding": "iso-8859-1"}],
        "storeCard": {
            "primaryFields": [
                {"key": "points", "label": "Points", "value": points, "changeMessage": "You now have %@ points"}
            ],
            "backFields": [{"key": "tier", "label": "Tier", "value": "silver"}],
        },
        **changes,
    }
    return {key: value for key, value in card.items() if value is not None}


@cache
def private_key(signer: Credentials) -> Any:
    return serialization.load_pem_private_key(signer.private_key_pem.encode(), None)


def sign(manifest: bytes, signer: Credentials, options: Any = DEFAULT, intermediate: bool = True) -> bytes:
    certificate = x509.load_pem_x509_certificate(signer.certificate_pem.encode())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
    builder = builder.add_signer(certificate, private_key(signer), hashes.SHA256())
    if intermediate:
        builder = builder.add_certificate(x509.load_pem_x509_certificate(signer.intermediate_pem.encode()))
    return builder.sign(serialization.Encoding.DER, list(options))


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def pass_files(card: dict[str, Any] | bytes | None = None, extra: dict[str, bytes] | None = None) -> dict[str, bytes]:
    text = card if isinstance(card, bytes) else json.dumps(card or document()).encode()
    icons = dict.fromkeys(("icon.png", "icon@2x.png", "icon@3x.png"), png())
    return {"pass.json": text, **icons, **(extra or {})}


def manifest_of(files: dict[str, bytes]) -> bytes:
    # Several lines: a signer that rewrites line ends betrays itself.
    return json.dumps({name: hashlib.sha1(data).hexdigest() for name, data in files.items()}, indent=1).encode()


def build(
    card: dict[str, Any] | bytes | None = None,
    extra: dict[str, bytes] | None = None,
    signer: Credentials | None = None,
) -> bytes:
    files = pass_files(card, extra)
    manifest = manifest_of(files)
    return zipped({**files, "manifest.json": manifest, "signature": sign(manifest, signer or credentials())})


def wait_until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class PassServer(Sandbox):
    """A brand's web service for one card, as Apple describes it, with its mistakes as attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.version, self.card_changes, self.extra = 1, {}, {}
        self.points = 10
        self.registered: dict[str, str] = {}
        self.logs: list[str] = []
        self.ignores_condition = False
        self.listed: list[str] | None = None
        self.raw: bytes | None = None
        self.asked: list[Request] = []
        self._built: tuple[Any, bytes] = (None, b"")

    def change(self, points: int, **card_changes: Any) -> None:
        self.points, self.version, self.card_changes = points, self.version + 1, card_changes

    def pass_data(self) -> bytes:
        if self.raw:
            return self.raw
        if self._built[0] != self.version:
            web = {"webServiceURL": self.url + "/wallet", "authenticationToken": TOKEN}
            card = document(self.points, **{**web, **self.card_changes})
            self._built = (self.version, build(card, self.extra))
        return self._built[1]

    def last_modified(self) -> str:
        return formatdate(1_700_000_000 + self.version, usegmt=True)

    def handle(self, request: Request) -> Response:
        self.asked.append(request)
        return super().handle(request)

    def _pass(self) -> Response:
        headers = {"Content-Type": "application/vnd.apple.pkpass", "Last-Modified": self.last_modified()}
        return Response(200, self.pass_data(), headers)

    @route("GET", "/card.pkpass")
    def download(self, request: Request) -> Response:
        return self._pass()

    @route("POST", "/wallet/v1/devices/(?P<device>[^/]+)/registrations/(?P<kind>[^/]+)/(?P<serial>[^/]+)")
    def register(self, request: Request, device: str, kind: str, serial: str) -> Response:
        if request.headers.get("authorization") != f"ApplePass {TOKEN}":
            return Response(401)
        known = device in self.registered
        self.registered[device] = request.json()["pushToken"]
        return Response(200 if known else 201)

    @route("DELETE", "/wallet/v1/devices/(?P<device>[^/]+)/registrations/(?P<kind>[^/]+)/(?P<serial>[^/]+)")
    def unregister(self, request: Request, device: str, kind: str, serial: str) -> Response:
        if request.headers.get("authorization") != f"ApplePass {TOKEN}":
            return Response(401)
        del self.registered[device]
        return Response(200)

    @route("GET", "/wallet/v1/devices/(?P<device>[^/]+)/registrations/(?P<kind>[^/]+)")
    def updated(self, request: Request, device: str, kind: str) -> Response:
        if self.listed is None and request.query.get("passesUpdatedSince") == str(self.version):
            return Response(204)
        return Response(200, {"serialNumbers": self.listed or ["C-1"], "lastUpdated": str(self.version)})

    @route("GET", "/wallet/v1/passes/(?P<kind>[^/]+)/(?P<serial>[^/]+)")
    def latest(self, request: Request, kind: str, serial: str) -> Response:
        if request.headers.get("authorization") != f"ApplePass {TOKEN}":
            return Response(401)
        if request.headers.get("if-modified-since") == self.last_modified() and not self.ignores_condition:
            return Response(304)
        return self._pass()

    @route("POST", "/wallet/v1/log")
    def take_log(self, request: Request) -> Response:
        self.logs += request.json()["logs"]
        return Response(200)


@contextmanager
def running_pass_server() -> Iterator[PassServer]:
    server = PassServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def openssl_verdict(folder: Path, signature: bytes, manifest: bytes, root_pem: str) -> tuple[bool, str]:
    """(verified, printed structure) by the openssl command line, which shares no code with the sandbox's verifier."""
    for name, data in {"signature": signature, "manifest.json": manifest, "root.pem": root_pem.encode()}.items():
        (folder / name).write_bytes(data)
    common = ["-inform", "DER", "-in", "signature"]
    verify = ["-verify", "-binary", *common, "-content", "manifest.json", "-CAfile", "root.pem", "-purpose", "any"]
    verified = subprocess.run(["openssl", "cms", *verify], cwd=folder, capture_output=True, check=False)
    printed = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-noout", *common], cwd=folder, capture_output=True, check=True
    )
    return verified.returncode == 0, printed.stdout.decode()


@pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
def test_openssl_accepts_the_passes_that_the_tests_build(tmp_path: Path) -> None:
    manifest = manifest_of(pass_files())

    verified, printed = openssl_verdict(tmp_path, sign(manifest, credentials()), manifest, authority().root_pem)

    assert verified
    assert "signingTime" in printed
