"""Probes of the real web server while its PostgreSQL hangs, is gone, and comes back."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.live import Server, serving
from tests.proxy import Proxy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="a file is neither down nor hangs"
    ),
]
TOKEN = "a-token-for-the-tests"


@pytest.fixture
def proxy(own_database: str) -> Iterator[Proxy]:
    server = urlsplit(own_database)
    one = Proxy(server.hostname or "127.0.0.1", server.port or 5432)
    yield one
    one.cut()


@pytest.fixture
def server(tmp_path: Path, own_database: str, proxy: Proxy) -> Iterator[Server]:
    parts = urlsplit(own_database)
    place = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}"
    with serving(tmp_path, parts._replace(netloc=place).geturl(), METRICS_TOKEN=TOKEN) as one:
        yield one


def get(server: Server, path: str) -> tuple[int, str, float]:
    """Status, body, seconds."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    began = time.monotonic()
    line.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = line.getresponse()
    body = answer.read().decode()
    return answer.status, body, time.monotonic() - began


def ready(server: Server) -> tuple[int, Any, float]:
    status, body, took = get(server, "/health/ready")
    return status, json.loads(body), took


def test_a_database_that_hangs_or_is_gone_is_told_in_time(server: Server, proxy: Proxy) -> None:
    status, told, _ = ready(server)
    assert (status, told["status"]) == (200, "degraded"), "no worker runs"
    time.sleep(1.1)

    proxy.freeze()
    status, told, took = ready(server)
    assert (status, told["checks"]["database"]["status"]) == (503, "failed")
    assert told["checks"]["worker"]["status"] == "unknown"
    assert took < 2.5
    status, figures, took = get(server, "/metrics")
    assert status == 200
    assert took < 6
    assert 'portal_scrape_errors{collector="waiting"} 1.0' in figures

    proxy.thaw()
    began = time.monotonic()
    while ready(server)[0] != 200:
        assert time.monotonic() - began < 10, "ready again by itself"
        time.sleep(0.2)

    proxy.cut()
    time.sleep(1.1)
    status, told, took = ready(server)
    assert status == 503
    assert took < 2.5
    status, figures, took = get(server, "/metrics")
    assert status == 200
    assert took < 6
    assert 'portal_check_ok{check="database"} 0.0' in figures
    assert get(server, "/health/live")[0] == 200
    assert "127.0.0.1" not in json.dumps(told)
