"""`manage.py check_wallet`: our own web service keeps every rule, and each rule that another one breaks is found."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django import Settings

from passes.apple.bundle import build
from passes.apple.sandbox.conformance import RULES
from passes.models import Registration, WalletPass
from tests.passes import world

pytestmark = pytest.mark.django_db(transaction=True)
SENTENCES = [rule for rule, _ in RULES]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_text(world.authority().root_pem)
    return path


@pytest.fixture
def card(settings: Settings) -> WalletPass:
    settings.SANDBOX = True
    return world.wallet_pass()


def written(card: WalletPass, folder: Path) -> Path:
    path = folder / "card.pkpass"
    path.write_bytes(build(card))
    return path


def checked(path: Path, root: Path, *options: str) -> str:
    """What is printed, the error included."""
    said = io.StringIO()
    try:
        call_command("check_wallet", str(path), "--root", str(root), "--allow-http", *options, stdout=said)
    except CommandError as error:
        said.write(str(error))
    return said.getvalue()


def broken(text: str) -> list[str]:
    return [line.removeprefix("  ✗ ") for line in text.splitlines() if line.startswith("  ✗ ")]


def test_our_own_service_keeps_every_rule_and_nothing_is_left_behind(
    card: WalletPass, live_server: Any, settings: Settings, tmp_path: Path, root: Path
) -> None:
    settings.PUBLIC_URL = live_server.url
    said = checked(written(card, tmp_path), root)
    assert broken(said) == []
    assert said.rstrip().endswith("All rules are kept.")
    assert said.count("  ✓ ") == len(RULES) + 1
    assert not Registration.objects.exists()


def test_a_card_that_no_phone_adds_is_told_with_every_reason(card: WalletPass, tmp_path: Path, root: Path) -> None:
    path = written(card, tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    said = checked(path, root)
    assert broken(said)
    assert "rule is broken" in said or "rules are broken" in said


def test_apples_own_root_is_trusted_by_default(card: WalletPass, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="broken"):
        call_command("check_wallet", str(written(card, tmp_path)), stdout=io.StringIO())


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("missing", None, "cannot be read"), ("root.pem", b"no certificate", "is no certificate in PEM")],
)
def test_files_that_cannot_be_used_are_told(
    name: str, content: bytes | None, sentence: str, card: WalletPass, tmp_path: Path, root: Path
) -> None:
    if content is None:
        path = tmp_path / name
    else:
        path = written(card, tmp_path)
        root.write_bytes(content)
    assert sentence in checked(path, root)


def test_the_service_is_left_alone_on_demand(card: WalletPass, tmp_path: Path, root: Path) -> None:
    said = checked(written(card, tmp_path), root, "--no-service")
    assert said.count("  ✓ ") == 1
    assert "All rules are kept." in said


# Services that break a rule: ours, behind a server that changes one thing about it

Change = Callable[[BaseHTTPRequestHandler, requests.Response], tuple[int, dict[str, str], bytes]]


def plain(answer: requests.Response, status: int = 0, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    names = ("Content-Type", "Last-Modified")
    headers = {name: answer.headers[name] for name in names if name in answer.headers}
    return status or answer.status_code, headers, answer.content if body is None else body


@pytest.fixture
def behind(live_server: Any, settings: Settings) -> Iterator[Callable[[Change], None]]:
    servers: list[ThreadingHTTPServer] = []

    def begin(change: Change) -> None:
        class Middle(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = {name: value for name, value in self.headers.items() if name not in {"Host", "Content-Length"}}
                answer = requests.request(
                    self.command, live_server.url + self.path, headers=sent, data=body, allow_redirects=False, timeout=9
                )
                status, headers, told = change(self, answer)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(told)

            do_POST = do_DELETE = do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Middle)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.PUBLIC_URL = f"http://127.0.0.1:{server.server_port}"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def on(method: str, part: str, status: int = 0, body: bytes | None = None) -> Change:
    """Answers calls of a method whose path holds the part otherwise."""

    def change(asked: BaseHTTPRequestHandler, answer: requests.Response) -> tuple[int, dict[str, str], bytes]:
        here = asked.command == method and part in asked.path
        return plain(answer, status, body) if here else plain(answer)

    return change


def without(header: str) -> Change:
    def change(_: BaseHTTPRequestHandler, answer: requests.Response) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = plain(answer)
        return status, {name: value for name, value in headers.items() if name != header}, body

    return change


BREAKS = {
    "always 200": (on("POST", "/registrations/", 200), "A new registration is answered 201."),
    "always 201": (on("POST", "/registrations/", 201), "A known registration is answered 200, also with a new push"),
    "anybody registers": (on("POST", "/registrations/", 201), "Nobody registers with a wrong token."),
    "no tag": (on("GET", "/registrations/", 200, b'{"serialNumbers": [], "lastUpdated": 7}'), "Without a tag, all of"),
    "no list": (on("GET", "/registrations/", 200, b"[]"), "Without a tag, all of the phone's cards are listed"),
    "a list for ever": (on("GET", "passesUpdatedSince", 200), "After its own tag, nothing is listed: 204."),
    "a tag is a riddle": (on("GET", "passesUpdatedSince", 500), "A tag that cannot be read counts as none."),
    "no media type": (without("Content-Type"), "The card is given with its media type and Last-Modified."),
    "no last change": (without("Last-Modified"), "The card is given with its media type and Last-Modified."),
    "not found": (on("GET", "/v1/passes/", 404), "The card is not given to whoever has no token."),
    "other bytes": (on("GET", "/v1/passes/", 200, b"no pass"), "What is given is the same card, and a phone adds it."),
    "never unchanged": (on("GET", "/v1/passes/", 200), "A card that did not change is answered 304."),
    "no head": (on("HEAD", "/v1/passes/", 405), "HEAD is answered like GET, without a body."),
    "no log": (on("POST", "/v1/log", 404), "A phone's log is taken."),
    "nobody leaves": (on("DELETE", "/registrations/", 500), "Unregistering is answered 200."),
    "breaks": (on("POST", "/registrations/", 500), "A registration without a push token is refused, and breaks"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_service_that_breaks_a_rule_is_found_out(
    name: str, card: WalletPass, behind: Callable[[Change], None], tmp_path: Path, root: Path
) -> None:
    change, rule = BREAKS[name]
    behind(change)
    found = broken(checked(written(card, tmp_path), root))
    assert any(line.startswith(rule) for line in found), found
    assert any(sentence.startswith(rule) for sentence in SENTENCES)


def test_a_service_that_is_not_there_is_told_for_each_rule(
    card: WalletPass, settings: Settings, tmp_path: Path, root: Path
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    said = checked(written(card, tmp_path), root)
    assert said.count("No answer (ConnectionError).") >= len(RULES) - 1
