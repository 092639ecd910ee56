"""What every answer tells the browser, and what a production environment is checked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from passes.links import link
from passes.models import WalletPass
from portal.checks import check_mail, check_proxies
from portal.environment import Environment
from tests.portal.admin_world import client_of, make_world

MACHINES = ["/health/live", "/api/verdi/webhooks/listeners/actito/x", "/wallet/apple/v1/log", "/nowhere", "/"]
ALWAYS = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def policy(response: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*MACHINES, "/admin/login/"])
def test_every_answer_has_the_headers(path: str) -> None:
    response = Client().get(path)
    assert {name: response[name] for name in ALWAYS} == ALWAYS
    assert "camera=()" in response["Permissions-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", MACHINES)
def test_outside_of_the_admin_nothing_is_loaded(path: str) -> None:
    assert policy(Client().get(path)) == {
        "default-src": ["'none'"], "base-uri": ["'none'"], "form-action": ["'none'"], "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }  # fmt: skip


@pytest.mark.django_db
def test_the_admin_runs_no_script_that_stands_in_a_page() -> None:
    world = make_world("Verdi")
    for path in ("/admin/", "/admin/portal/event/", "/admin/nowhere/"):
        told = policy(client_of(world.owner).get(path))
        assert told["script-src"] == ["'self'", "'unsafe-eval'"]
        assert told["form-action"] == ["'self'"]
        for name in ("default-src", "base-uri", "frame-ancestors", "object-src"):
            assert told[name] == ["'none'"]


@pytest.mark.django_db
def test_the_page_of_a_pass_has_a_stricter_policy_of_its_own() -> None:
    path = link(make_world("Verdi").rows[WalletPass]).removeprefix(configured.PUBLIC_URL)
    first, second = (Client().get(path) for _ in range(2))
    told = policy(first)
    assert told["default-src"] == ["'none'"]
    assert "script-src" not in told
    (nonce,) = told["style-src"]
    assert f'<style nonce="{nonce[7:-1]}">' in first.content.decode()
    assert policy(second)["style-src"] != [nonce]
    assert first["Referrer-Policy"] == "no-referrer"


def test_without_mail_production_is_warned(settings: Settings) -> None:
    assert check_mail() == []
    settings.MAIL_SET_UP = False
    (found,) = check_mail()
    assert found.id == "portal.W002"
    assert "EMAIL_URL" in str(found.hint)


@pytest.mark.parametrize(("behind", "proxies", "count"), [(True, 0, 1), (True, 1, 0), (False, 0, 0)])
def test_a_proxy_that_is_not_counted_is_a_warning(settings: Settings, behind: bool, proxies: int, count: int) -> None:
    settings.BEHIND_PROXY, settings.PROXY_COUNT = behind, proxies
    assert [found.id for found in check_proxies()] == ["portal.W003"] * count


def test_the_address_of_a_mail_server_is_read() -> None:
    url = "smtp+tls://portal%40example.com:s%3Acret@mail.example.com:587"
    found = Environment({"EMAIL_URL": url}).mail("EMAIL_URL")
    assert found["EMAIL_HOST_USER"] == "portal@example.com"
    assert found["EMAIL_HOST_PASSWORD"] == "s:cret"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == ("mail.example.com", 587, True)
    assert Environment({}).mail("EMAIL_URL") == {}


@pytest.mark.parametrize(
    "url", ["mail.example.com", "smtps://u:s3cret@h", "smtp://", "smtp://u:s3cret@h:port", "file:x"]
)
def test_a_wrong_one_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as told:
        Environment({"EMAIL_URL": url}).mail("EMAIL_URL")
    assert "s3cret" not in str(told.value)


def production(**more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PRODUCTION": "true",
        "SECRET_KEY": "t6Zb1-wQp3Xk8fJ2mNv7sRc4yHd9gLa5uEo0iTzVxBqWnMCjKrPl",
        "ENCRYPTION_KEYS": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
        "DATABASE_URL": "postgres://portal:secret@database.invalid:5432/portal",
        "PUBLIC_URL": "https://wallet.example.com",
        "EMAIL_URL": "smtp+tls://portal:secret@mail.example.com:587",
        "BEHIND_PROXY": "true",
        "PROXY_COUNT": "1",
        **more,
    }


def manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(configured.BASE_DIR / "manage.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_production_environment_without_mail_says_so(tmp_path: Path) -> None:
    environment = production(VAR_DIR=str(tmp_path), EMAIL_URL="", PROXY_COUNT="")
    done = manage("check", "--deploy", environment=environment)
    assert "portal.W002" in done.stderr
    assert "portal.W003" in done.stderr


def test_in_production_cookies_belong_to_this_host_alone(tmp_path: Path) -> None:
    asked = (
        "from django.conf import settings as s; from django.test import Client; "
        "r = Client().get('/admin/login/', secure=True, headers={'host': 'wallet.example.com'}); "
        "c = r.cookies[s.CSRF_COOKIE_NAME]; "
        "print(r.status_code, s.SESSION_COOKIE_NAME, c.key, c['secure'], c['httponly'], c['path'], repr(c['domain']), "
        "s.SESSION_COOKIE_SECURE, 'Forgot' in r.content.decode())"
    )
    environment = production(VAR_DIR=str(tmp_path), DATABASE_URL=f"sqlite:///{tmp_path / 'x.sqlite3'}")
    done = manage("shell", "--no-imports", "-c", asked, environment=environment)
    assert done.stdout.split() == ["200", "__Host-session", "__Host-csrf", "True", "True", "/", "''", "True", "True"], (
        done.stderr
    )
