"""The portal's commands as processes of a benchmark, and what they use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def process(command: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "manage.py", command], env={**os.environ, **more},
                               stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _family(pid: int) -> list[int]:
    children = [int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()]
    return [pid, *(each for child in children for each in _family(child))]


def cpu(pid: int) -> float:
    stats = [Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split() for each in _family(pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Proportional set size: what processes share counts once."""
    return (
        sum(
            int(line.split()[1])
            for each in _family(pid)
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            if line.startswith("Pss:")
        )
        / 1024
    )
