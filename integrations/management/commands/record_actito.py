from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.actito.models import ActitoConnection
from integrations.actito.recording import Exchange, record


class Command(BaseCommand):
    help = "Writes what a connection's Actito answers to files, without anybody's data. See docs/record-a-licence.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", help="The connection's name, or the number in the address of its page.")
        parser.add_argument("folder", type=Path, help="Where the files go; made if it is not there.")
        parser.add_argument("--tenant", help="Its tenant ID, where several tenants have a connection of this name.")
        parser.add_argument("--profile", default="", help="A profile to read: its id, or attribute=value.")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = _found(options["connection"], options["tenant"])
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.glob("*.json")):
            raise CommandError(f"{folder} holds recordings already. Name another folder.")
        kept: list[str] = []

        def keep(exchange: Exchange) -> None:
            kept.append(f"{len(kept) + 1:02}-{exchange.step}.json")
            (folder / kept[-1]).write_text(exchange.written(), encoding="utf-8")

        for told in record(connection, options["profile"], keep):
            self.stdout.write(f"{told.step:16} {told.problem or 'read'}")
        self.stdout.write(f"{len(kept)} files in {folder}. Look through them before you give them to anybody.")


def _found(name: str, tenant: str | None) -> ActitoConnection:
    """Raises CommandError."""
    found = ActitoConnection.objects.filter(**({"pk": name} if name.isdecimal() else {"name": name}))
    found = found.filter(tenant__slug=tenant) if tenant else found
    rows = list(found[:2])
    if len(rows) == 1:
        return rows[0]
    raise CommandError(f"There {'are several connections' if rows else 'is no connection'} named {name}.")
