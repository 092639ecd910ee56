"""The web server of a benchmark: one granian, started as docs/operations.md says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

WORKERS, THREADS = 2, 4


@contextmanager
def granian(
    target: str,
    log: Path,
    *,
    threads: int = THREADS,
    python: Path | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[int, int]]:
    """The port and the process of a server that listens; `python` is another environment's interpreter."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = (python or Path(sys.executable)).with_name("granian")
    size = ["--workers", str(WORKERS), "--blocking-threads", str(threads)]
    command = [program, "--interface", "wsgi", "--no-ws", *size, "--host", "127.0.0.1", "--port", str(port), target]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=cwd, env={**os.environ, **(environment or {})})
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)
        errors = log.read_text()
        if "Traceback" in errors:
            print(errors[-2000:])
