"""The portal behind its real web server, with a database of its own: for tests that need sockets and processes."""

from __future__ import annotations

import http.client
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

GRANIAN = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws"]
SETUP = """
from tests.world import make_speaker
print(make_speaker().secret)
"""


def free_port() -> int:
    """A port that nobody holds, nor the three above it, which a demo takes too.

    It lies below those that connections go out from: one of a parallel test could take such a port at any moment."""
    while True:
        port = random.randrange(10_000, 32_000, 4)
        if all(_is_free(port + step) for step in range(4)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Server:
    """`secret` is an API key of the tenant verdi, or what the script `make` prints."""

    def __init__(self, port: int, environment: dict[str, str], make: str = SETUP) -> None:
        self.port, self.environment = port, environment
        self.secret = self.shell(make)

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


@contextmanager
def serving(directory: Path, database_url: str, make: str = SETUP, **environment: str) -> Iterator[Server]:
    environment = {**os.environ, "VAR_DIR": str(directory), "DATABASE_URL": database_url, **environment}
    one = Server(free_port(), environment, make)
    with web(one):
        yield one


@contextmanager
def web(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """The web processes alone."""
    process = subprocess.Popen(
        [*GRANIAN, "--port", str(server.port), "portal.wsgi:application"],
        env=server.environment,
        cwd=settings.BASE_DIR,
        start_new_session=True,
    )
    try:
        _wait_for(server.port)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the web server did not start")
