"""The demo's processes: sandbox, web server and worker, started in order and all stopped together."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

HOST = "127.0.0.1"
HIGHEST_PORT = 65535
START_SECONDS = 30.0
STOP_SECONDS = 25.0


class DemoError(Exception):
    """Why the demo cannot go on, in one sentence."""


@dataclass(frozen=True)
class Ports:
    web: int
    actito: int
    apns: int
    phones: int
    google: int
    didomi: int

    def base_url(self) -> str:
        return f"http://{HOST}:{self.web}"


def choose_ports(wanted: str) -> Ports:
    """The web port as asked for; the others follow from it, or are free. Raises DemoError when it cannot be had."""
    if not (wanted.isascii() and wanted.isdigit() and 0 < int(wanted) <= HIGHEST_PORT):
        raise DemoError(f"PORT must be a number from 1 to {HIGHEST_PORT}, not “{wanted}”.")
    web = int(wanted)
    try:
        _try_port(web)
    except PermissionError:
        raise DemoError(f"Port {web} may not be used by you. Choose a higher one: make demo PORT=8000.") from None
    except OSError:
        raise DemoError(f"Port {web} is in use. Stop what uses it, or choose another: make demo PORT=9000.") from None
    return Ports(web, *(_free_port(web + step) for step in (1, 2, 3, 4, 5)))


def _try_port(port: int) -> None:
    """Raises OSError for a port that cannot be had."""
    with socket.socket() as probe:
        # Without SO_REUSEPORT, so that a web server which shares its port is noticed too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))


def _free_port(wanted: int) -> int:
    if wanted <= HIGHEST_PORT:
        with contextlib.suppress(OSError):
            _try_port(wanted)
            return wanted
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        if (code := self.popen.poll()) is not None:
            tail = self.log.read_text(errors="replace").strip().splitlines()[-5:]
            raise DemoError(f"The {self.name} stopped with code {code}. Its log, {self.log}, ends:\n" + "\n".join(tail))


@contextlib.contextmanager
def running(commands: dict[str, tuple[list[str], int | None]]) -> Iterator[list[Process]]:
    """Starts each command, waits until its port answers, and stops all of them at the end, in reverse order."""
    started: list[Process] = []
    try:
        for name, (command, port) in commands.items():
            process = _start(name, command)
            started.append(process)
            if port:
                _wait_for(process, port)
        yield started
    finally:
        _stop(started)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two demos of one folder would share a database and turn each other's connections. Raises DemoError."""
    with (settings.VAR_DIR / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"A demo is running in {settings.VAR_DIR} already. Stop it first, or set VAR_DIR."
            ) from None
        yield


def _start(name: str, command: list[str]) -> Process:
    log = settings.VAR_DIR / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, "-m", "portal.lifeline", *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
            start_new_session=True,  # Ctrl-C reaches the demo only, which then stops the others in order
        )
    return Process(name, popen, log)


def _wait_for(process: Process, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        process.check()
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise DemoError(
        f"The {process.name} did not answer on port {port} within {START_SECONDS:.0f} s: see {process.log}."
    )


def _stop(processes: list[Process]) -> None:
    for process in reversed(processes):
        with contextlib.suppress(ProcessLookupError):
            process.popen.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in reversed(processes):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.popen.wait(max(0.1, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.popen.pid, signal.SIGKILL)


def commands(ports: Ports) -> dict[str, tuple[list[str], int | None]]:
    """Name -> (command, port that shows that it is up)."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    chosen = [f"--actito-port={ports.actito}", f"--apns-port={ports.apns}", f"--phones-port={ports.phones}"]
    chosen += [f"--google-port={ports.google}", f"--didomi-port={ports.didomi}"]
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", HOST]
    granian += ["--workers", "2", "--blocking-threads", "4", "--no-ws"]
    return {
        "sandbox": ([*manage, "sandbox", *chosen], ports.didomi),
        "web": (
            [*granian, "--port", str(ports.web), "portal.wsgi:application"],
            ports.web,
        ),
        "worker": ([*manage, "worker"], None),
    }
