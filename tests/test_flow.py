"""The tour over real sockets and processes: a points change reaches a phone, a consent goes there and back."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from integrations.demo.processes import DemoError, choose_ports
from tests.live import free_port

STOPS = ["ACTITO", "1 IN", "2 LEDGER", "3 CLAIM", "4 FETCH", "5 CUSTOMER", "6 PASS", "7 DELIVERY", "8 BACK", "IPHONE"]
OF_CONSENTS = ["DIDOMI", "SUBSCRIBED", "ACTITO", "WITHDRAWN"]


def run_demo(var: Path, port: int | str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if name not in {"PUBLIC_URL", "SANDBOX"}}
    environment = {**kept, "VAR_DIR": str(var), "PORT": str(port), "PYTHONUNBUFFERED": "1", **more}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "--once"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)


def printed_stops(ended: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"^  (\w[\w ]*?) {2,}\d\d:\d\d:\d\d", ended.stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.long
def test_a_points_change_in_actito_reaches_a_phone_and_a_second_start_reuses_what_is_there(
    tmp_path: Path, empty_database: str
) -> None:
    first = run_demo(tmp_path, free_port(), DATABASE_URL=empty_database)
    assert first.returncode == 0, first.stdout + first.stderr
    printed = printed_stops(first)
    assert [name for name in printed if name != "ANDROID"] == STOPS + OF_CONSENTS
    assert "ANDROID" in printed
    state = json.loads((tmp_path / "demo.json").read_text())
    assert {"base_url", "tenant", "api_key", "admin", "actito", "didomi", "apple"} <= set(state)
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0

    second = run_demo(tmp_path, free_port(), DATABASE_URL=empty_database)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Reading 0 new profiles" in second.stdout
    assert "Comparing" in first.stdout
    assert "Comparing" not in second.stdout
    assert printed_stops(second)[-4:] == OF_CONSENTS
    again = json.loads((tmp_path / "demo.json").read_text())
    for name in ("api_key", "admin", "apple"):
        assert again[name] == state[name]
    for name in ("organization_id", "api_key", "api_secret", "webhook_key"):
        assert again["didomi"][name] == state["didomi"][name]
    assert again["didomi"]["base_url"].startswith("http://127.0.0.1:")


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_demo(tmp_path, port)
    assert ended.returncode == 1
    assert f"Port {port} is in use." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_folder_without_write_permission_is_told_in_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    ended = run_demo(blocked / "var", free_port())
    assert ended.returncode != 0
    assert "It cannot write to" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_none_is_told_in_one_sentence(tmp_path: Path) -> None:
    ended = run_demo(tmp_path, "abc")
    assert ended.returncode == 1
    assert "PORT must be a number from 1 to 65535, not “abc”." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["", "0", "80000", "-5", "8000.0", "٨٠٠٠"])
def test_only_a_number_from_1_to_65535_is_a_port(port: str) -> None:
    with pytest.raises(DemoError, match=f"not “{re.escape(port)}”"):
        choose_ports(port)


def test_a_second_demo_of_one_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    with (tmp_path / "demo.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = run_demo(tmp_path, free_port())
    assert ended.returncode == 1
    assert "A demo is running in" in ended.stderr
    assert "Traceback" not in ended.stderr
