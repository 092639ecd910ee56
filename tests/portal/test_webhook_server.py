"""The webhook behind the real web server: chunked bodies, bodies that are too large, a start that is refused."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow

GRANIAN = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws"]
SETUP = """
from tests.world import make_speaker
print(make_speaker().secret)
"""
COUNT = """
from portal.models import Event
print(Event.objects.count())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.port, self.environment = port, environment
        self.secret = self.shell(SETUP)

    def shell(self, script: str) -> str:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
        ended = subprocess.run(
            command, env=self.environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
        )
        return ended.stdout.strip()

    def post(self, body: Any, **headers: str) -> tuple[int, str, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        path = "/api/verdi/webhooks/listeners/actito/profile/Update"
        sent = {"X-API-KEY": self.secret, "Content-Type": "application/json", **headers}
        line.request("POST", path, body, sent, encode_chunked=headers.get("Transfer-Encoding") == "chunked")
        answer = line.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()


@pytest.fixture
def server(tmp_path: Path, own_database: str) -> Iterator[Server]:
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": own_database}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"], env=environment, cwd=settings.BASE_DIR, check=True
    )
    port = free_port()
    one = Server(port, environment)
    process = subprocess.Popen(
        [*GRANIAN, "--port", str(port), "portal.wsgi:application"], env=environment, cwd=settings.BASE_DIR
    )
    _wait_for(port)
    yield one
    process.terminate()
    process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the web server did not start")


def test_the_real_server_takes_and_refuses_what_it_should(server: Server) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    small = json.dumps({"data": {"profileId": 7}}).encode()
    assert server.post(small)[0] == 200
    assert server.post(iter([small[:10], small[10:]]), **chunked)[0] == 208
    assert server.shell(COUNT) == "2"
    for body, headers in ((b"x" * 300_000, {}), (iter([b" " * 50_000] * 8), chunked)):
        status, media_type, told = server.post(body, **headers)
        assert (status, media_type) == (413, "application/problem+json")
        assert json.loads(told)["status"] == 413
    assert server.post(b"", **{"Content-Length": "0"})[0] == 400
    assert server.post(iter([]), **chunked)[0] == 400
    assert server.shell(COUNT) == "2"


def test_a_sender_who_hangs_up_in_the_middle_leaves_nothing_behind(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        head = (
            "POST /api/verdi/webhooks/listeners/actito/profile/Update HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"X-API-KEY: {server.secret}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        )
        line.sendall(head.encode() + b'{"data": {"profileId": 7}}')
    time.sleep(0.3)
    assert server.shell(COUNT) == "0"
    assert server.post(b'{"data": {"profileId": 7}}')[0] == 200


def test_the_server_ends_when_production_has_no_keys(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "PRODUCTION": "true"}
    ended = subprocess.run(
        [*GRANIAN, "--port", str(free_port()), "portal.wsgi:application"],
        env={**environment, "PUBLIC_URL": "https://wallet.example.com"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "portal.E001: Production needs a SECRET_KEY of its own." in ended.stdout + ended.stderr
