from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.backup import BackupError, back_up
from portal.backup.manifest import KEYS


class Command(BaseCommand):
    help = (
        "Copies the database and the keys into a new folder, while everything runs. PostgreSQL needs its client tools "
        "(pg_dump) here, of the server's version or newer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="A folder that does not exist yet.")
        parser.add_argument("--without-keys", action="store_true", help="Leave the keys out; keep them elsewhere.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder, keys = options["folder"].absolute(), not options["without_keys"]
        try:
            made = back_up(folder, keys=keys)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{folder}: {made.database}, {len(made.migrations)} migrations, event {made.last_event}")
        if keys:
            said = (
                f"{folder / KEYS} holds the keys in the clear: whoever has this folder can read every stored secret. "
                "Move the keys to another place than the database, now."
            )
        else:
            said = "The keys are not in it. Without ENCRYPTION_KEYS, stored API keys and certificates are lost."
        self.stderr.write(self.style.WARNING(f"WARNING: {said}"))
