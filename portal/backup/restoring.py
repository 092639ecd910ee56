"""Restoring: everything is looked at before anything is replaced; afterwards each stored secret is read once."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from portal.backup import manifest
from portal.backup.manifest import BackupError, Manifest
from portal.backup.saving import tool
from portal.keys import KeyDirectory
from portal.models import Tenant
from portal.secrets import SecretError, ciphers, encrypted_fields
from portal.watch.hearts import is_alive, newest_beat


def restore(folder: Path) -> tuple[Manifest, list[str]]:
    """Replaces the database by the backup's; returns its manifest and the secrets that cannot be read.

    Raises BackupError before anything was changed, save when PostgreSQL itself fails in the middle.
    """
    found = manifest.read(folder)
    manifest.check_fits(found)
    local = _local_keys_of(folder)
    if local:
        settings.ENCRYPTION_KEYS = [local[manifest.ENCRYPTION_KEY]]  # of this process, which ends with the restore
    _check_keys(folder, found)
    tool().load(folder / found.file)
    for name, key in local.items():
        KeyDirectory(settings.VAR_DIR / "keys").replace(name, key)
    return found, unreadable_secrets()


def is_empty() -> bool:
    """Whether nobody has used the database: no tables yet, or no tenant in them."""
    if Tenant._meta.db_table not in connection.introspection.table_names():
        return not connection.introspection.table_names()
    return not Tenant.objects.exists()


def in_use() -> bool:
    """Whether a worker works on it right now."""
    try:
        return is_alive(newest_beat(), timezone.now())
    except DatabaseError:  # no such table yet
        connection.close()
        return False


def unreadable_secrets() -> list[str]:
    """What the keys at hand do not open, a sentence each."""
    found = []
    for model, field in encrypted_fields():
        rows = model._base_manager.exclude(**{f"{field.attname}__isnull": True}).only(
            "pk", field.bound_to, field.attname
        )
        for row in rows.order_by("pk").iterator():
            try:
                getattr(row, field.attname)
            except SecretError as error:
                found.append(f"{model._meta.label} {row.pk}: {error}")
    return found


def _local_keys_of(folder: Path) -> dict[str, str]:
    """Where keys are made on the machine itself, the backup's take their place: name -> key.

    Such an installation has one key of each; where the backup has several, they are to be set by hand.
    """
    beside = folder / manifest.KEYS
    if not settings.KEYS_MADE_HERE or not beside.is_dir():
        return {}
    names = (manifest.SECRET_KEY, manifest.ENCRYPTION_KEY)
    read = {name: (beside / name).read_text(encoding="utf-8").strip() for name in names}
    return {} if "," in read[manifest.ENCRYPTION_KEY] else read


def _check_keys(folder: Path, found: Manifest) -> None:
    missing = sorted(set(found.keys_needed) - ciphers().keys())
    if missing:
        beside = folder / manifest.KEYS / manifest.ENCRYPTION_KEY
        where = f"It is in {beside}. " if beside.exists() else ""
        raise BackupError(
            f"Secrets of the backup are stored under the key {', '.join(missing)}, which is not in ENCRYPTION_KEYS. "
            f"{where}Set it, then restore again; nothing was changed."
        )
