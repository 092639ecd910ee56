"""Starting with and without an environment, in processes of their own: what an installer gets right and wrong."""

from __future__ import annotations

import base64
import os
import re
import runpy
import secrets
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from portal.checks import check_keys, check_public_url

OWN_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
PRODUCTION = {
    "PRODUCTION": "true",
    "PUBLIC_URL": "https://wallet.example.com",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ENCRYPTION_KEYS": OWN_KEY,
    "BEHIND_PROXY": "true",
    "PROXY_COUNT": "1",
    "EMAIL_URL": "smtp+tls://portal:password@mail.example.com:587",
    "DATABASE_URL": "postgres://portal:geheim@db.example.com/portal",
}


def start(var: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with nothing in the environment but these variables."""
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(var), **variables}
    return subprocess.run(
        [sys.executable, *command],
        env={name: text for name, text in environment.items() if text},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def check(var: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return start(var, "manage.py", "check", *more, **variables)


def load_settings(var: Path, **variables: str) -> dict[str, Any]:
    """The settings as this environment makes them, read in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {"PATH": os.environ["PATH"], "VAR_DIR": str(var), **variables})
        return runpy.run_path(str(settings.BASE_DIR / "portal" / "settings.py"))


def keys_in(var: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (var / "keys").iterdir()}


# A first start


def test_a_first_start_makes_its_keys_once_even_with_eight_processes_at_once(tmp_path: Path) -> None:
    script = "from portal import settings; print(settings.SECRET_KEY, *settings.ENCRYPTION_KEYS)"
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: start(tmp_path / "new" / "var", "-c", script), range(8)))
    assert {each.returncode for each in ended} == {0}
    assert len({each.stdout for each in ended}) == 1
    assert set(keys_in(tmp_path / "new" / "var")) == {"secret_key", "encryption_key"}
    for path in (tmp_path / "new" / "var" / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = load_settings(tmp_path / "new" / "var")
    assert [again["SECRET_KEY"], *again["ENCRYPTION_KEYS"]] == ended[0].stdout.split()


def test_a_first_start_passes_the_checks(tmp_path: Path) -> None:
    ended = check(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout


# Production


def test_production_without_keys_is_told_what_to_set(tmp_path: Path) -> None:
    ended = check(tmp_path, **{**PRODUCTION, "SECRET_KEY": "", "ENCRYPTION_KEYS": ""})
    assert ended.returncode == 1
    assert "portal.E001" in ended.stderr
    assert "portal.E002" in ended.stderr
    assert ended.stderr.count("HINT: Set") == 2
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "keys").exists()


def test_production_refuses_copied_local_keys(tmp_path: Path) -> None:
    load_settings(tmp_path)
    made = keys_in(tmp_path)
    copied = {"SECRET_KEY": made["secret_key"], "ENCRYPTION_KEYS": f"{OWN_KEY},{made['encryption_key']}"}
    ended = check(tmp_path, **{**PRODUCTION, **copied})
    assert ended.returncode == 1
    assert "portal.E001" in ended.stderr
    assert "portal.E002" in ended.stderr
    for key in made.values():
        assert key not in ended.stderr


@pytest.mark.parametrize("key", ["short", "k" * 44, OWN_KEY[:-2], f"{OWN_KEY},x", base64.b64encode(b"k" * 16).decode()])
def test_an_encryption_key_of_another_length_is_refused(tmp_path: Path, key: str) -> None:
    with override_settings(ENCRYPTION_KEYS=load_settings(tmp_path, ENCRYPTION_KEYS=key)["ENCRYPTION_KEYS"]):
        assert [message.id for message in check_keys()] == ["portal.E003"]


def test_the_web_application_refuses_to_start_without_keys(tmp_path: Path) -> None:
    ended = start(tmp_path, "-c", "import portal.wsgi", PRODUCTION="true", PUBLIC_URL="https://wallet.example.com")
    assert ended.returncode == 1
    assert "portal.E001: Production needs a SECRET_KEY of its own." in ended.stderr
    assert "portal.E002: Production needs ENCRYPTION_KEYS of its own." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_web_application_starts_with_keys(tmp_path: Path) -> None:
    ended = start(tmp_path, "-c", "import portal.wsgi", **PRODUCTION)
    assert ended.returncode == 0, ended.stderr


def test_the_web_application_tells_of_a_wrong_setting_in_one_sentence(tmp_path: Path) -> None:
    ended = start(tmp_path, "-c", "import portal.wsgi", PRODUCTION="ture")
    assert ended.returncode == 1
    assert ended.stderr == "The portal cannot start: PRODUCTION must be true or false, not “ture”.\n"


def test_sensible_production_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    ended = check(tmp_path, "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://wallet.example.com", ""),
        ("https://wallet.example.com/", ""),
        ("http://wallet.example.com", "portal.E005"),
        ("wallet.example.com", "portal.E004"),
        ("https://", "portal.E004"),
        ("https://[bad", "portal.E004"),
        ("https://wallet.example.com:port", "portal.E004"),
        ("https://user:word@wallet.example.com", "portal.E004"),
        ("https://wallet.example.com?a=b", "portal.E004"),
        ("ftp://wallet.example.com", "portal.E004"),
    ],
)
def test_the_public_address_is_checked(address: str, found: str) -> None:
    with override_settings(PUBLIC_URL=address, SANDBOX=False):
        assert [message.id for message in check_public_url()] == ([found] if found else [])


# Secrets in files


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    for name, text in {"secret": "from-a-file\n", "encryption": f"{OWN_KEY}\n"}.items():
        (tmp_path / name).write_text(text)
    read = load_settings(
        tmp_path, SECRET_KEY_FILE=str(tmp_path / "secret"), ENCRYPTION_KEYS_FILE=str(tmp_path / "encryption")
    )
    assert (read["SECRET_KEY"], read["ENCRYPTION_KEYS"]) == ("from-a-file", [OWN_KEY])


def test_the_database_address_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("postgres://portal:geheim@db.example.com/portal\n")
    read = load_settings(tmp_path, DATABASE_URL_FILE=str(tmp_path / "database"))
    assert read["DATABASES"]["default"]["HOST"] == "db.example.com"


WRONG = [
    ("PRODUCTION", "maybe", "PRODUCTION must be true or false"),
    ("SANDBOX", "2", "SANDBOX must be true or false"),
    ("CONN_MAX_AGE", "long", "CONN_MAX_AGE must be a whole number"),
    ("WORKER_THREADS", "0", "WORKER_THREADS must be a whole number, 1 or more"),
    ("LEASE_SECONDS", "-1", "LEASE_SECONDS must be a number of seconds"),
    ("HEART_SECONDS", "nan", "HEART_SECONDS must be a number of seconds"),
    ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of"),
    ("SECRET_KEY_FILE", "/nowhere/key", "SECRET_KEY_FILE names a file that cannot be read: /nowhere/key"),
    ("SECRET_KEY_FILE", "/", "SECRET_KEY_FILE names a file that cannot be read"),
    ("SECRET_KEY_FILE", sys.executable, "SECRET_KEY_FILE names a file that is not text"),
    ("DATABASE_URL", "portal", "DATABASE_URL must begin with postgres://"),
    ("DATABASE_URL", "mysql://root:geheim@db/portal", "DATABASE_URL must begin with postgres://"),
    ("DATABASE_URL", "sqlite://:memory:", "DATABASE_URL must begin with postgres://"),
    ("DATABASE_URL", "postgres://u:geheim@db:port/portal", "DATABASE_URL is not a database address"),
    ("DATABASE_URL", "postgres://u:geheim@[db/portal", "DATABASE_URL is not a database address"),
    ("DATABASE_URL", "postgres://u:geheim@db", "DATABASE_URL names no database"),
    ("VAR_DIR", "/dev/null/var", "Set VAR_DIR to a folder that it may write to."),
]


@pytest.mark.parametrize(("name", "text", "sentence"), WRONG, ids=[f"{row[0]}={row[1][:20]}" for row in WRONG])
def test_a_wrong_setting_is_told_in_one_sentence(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as told:
        load_settings(tmp_path, **{name: text})
    assert sentence in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert "geheim" not in str(told.value)


def test_the_command_line_tells_of_a_wrong_setting_in_one_sentence(tmp_path: Path) -> None:
    ended = check(tmp_path, CONN_MAX_AGE="long")
    assert ended.returncode == 1
    assert ended.stderr == "The portal cannot start: CONN_MAX_AGE must be a whole number, 0 or more, not “long”.\n"


def test_a_secret_that_is_set_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY and SECRET_KEY_FILE are both set"):
        load_settings(tmp_path, SECRET_KEY="a", SECRET_KEY_FILE="/b")


def test_production_takes_its_host_from_the_public_address(tmp_path: Path) -> None:
    assert load_settings(tmp_path, **PRODUCTION)["ALLOWED_HOSTS"] == ["wallet.example.com"]
    assert load_settings(tmp_path, **PRODUCTION, ALLOWED_HOSTS="a.example, b.example")["ALLOWED_HOSTS"] == [
        "a.example",
        "b.example",
    ]


def test_production_is_strict_about_cookies_https_and_the_sandbox(tmp_path: Path) -> None:
    read = load_settings(tmp_path, **PRODUCTION)
    assert read["SESSION_COOKIE_SECURE"]
    assert read["CSRF_COOKIE_SECURE"]
    assert read["SECURE_SSL_REDIRECT"]
    assert not read["SANDBOX"]
    assert not read["DEBUG"]


# The list of settings


def test_every_variable_that_is_read_is_in_env_example() -> None:
    listed = set(re.findall(r"^#?([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    source = (settings.BASE_DIR / "portal" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    assert len(read) > 15
    assert read <= listed, f".env.example lacks {read - listed}"
    assert not listed - read - {"PORT", "PORTAL_STOP_FILE"}


def test_every_line_of_env_example_has_its_comment_before_it() -> None:
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z_]+=", line):
            assert re.match(r"# |#?[A-Z_]+=", lines[number - 1]), line
