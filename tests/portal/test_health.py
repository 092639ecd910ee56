"""/health/live: the process serves, whatever else is wrong."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from portal import __version__


def test_live_says_so_without_asking_the_database(client: Client) -> None:
    # No database mark: a query would fail this test.
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": __version__})
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_probe_calls_a_process_by_its_own_address_and_without_https(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["wallet.example.com"], True
    assert client.get("/health/live", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/admin/", headers={"host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_live_changes_nothing(client: Client, method: str) -> None:
    assert getattr(client, method)("/health/live").status_code == 405
