"""Code of the tests in a process of its own, with the product's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def run_apart(
    module: str, call: str, *, url: str, folder: Path, timeout: float = 100, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Evaluates `call`, such as `main(4)`, in a module of the tests; fails with what it said when it ends badly."""
    given = {"DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": url, "VAR_DIR": str(folder), **environment}
    command = [sys.executable, "-c", f"import django; django.setup(); import {module} as module; module.{call}"]
    own = {**os.environ, **given}
    ended = subprocess.run(
        command, cwd=settings.BASE_DIR, env=own, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended
