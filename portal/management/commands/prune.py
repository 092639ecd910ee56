from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import retention
from portal.models import Tenant
from portal.retention import BATCH, Rule, Step


class Command(BaseCommand):
    help = (
        "Removes what is past its time (RETENTION_*_DAYS). Without --yes it only says what would go. It may be "
        "stopped at any moment, and run while web processes and workers do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        names = [rule.name for rule in retention.rules()]
        parser.add_argument("--yes", action="store_true", help="Remove it.")
        parser.add_argument("--class", dest="names", action="append", choices=names, help="Only this class.")
        parser.add_argument(
            "--batch", type=int, default=BATCH, metavar="ROWS", help=f"Rows of a transaction ({BATCH})."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch must be 1 or more.")
        chosen = [rule for rule in retention.rules() if rule.name in (options["names"] or [rule.name])]
        for rule in chosen:
            self._go_through(rule, removing=options["yes"], size=options["batch"])
        if not options["yes"]:
            self.stdout.write("Nothing was changed. With --yes it is removed.")

    def _go_through(self, rule: Rule, *, removing: bool, size: int) -> None:
        if not rule.days:
            self.stdout.write(f"{rule.name}: kept for good ({rule.setting}=0)")
            return
        tally = _Tally()
        steps = retention.prune(rule, size=size) if removing else retention.look_at(rule, size=size)
        try:
            with closing(steps):
                for step in steps:
                    tally.add(step)
                    self._show_progress(f"{rule.name}: {tally.rows.total()} rows, at key {step.upto}")
        except retention.Busy:
            raise CommandError(f"{rule.name}: another process is removing it right now.") from None
        except KeyboardInterrupt:
            self._report(rule, tally, "removed before you stopped it" if removing else "found before you stopped it")
            raise CommandError("Stopped. What was not reached stays; run it again to go on.") from None
        self._report(rule, tally, "removed" if removing else "would be removed")

    def _show_progress(self, said: str) -> None:
        """On one line of a terminal; a file gets the report only."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{said}\033[K", ending="")
            self.stdout.flush()

    def _report(self, rule: Rule, tally: _Tally, what: str) -> None:
        self._show_progress("")
        oldest = f", the oldest of {tally.oldest:%Y-%m-%d}" if tally.oldest else ""
        beginning = "\r" if self.stdout.isatty() else ""
        self.stdout.write(
            f"{beginning}{rule.name}, older than {rule.days} days: {tally.rows.total()} rows {what}{oldest}"
        )
        slugs = dict(Tenant.objects.filter(pk__in=tally.rows).values_list("pk", "slug"))
        for tenant_id, count in sorted(tally.rows.items(), key=lambda each: -each[1]):
            self.stdout.write(f"  {slugs.get(tenant_id, tenant_id)}: {count}")


class _Tally:
    """What the steps of a class add up to."""

    def __init__(self) -> None:
        self.rows: Counter[int] = Counter()
        self.oldest: datetime | None = None

    def add(self, step: Step) -> None:
        self.rows += step.removed
        if step.oldest and (self.oldest is None or step.oldest < self.oldest):
            self.oldest = step.oldest
