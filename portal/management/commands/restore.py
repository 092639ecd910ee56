from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import readiness
from portal.backup import BackupError, in_use, is_empty, restore


class Command(BaseCommand):
    help = (
        "Replaces the whole database by a backup. Stop web processes and workers first. ENCRYPTION_KEYS must hold the "
        "backup's keys; outside of production, keys in the backup take the place of those in VAR_DIR/keys."
    )
    requires_system_checks = ()  # the database may have no tables yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="What `backup` made.")
        parser.add_argument(
            "--yes", action="store_true", help="Also when the database holds something: ALL OF IT GOES."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if in_use():
            raise CommandError("A worker is running on this database. Stop all workers and web processes first.")
        if not options["yes"] and not is_empty():
            raise CommandError("The database is not empty. With --yes, ALL THAT IS IN IT IS REPLACED.")
        folder = options["folder"].absolute()
        try:
            found, unreadable = restore(folder)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored what version {found.version} saved at {found.made_at}, up to event {found.last_event}."
        )
        if unreadable:
            listed = "\n".join(f"  {sentence}" for sentence in unreadable)
            raise CommandError(f"These secrets cannot be read with the keys at hand; enter them anew:\n{listed}")
        self.stdout.write(
            "All stored secrets can be read. What was running then is tried again once its lease is over."
        )
        if readiness.migrations().state is not readiness.State.OK:
            self.stdout.write("The backup is of an older version: run manage.py migrate before anything is started.")
