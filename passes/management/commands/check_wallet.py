from __future__ import annotations

from argparse import BooleanOptionalAction
from pathlib import Path
from typing import Any

from cryptography import x509
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from passes.apple.authorities import PKI
from passes.apple.sandbox.conformance import Finding, Probe, check_card, check_service
from passes.apple.sandbox.webservice import Network

CARD_LIMIT = 50 * 1024 * 1024


class Command(BaseCommand):
    help = (
        "Checks a .pkpass, and the web service that it names, against Apple's rules, whoever runs them: as a phone "
        "that registers, asks, fetches and unregisters. Ends with 1 when a rule is broken. See docs/sandbox.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("card", type=Path, help="A .pkpass file.")
        parser.add_argument(
            "--root", type=Path, default=PKI / "AppleRootCA.pem", help="The certificate to trust, as PEM: Apple's."
        )
        parser.add_argument("--service", default=True, action=BooleanOptionalAction, help="Ask the web service too.")
        parser.add_argument(
            "--allow-http", default=settings.SANDBOX, action=BooleanOptionalAction, help="As on a rehearsal."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        root = _root(options["root"])
        card, findings = check_card(_read(options["card"]), root, allow_http=options["allow_http"])
        broken = self._tell("The card", findings)
        if card is not None and options["service"]:
            if "webServiceURL" in card.document:
                probe = Probe(card, root, Network(), allow_http=options["allow_http"])
                broken += self._tell(f"Its web service, {probe.card.url}", check_service(probe))
            else:
                self.stdout.write("\nThe card names no web service: it never changes.")
        if broken:
            raise CommandError(f"{broken} rules are broken." if broken > 1 else "1 rule is broken.")
        self.stdout.write("\nAll rules are kept.")

    def _tell(self, about: str, findings: Any) -> int:
        """How many are broken. Each is told as soon as it is known."""
        self.stdout.write(f"\n{about}")
        broken = 0
        for finding in findings:
            self.stdout.write(_line(finding))
            broken += bool(finding.broken)
        return broken


def _line(finding: Finding) -> str:
    if finding.notice:
        return f"  ! {finding.notice}"
    return f"  ✗ {finding.rule} {finding.broken}" if finding.broken else f"  ✓ {finding.rule}"


def _root(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no certificate in PEM.") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(CARD_LIMIT + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > CARD_LIMIT:
        raise CommandError(f"{path} is larger than {CARD_LIMIT // 1024 // 1024} MB.")
    return data
