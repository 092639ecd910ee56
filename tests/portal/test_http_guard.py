"""The address guard: where tenants' addresses may lead when the sandbox is off."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from portal import guard, http
from portal.http import ApiError, call
from portal.ledger.failure import Decision

HOST = "api.vendor.example"


class Trail:
    """Notes that a call was announced and how it ended."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []

    def open(self, **noted: Any) -> int:
        self.opened.append(noted)
        return len(self.opened)

    def close(self, call: int, **noted: Any) -> None:
        self.closed.append(noted)


class TlsServer:
    """A real TLS server on 127.0.0.1 that notes every connection and every byte that it is sent."""

    def __init__(self, folder: Path) -> None:
        certificate, key = _certificate(folder)
        self.certificate = certificate
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.received = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with line:
                self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        try:
            with self._context.wrap_socket(line, server_side=True) as tls:
                self.received += tls.recv(65536)
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        except OSError:
            return

    def close(self) -> None:
        self._listener.close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    one = TlsServer(tmp_path)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _strict(settings: Settings) -> None:
    settings.SANDBOX = False


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Names lead to these addresses; numbers are left to the system."""
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host != HOST:
            return system(host, port, *args, **more)
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def refused(url: str, **more: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call("GET", url, target="The vendor", headers={"Authorization": "Bearer geheim"}, **more)
    assert "geheim" not in caught.value.sentence
    return caught.value


PRIVATE = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "169.254.170.2", "192.0.0.8", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1", "168.63.129.16"),
    *("100.100.100.200", "::", "::1", "::7f00:1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1", "100::1", "4000::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "193.190.198.1", "2606:4700:4700::1111", "2a00:1450:400e:80c::200e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not guard.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert guard.is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_no_spelling_of_a_private_ipv4_address_in_ipv6_is_public(address: Any) -> None:
    number = int(address)
    for prefix in ("::", "::ffff:", "64:ff9b::", "2002:"):
        text = f"{prefix}{number >> 16:x}:{number & 0xFFFF:x}" + ("::" if prefix == "2002:" else "")
        assert not guard.is_public(text)


@pytest.mark.parametrize("address", [each for each in PRIVATE if "%" not in each])
def test_a_name_that_leads_to_a_special_address_is_not_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, address)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it connected"))
    error = refused(f"https://{HOST}/v4/profile")
    assert (error.decision, error.sentence) == (Decision.PAUSE, "The vendor is at an address that may not be called.")


def test_a_local_server_sees_no_connection_and_no_byte(monkeypatch: pytest.MonkeyPatch, server: TlsServer) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    trail = Trail()
    refused(f"https://{HOST}:{server.port}/v4/profile", trail=trail)
    assert (server.connections, server.received) == (0, b"")
    assert len(trail.opened) == len(trail.closed) == 1
    assert trail.closed[0]["error"] == "The vendor is at an address that may not be called."


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch, server: TlsServer
) -> None:
    resolve_to(monkeypatch, "8.8.8.8", "127.0.0.1")
    refused(f"https://{HOST}:{server.port}/")
    assert server.connections == 0


def test_a_name_is_resolved_once_so_that_a_second_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, server: TlsServer
) -> None:
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    connected: list[str] = []

    def getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        address = next(answers) if host == HOST else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(_: socket.socket, address: Any) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    refused(f"https://{HOST}/")
    assert connected == ["8.8.8.8"]


def test_a_public_server_is_called(monkeypatch: pytest.MonkeyPatch, server: TlsServer) -> None:
    """The guard lets through what it should: here 127.0.0.1 plays the public address."""
    resolve_to(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1")
    session = http._new_session(guarded=True)
    session.verify = str(server.certificate)
    monkeypatch.setattr(http._sessions, "session", lambda: session)
    answer = call("GET", f"https://{HOST}:{server.port}/v4/profile", target="The vendor")
    assert (answer.status, answer.json()) == (200, {})
    assert server.received.startswith(b"GET /v4/profile HTTP/1.1")


def test_a_server_with_a_wrong_certificate_is_sent_nothing(monkeypatch: pytest.MonkeyPatch, server: TlsServer) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(guard, "is_public", lambda address: True)
    error = refused(f"https://{HOST}:{server.port}/", repeatable=False)
    assert error.decision is Decision.RETRY
    assert "could not prove its identity" in error.sentence
    assert server.received == b""


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.vendor.example/", "ftp://api.vendor.example/", "file:///etc/passwd", "gopher://x/", "//x/", ""),
        *("https://", "https:///path", "https://user:geheim@api.vendor.example/", "https://geheim@api.vendor.example/"),
        *("https://@api.vendor.example/", "https://[::1", "https://api.vendor.example:port/", "https://x:0/"),
        *(
            "https://api.vendor.example\\@127.0.0.1/",
            "https://a b/",
            "https://a/\r\nX: y",
            "https://a/\t",
            " https://a/",
        ),
    ],
)
def test_an_address_that_may_not_be_called_at_all_is_told_so(url: str) -> None:
    trail = Trail()
    error = refused(url, trail=trail)
    assert error.decision is Decision.PAUSE
    assert error.sentence.startswith("The vendor: ")
    assert not trail.opened


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_the_own_machine_is_called(server: TlsServer, host: str) -> None:
    assert refused(f"https://{host}:{server.port}/").decision in {Decision.PAUSE, Decision.RETRY}
    assert server.connections == 0


def test_a_name_that_does_not_exist_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    error = refused(f"https://{HOST}/", repeatable=False)
    assert (error.decision, error.sentence) == (Decision.RETRY, "The vendor could not be reached, or broke off.")


def test_only_a_few_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, *(f"8.8.8.{number}" for number in range(100)))
    tried: list[Any] = []

    def connect(_: socket.socket, address: Any) -> None:
        tried.append(address)
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert "took too long" in refused(f"https://{HOST}/").sentence
    assert len(tried) == guard.ADDRESSES_TRIED


def test_plain_http_has_no_adapter_at_all() -> None:
    assert list(http._new_session(guarded=True).adapters) == ["https://"]


def test_proxies_and_netrc_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, server: TlsServer) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    resolve_to(monkeypatch, "10.0.0.1")
    refused(f"https://{HOST}/")
    assert server.connections == 0
