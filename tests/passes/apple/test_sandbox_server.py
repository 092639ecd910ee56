"""The whole of Apple at once: from a certificate over a push to the lock screen, steered over HTTP."""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests

from passes.apple.sandbox import AppleSandbox, Authority, Network
from portal.sandbox import Fault
from tests.passes.apple import test_sandbox_kit as kit
from tests.passes.apple.test_sandbox_kit import PASS_TYPE, PassServer, wait_until


@pytest.fixture(scope="module")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apple") / "authority"
    Authority(folder)
    return folder


@pytest.fixture
def apple(tmp_path: Path, authority_folder: Path) -> Iterator[AppleSandbox]:
    shutil.copytree(authority_folder, tmp_path / "apple" / "authority")
    sandbox = AppleSandbox(tmp_path / "apple", network=Network(retry_waits=()))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def server(apple: AppleSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PassServer]:
    """A web service whose passes are signed with certificates of this sandbox."""
    signer = apple.authority.issue_pass_certificate(PASS_TYPE, kit.TEAM, "Example Coffee")
    monkeypatch.setattr(kit, "credentials", lambda: signer)
    with kit.running_pass_server() as server:
        yield server


def call(apple: AppleSandbox, method: str, path: str, body: Any = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, apple.control_url + path, json=body, timeout=5)


def add_card(apple: AppleSandbox, server: PassServer, name: str = "anna") -> requests.Response:
    return call(apple, "POST", f"/phones/{name}/passes", {"url": f"{server.url}/card.pkpass"})


def push(apple: AppleSandbox, folder: Path, token: str) -> int:
    file = folder / "client.pem"
    file.write_text(kit.credentials().private_key_pem + kit.credentials().certificate_pem)
    context = ssl.create_default_context(cadata=call(apple, "GET", "/certificates/root").text)
    context.load_cert_chain(file)
    with httpx2.Client(http2=True, verify=context) as client:
        url = f"{apple.apns.url}/3/device/{token}"
        return client.post(url, content=b"{}", headers={"apns-topic": PASS_TYPE}).status_code


def test_a_change_travels_from_the_push_to_the_lock_screen(
    apple: AppleSandbox, server: PassServer, tmp_path: Path
) -> None:
    assert add_card(apple, server).json() == {"serial": "C-1"}
    [token] = server.registered.values()
    server.change(points=40)

    assert push(apple, tmp_path, token) == 200

    wait_until(lambda: call(apple, "GET", "/phones/anna").json()["screen"])
    phone = call(apple, "GET", "/phones/anna").json()
    assert phone["screen"][0]["text"] == "You now have 40 points"
    assert phone["passes"][0]["organization"] == "Example Coffee"
    assert phone["passes"][0]["fields"] == {"points": 40, "tier": "silver"}
    assert phone["notices"] == ["accepted http because this is a sandbox"]
    pushes = call(apple, "GET", "/_sandbox/apns").json()["pushes"]
    assert [(line["token"], line["status"]) for line in pushes] == [(token, 200)]


def test_a_phone_that_was_lost_is_410_for_the_next_push(
    apple: AppleSandbox, server: PassServer, tmp_path: Path
) -> None:
    add_card(apple, server)
    [token] = server.registered.values()

    assert call(apple, "DELETE", "/phones/anna").status_code == 204

    assert push(apple, tmp_path, token) == 410
    assert call(apple, "GET", "/phones/anna").status_code == 404
    assert server.registered, "a lost phone does not unregister"


def test_a_burst_of_pushes_ends_with_the_last_version_and_few_fetches(apple: AppleSandbox, server: PassServer) -> None:
    add_card(apple, server)
    phone = apple.phone("anna")
    server.arm(Fault("slow", path="/registrations/", seconds=0.1))
    server.change(points=50)
    server.asked.clear()

    threads = [threading.Thread(target=phone.on_push, args=(PASS_TYPE,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry["text"] for entry in phone.screen] == ["You now have 50 points"]
    assert len(server.asked) <= 4


def test_a_refused_pass_is_422_with_the_reasons(apple: AppleSandbox, server: PassServer) -> None:
    server.change(points=1, description="")

    answer = add_card(apple, server)

    assert answer.status_code == 422
    assert answer.json() == {"reasons": ["description is missing or empty."]}


def test_language_refresh_and_removal(apple: AppleSandbox, server: PassServer) -> None:
    assert call(apple, "PUT", "/phones/anna", {"language": "nl"}).json()["language"] == "nl"
    add_card(apple, server)
    server.change(points=60)
    assert call(apple, "POST", "/phones/anna/refresh").json()["screen"][0]["text"] == "You now have 60 points"
    assert call(apple, "DELETE", "/phones/anna/passes/C-1").status_code == 204
    assert call(apple, "DELETE", "/phones/anna/passes/C-1").status_code == 404
    assert server.registered == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/phones/anna", {"language": "xx"}),
        ("PUT", "/phones/..%2F..%2Fetc", {"language": "en"}),
        ("POST", "/phones/anna/passes", {}),
        ("POST", "/phones/anna/passes", {"url": 1}),
        ("POST", "/phones/anna/passes", []),
        ("POST", "/certificates", {"pass_type_identifier": "x"}),
        ("POST", "/_sandbox/apns-faults", {"kind": "explode"}),
    ],
)
def test_a_call_that_makes_no_sense_is_400(apple: AppleSandbox, method: str, path: str, body: Any) -> None:
    assert call(apple, method, path, body).status_code == 400


def test_certificates_and_push_faults_over_http(apple: AppleSandbox, server: PassServer, tmp_path: Path) -> None:
    wanted = {"pass_type_identifier": "pass.a.b", "team_identifier": "T", "organization": "B"}
    issued = call(apple, "POST", "/certificates", wanted)
    add_card(apple, server)
    call(apple, "POST", "/_sandbox/apns-faults", {"kind": "status", "status": 429, "times": 5})

    assert issued.status_code == 201
    assert set(issued.json()) == {"certificate_pem", "private_key_pem", "intermediate_pem"}
    [token] = server.registered.values()
    assert push(apple, tmp_path, token) == 429
    call(apple, "DELETE", "/_sandbox/apns-faults")
    assert push(apple, tmp_path, token) == 200


def test_the_page_shows_cards_and_screens_and_escapes_what_passes_say(apple: AppleSandbox, server: PassServer) -> None:
    server.change(points=70, organizationName="<script>alert(1)</script>")
    add_card(apple, server)
    server.change(points=80, organizationName="<script>alert(1)</script>")
    apple.phone("anna").refresh()

    page = call(apple, "GET", "/")

    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "You now have 80 points" in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_a_restart_keeps_authority_and_phones(tmp_path: Path) -> None:
    before = AppleSandbox(tmp_path)
    token = before.phone("anna").push_token
    before.start()
    before.stop()

    after = AppleSandbox(tmp_path)
    after.control.stop()

    assert after.authority.root_pem == before.authority.root_pem
    assert [(phone.name, phone.push_token) for phone in after.phones()] == [("anna", token)]
    after.wipe("anna")
    assert list((tmp_path / "phones").iterdir()) == []
