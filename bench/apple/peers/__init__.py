"""Other makers of passes, in a virtual environment of their own: their requirements are not ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import IO, cast

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"


def python() -> Path:
    """The peers' interpreter; made at the first call, in the folder of the portal's own environment."""
    home = Path(sys.prefix) / "bench-peers"
    made = home / "made"
    if not made.exists() or made.read_text() != REQUIREMENTS.read_text():
        print("Installing the peers …")
        venv.create(home, with_pip=True, clear=True)
        install = [home / "bin/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", REQUIREMENTS], check=True)
        made.write_text(REQUIREMENTS.read_text())
    return home / "bin/python"


class Peer:
    """A script of this folder that takes `name count` on a line and answers with the seconds that it took."""

    def __init__(self, script: str, folder: Path) -> None:
        command = [python(), HERE / script, folder]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def rate(self, name: str, count: int) -> float:
        """How many a second."""
        cast(IO[str], self._process.stdin).write(f"{name} {count}\n")
        return count / float(cast(IO[str], self._process.stdout).readline())

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
