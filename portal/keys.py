"""Keys of an installation, made once for a first local start when the environment gives none.

Keys made here carry a mark, so that production settings can refuse them even when somebody copies one into the
environment (system checks portal.E001 and portal.E002).
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

LOCAL_MARK = "local-only-"
# The first bytes of every locally made encryption key, so that the mark survives base64.
LOCAL_KEY_BYTES = b"LOCALONLY"


def new_local_secret_key() -> str:
    return LOCAL_MARK + secrets.token_urlsafe(50)


def is_local_secret_key(key: str) -> bool:
    return key.startswith(LOCAL_MARK)


def is_local_encryption_key(key: str) -> bool:
    try:
        return base64.urlsafe_b64decode(key).startswith(LOCAL_KEY_BYTES)
    except ValueError:
        return False


class KeyDirectory:
    """Keys in files that only their owner can read, made at first use."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def secret_key(self) -> str:
        return self._read_or_make("secret_key", new_local_secret_key)

    def encryption_key(self) -> str:
        def make() -> str:
            return base64.urlsafe_b64encode(LOCAL_KEY_BYTES + os.urandom(32 - len(LOCAL_KEY_BYTES))).decode()

        return self._read_or_make("encryption_key", make)

    def _read_or_make(self, name: str, make: Callable[[], str]) -> str:
        path = self._directory / name
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                self._make(path, make())
            return path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ImproperlyConfigured(
                f"It cannot write to {self._directory}: {why}. Set VAR_DIR to a folder that it may write to."
            ) from error

    def replace(self, name: str, key: str) -> None:
        """Puts a key in the place of the one that was made here. Processes that run keep the old one."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._directory / f".{name}.{secrets.token_hex(4)}"
        self._write(draft, key)
        draft.replace(self._directory / name)

    def _make(self, path: Path, key: str) -> None:
        """Processes may start together: the content is complete before the name exists, and the first link wins."""
        draft = self._directory / f".{path.name}.{secrets.token_hex(4)}"
        try:
            self._write(draft, key)
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def _write(self, path: Path, key: str) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())  # a key that is lost takes the secrets with it
