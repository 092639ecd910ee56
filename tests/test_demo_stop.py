"""However the demo ends, it leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.live import free_port

pytestmark = pytest.mark.slow
SERVES = "The portal serves on"


def processes_of(var: Path) -> list[int]:
    """Living processes that were started for this data folder."""
    mark = f"VAR_DIR={var}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture
def demo(tmp_path: Path, own_database: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that serves."""
    kept = {name: text for name, text in os.environ.items() if name not in {"PUBLIC_URL", "SANDBOX"}}
    environment = {**kept, "VAR_DIR": str(tmp_path), "PORT": str(free_port()), "DATABASE_URL": own_database}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if SERVES in line:
            break
    yield process
    process.kill()
    for pid in processes_of(tmp_path):
        os.kill(pid, signal.SIGKILL)
    process.stdout.close()


def none_left(var: Path, within: float) -> bool:
    deadline = time.monotonic() + within
    while processes_of(var):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_no_process_is_left_behind(demo: subprocess.Popen[str], tmp_path: Path, how: signal.Signals, code: int) -> None:
    assert len(processes_of(tmp_path)) > 6
    demo.send_signal(how)
    assert demo.wait(60) == code
    assert none_left(tmp_path, within=40), f"still there: {processes_of(tmp_path)}"
