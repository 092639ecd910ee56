"""The webhook behind the real web server: chunked bodies, bodies that are too large, a start that is refused."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.live import GRANIAN, Server, free_port, serving

pytestmark = pytest.mark.slow

COUNT = """
from portal.models import Event
print(Event.objects.count())
"""


@pytest.fixture
def server(tmp_path: Path, own_database: str) -> Iterator[Server]:
    with serving(tmp_path, own_database) as one:
        yield one


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
