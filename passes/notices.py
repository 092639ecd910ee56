"""What phones report, kept on the pass that it is about, and told to staff in plain words.

Anybody may call the log. So a line counts only where it names a pass of ours by its serial number, which nobody can
guess; the answer is always the same; a pass has one row for each kind of report, and takes so many writes a second.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from passes.apple.phone_log import Kind, Report
from passes.models import PhoneNotice, WalletPass
from portal.rate import Buckets
from portal.retention import repeated
from portal.retention.registry import Step, Window

# Of one pass in one process: a second, and at once.
WRITES, BURST = 1, 10
_buckets = Buckets()


def keep(reports: Sequence[Report]) -> None:
    """Counts the reports on the passes that they name; those about nobody's pass are left out."""
    passes = _passes({number for report in reports if (number := _number(report.serial))})
    newest = {(pk, report.kind): report for report in reports if (pk := _about(report, passes))}
    times = Counter((pk, report.kind) for report in reports if (pk := _about(report, passes)))
    let_in = {pk for pk in {pk for pk, _kind in newest} if not _buckets.take(pk, WRITES, BURST)}
    if not let_in:
        return
    with transaction.atomic():
        # In one order, so that two reports never wait for each other.
        for pk, kind in sorted(key for key in newest if key[0] in let_in):
            _count(pk, newest[pk, kind], times[pk, kind], timezone.now())


def _count(pk: int, report: Report, times: int, now: datetime) -> None:
    row = PhoneNotice.objects.filter(wallet_pass=pk, kind=report.kind)
    seen = {"text": report.text, "last_at": now}
    if row.update(times=F("times") + times, **seen):
        return
    made = PhoneNotice(wallet_pass_id=pk, kind=report.kind, times=times, first_at=now, **seen)
    # Where another process has just made it, that row stands for both.
    PhoneNotice.objects.bulk_create([made], ignore_conflicts=True)


def _number(serial: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(serial)
    except ValueError:
        return None


def _passes(serials: set[uuid.UUID]) -> dict[uuid.UUID, tuple[int, str]]:
    """Key and pass type, by serial number."""
    if not serials:
        return {}
    found = WalletPass.objects.filter(serial_number__in=serials, template__apple__isnull=False)
    rows = found.values_list("serial_number", "pk", "template__apple__pass_type_identifier")
    return {serial: (pk, pass_type) for serial, pk, pass_type in rows}


def _about(report: Report, passes: dict[uuid.UUID, tuple[int, str]]) -> int:
    """The key of the pass; 0 where it is nobody's, or the line contradicts itself."""
    number = _number(report.serial)
    pk, pass_type = passes.get(number, (0, "")) if number else (0, "")
    return pk if report.pass_type in {"", pass_type} else 0


Words = str | Promise


@dataclass(frozen=True)
class Told:
    """A kind of report as staff read it. `grave`: the card on that phone does not follow."""

    said: Words
    to_do: Words
    grave: bool = False


WORDS = {
    Kind.REFUSED: Told(
        _("The phone was refused: it holds another copy of this card, or one from before it was made anew."),
        _("Have its owner remove the card and add it again from its page."),
        grave=True,
    ),
    Kind.INVALID: Told(
        _("The phone did not take the new card and keeps showing the old one."),
        _("Look at the errors of the template, and whether the certificate is still valid."),
        grave=True,
    ),
    Kind.REGISTER: Told(
        _("The phone could not register, so it does not hear of changes."),
        _("It tries again by itself. If several phones say so, see whether the portal can be reached from outside."),
        grave=True,
    ),
    Kind.FETCH: Told(
        _("The phone could not fetch the changed card."),
        _("It tries again by itself. If it stays, look at the errors of the template and its certificate."),
        grave=True,
    ),
    Kind.UNREGISTER: Told(
        _("The card was removed from a phone that could not tell us so."),
        _("Nothing to do: Apple says so at one of the next pushes."),
    ),
    Kind.UNCHANGED: Told(
        _("The phone asked for a change and found none."), _("Nothing to do: what it shows is right.")
    ),
    Kind.CONDITION: Told(
        _("The phone was sent a card that it already had."), _("Nothing to do: what it shows is right.")
    ),
    Kind.UNREGISTERED: Told(
        _("The phone heard of a change of this card, which it no longer has."),
        _("Nothing to do: Apple says so at one of the next pushes."),
    ),
    Kind.OTHER: Told(
        _("The phone reported something that the portal does not know."), _("The phone's own words may help.")
    ),
}


@dataclass(frozen=True)
class Shown:
    notice: PhoneNotice
    told: Told


def shown(wallet_pass: WalletPass) -> list[Shown]:
    """Newest first; there are as many as kinds at most."""
    notices: Iterable[PhoneNotice] = wallet_pass.notices.all()
    return [Shown(notice, WORDS[Kind(notice.kind)]) for notice in notices if notice.kind in set(Kind)]


def below(before: datetime) -> int:
    """For portal.retention: reports that do not come again."""
    return repeated.end_of(PhoneNotice)


def batch(window: Window) -> Step | None:
    return repeated.step(PhoneNotice, window, tenant="wallet_pass__tenant_id", first="first_at")
