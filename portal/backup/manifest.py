"""What a backup's folder holds, and whether it is all there and fits this version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

FILE = "manifest.json"
KEYS = "keys"
# As portal.keys names them; of several encryption keys, the newest first.
SECRET_KEY, ENCRYPTION_KEY = "secret_key", "encryption_key"
_CHUNK = 1 << 20


class BackupError(Exception):
    """It cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    version: str
    made_at: str  # ISO 8601
    database: str  # the vendor: postgresql or sqlite
    file: str  # the dump's name in the folder
    sha256: str
    migrations: list[str]  # "portal.0001_initial"
    keys_needed: list[str]  # ids of the keys under which secrets are stored
    last_event: int  # every event that was committed up to this number is in the dump

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Raises BackupError for a folder that holds no backup, or a damaged one."""
    try:
        found = Manifest(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{folder} holds no backup: its {FILE} cannot be read.") from error
    try:
        intact = checksum(folder / found.file) == found.sha256
    except OSError as error:
        raise BackupError(f"{folder / found.file} cannot be read: {error.strerror}.") from error
    if not intact:
        raise BackupError(f"{folder / found.file} is damaged: its checksum is not the manifest's.")
    return found


def check_fits(given: Manifest) -> None:
    """Raises BackupError when this installation cannot hold the backup."""
    if given.database != connection.vendor:
        raise BackupError(
            f"The backup is of {given.database}, but DATABASE_URL names {connection.vendor}. Restore it to its like."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if newer := sorted(set(given.migrations) - known):
        raise BackupError(
            f"The backup was made by version {given.version}, which has migrations that this one has not "
            f"({', '.join(newer[:3])}). Restore it with that version or a later one."
        )


def applied_migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
