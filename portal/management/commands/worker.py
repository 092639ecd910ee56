from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal import queue
from portal.supervisor import Supervisor, watch_lifeline


class Command(BaseCommand):
    help = "Runs the workers that do what the ledger holds. Start one or more, on one host or many."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cluster", action="store_true", help="Used by the worker itself for its child process.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["cluster"]:
            queue.run_cluster(in_every_process=watch_lifeline)
        else:
            Supervisor(settings.WORKER_PROCESSES).run()
