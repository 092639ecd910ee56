from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.consents.anchors import Anchor
from portal.consents.check import ChainBroken, check
from portal.consents.heads import seal_anew
from portal.models import Tenant

HEAD = re.compile(r"(?P<tenant>[^:]+):(?P<number>[1-9][0-9]{0,17}):(?P<hash>[0-9a-f]{64})")


class Command(BaseCommand):
    help = (
        "Checks the proof of consents: every record, the end of the chain, and the ends that were noted every day. "
        "Keep the printed lines (tenant:number:fingerprint) elsewhere, and give them to a later check with --head."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenants", nargs="*", metavar="tenant", help="Short names of tenants; all without any.")
        parser.add_argument("--head", action="append", default=[], help="A line that was printed earlier.")
        parser.add_argument(
            "--seal", action="store_true",
            help="Afterwards, seal the heads of the named tenants anew: once you know why a seal is broken.",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        kept = [_read(each) for each in options["head"]]
        tenants = _chosen({*options["tenants"], *(slug for slug, _anchor in kept)})
        if options["seal"] and not options["tenants"]:
            raise CommandError("Name the tenants whose heads are to be sealed anew.")
        wrong = [tenant.slug for tenant in tenants if not self._check(tenant, kept, seal=options["seal"])]
        if wrong:
            raise CommandError("Not in order: " + ", ".join(wrong))

    def _check(self, tenant: Tenant, kept: list[tuple[str, Anchor]], *, seal: bool) -> bool:
        if seal:
            seal_anew(tenant.pk)
        try:
            sound = check(tenant, [anchor for slug, anchor in kept if slug == tenant.slug])
        except ChainBroken as broken:
            self.stderr.write(f"{tenant.slug}: {broken}")
            return False
        if sound.head is None:
            self.stdout.write(f"{tenant.slug}: nothing recorded")
        else:
            self.stdout.write(f"{tenant.slug}:{sound.head.number}:{sound.head.hash}")
            self.stdout.write(f"  in order, {sound.emptied} without contents")
        return True


def _read(line: str) -> tuple[str, Anchor]:
    found = HEAD.fullmatch(line.strip())
    if found is None:
        raise CommandError(f"{line} is not of the form tenant:number:fingerprint.")
    return found["tenant"], Anchor(int(found["number"]), found["hash"], "the head that you kept")


def _chosen(slugs: set[str]) -> list[Tenant]:
    if not slugs:
        return list(Tenant.objects.order_by("slug"))
    found = list(Tenant.objects.filter(slug__in=slugs).order_by("slug"))
    if unknown := slugs - {tenant.slug for tenant in found}:
        raise CommandError("There is no tenant " + ", ".join(sorted(unknown)) + ".")
    return found
