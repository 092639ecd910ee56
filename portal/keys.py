"""Keys of an installation: read from the environment, or made once for a first local start.

Keys made here carry a mark, so that production settings can refuse them even when somebody copies one into the
environment (system checks portal.E001 and portal.E002).
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

LOCAL_MARK = "local-only-"
# The first bytes of every locally made encryption key, so that the mark survives base64.
LOCAL_KEY_BYTES = b"LOCALONLY"


def secret_from(environment: Mapping[str, str], name: str) -> str:
    """The secret `name`, or the content of the file that `<name>_FILE` names; empty when neither is set."""
    if path := environment.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names a file that cannot be read: {path} ({error.strerror})."
            ) from error
    return environment.get(name, "")


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
        return self._read_or_make("secret_key", lambda: LOCAL_MARK + secrets.token_urlsafe(50))

    def encryption_key(self) -> str:
        def make() -> str:
            return base64.urlsafe_b64encode(LOCAL_KEY_BYTES + os.urandom(32 - len(LOCAL_KEY_BYTES))).decode()

        return self._read_or_make("encryption_key", make)

    def _read_or_make(self, name: str, make: Callable[[], str]) -> str:
        path = self._directory / name
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Processes may start together: the content is complete before the name exists, and the first link wins.
            draft = self._directory / f".{name}.{secrets.token_hex(4)}"
            if not path.exists():
                draft.touch(mode=0o600)
                draft.write_text(make(), encoding="utf-8")
                try:
                    os.link(draft, path)
                except FileExistsError:
                    pass
                finally:
                    draft.unlink()
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"It cannot write to {self._directory}: {error.strerror}. Set VAR_DIR to a folder that it may write to."
            ) from error
