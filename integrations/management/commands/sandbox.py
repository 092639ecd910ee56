from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.actito.sandbox import ActitoSandbox
from integrations.demo.people import seed_actito, seed_didomi
from integrations.didomi.sandbox import DidomiSandbox
from passes.apple.sandbox import AppleSandbox
from passes.google.sandbox import GoogleSandbox


class Command(BaseCommand):
    help = "Runs local stand-ins for Actito, Didomi, Apple and Google, with virtual phones. See docs/sandbox.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--actito-port", type=int, default=8001)
        parser.add_argument("--apns-port", type=int, default=8002)
        parser.add_argument("--phones-port", type=int, default=8003)
        parser.add_argument("--google-port", type=int, default=8004)
        parser.add_argument("--didomi-port", type=int, default=8005)
        parser.add_argument(
            "--state", type=Path, default=settings.VAR_DIR / "sandbox", help="Where it keeps its state."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("The sandbox is switched off. Set SANDBOX=true to rehearse on this installation.")
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        state: Path = options["state"]
        state.mkdir(parents=True, exist_ok=True)
        try:
            actito = ActitoSandbox(state / "actito.json", port=options["actito_port"])
            apple = AppleSandbox(state / "apple", apns_port=options["apns_port"], control_port=options["phones_port"])
            google = GoogleSandbox(state / "google.json", port=options["google_port"])
            didomi = DidomiSandbox(state / "didomi.json", port=options["didomi_port"])
        except OSError as error:
            raise CommandError(f"The sandbox cannot start: {error.strerror or error}.") from error
        seed_actito(actito)
        seed_didomi(didomi)
        for each in (actito, apple, google, didomi):
            each.start()
        self.stdout.write(
            f"Actito        {actito.url}\nApple's push  {apple.apns.url}\niPhones       {apple.control_url}\n"
            f"Google        {google.url}\nDidomi        {didomi.url}"
        )
        stop.wait()
        for each in (didomi, google, apple, actito):
            each.stop()
