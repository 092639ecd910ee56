"""Runs a command that must not outlive its parent: `python -m portal.lifeline COMMAND…`.

The parent holds the writing end of a pipe whose reading end is this process's standard input. When the parent is gone,
however it went, the pipe closes, and the command ends with its whole process group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

GRACE_SECONDS = 20.0


def run(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def pass_on(signum: int, frame: FrameType | None) -> None:
        child.terminate()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, pass_on)
    threading.Thread(target=_watch, args=(child,), daemon=True).start()
    return child.wait()


def _watch(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    child.terminate()
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
