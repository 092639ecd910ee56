"""Backup and restore: the database, the keys beside it, and a manifest of both (docs/operations.md)."""

from portal.backup.manifest import BackupError
from portal.backup.restoring import in_use, is_empty, restore
from portal.backup.saving import back_up

__all__ = ["BackupError", "back_up", "in_use", "is_empty", "restore"]
