"""Backing up: into a folder of its own, which has its name only when everything in it is on the disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from django.conf import settings
from django.db import connection

from portal import __version__
from portal.backup import manifest, postgresql, sqlite
from portal.backup.manifest import BackupError, Manifest
from portal.models import Event
from portal.secrets import encrypted_fields


def tool() -> ModuleType:
    return sqlite if connection.vendor == "sqlite" else postgresql


def back_up(folder: Path, *, keys: bool) -> Manifest:
    """Writes database, manifest and, if asked, keys. Raises BackupError; then there is no folder of that name."""
    if folder.exists():
        raise BackupError(f"{folder} exists already. Give each backup a folder of its own.")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        draft.mkdir(mode=0o700, parents=True)
        made = _write(draft, keys=keys)
        _to_disk(draft)
        draft.rename(folder)
        _sync(folder.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The backup cannot be written to {folder}: {error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def _write(folder: Path, *, keys: bool) -> Manifest:
    dump = folder / tool().FILE
    os.close(os.open(dump, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    migrations, last = manifest.applied_migrations(), Event.objects.order_by("-pk").first()
    tool().dump(dump)
    if keys:
        _write_keys(folder / manifest.KEYS)
    made = Manifest(
        version=__version__,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        database=connection.vendor,
        file=dump.name,
        sha256=manifest.checksum(dump),
        migrations=migrations,
        keys_needed=sorted(keys_in_use()),
        last_event=last.pk if last else 0,
    )
    made.write(folder)
    return made


def keys_in_use() -> set[str]:
    """Ids of the keys under which secrets are stored."""
    stored = (
        secret
        for model, field in encrypted_fields()
        for secret in model._base_manager.values_list(field.attname, flat=True)
    )
    return {secret.key_id for secret in stored if secret}


def _write_keys(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name, text in (
        (manifest.SECRET_KEY, settings.SECRET_KEY),
        (manifest.ENCRYPTION_KEY, ",".join(settings.ENCRYPTION_KEYS)),
    ):
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")


def _to_disk(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
