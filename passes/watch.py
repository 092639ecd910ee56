"""Certificates that end: told at 60, 30, 14, 7, 3 and 1 days, and once it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Prefetch, prefetch_related_objects
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from passes.certificates import URGENT_DAYS, ends, ends_at
from passes.models import AppleCredentials, SpareCertificate
from portal.watch.trouble import Kind, Tone, Trouble

TOLD_AT_DAYS = (60, 30, 14, 7, 3, 1, 0)


def step(left: timedelta) -> int:
    """How many of the moments at which it is told have passed; 0: none yet."""
    return sum(left <= timedelta(days=days) for days in TOLD_AT_DAYS)


def tone(left: timedelta) -> Tone:
    if left <= timedelta(0):
        return Tone.BAD
    return Tone.WARN if left <= timedelta(days=URGENT_DAYS) else Tone.QUIET


def certificates(tenants: Sequence[int]) -> Iterator[Trouble]:
    now = datetime.now(UTC)
    found = AppleCredentials.objects.filter(tenant_id__in=tenants).defer("private_key").order_by("pk")
    ending = [
        (each, part, end)
        for each in found
        for part, end in ends(each.certificate, each.intermediate)
        if step(end - now)
    ]
    # Spares are looked for where something ends: this runs whenever somebody opens the home page.
    spares = Prefetch("spares", SpareCertificate.objects.defer("private_key"))
    prefetch_related_objects([each for each, _part, _end in ending], spares)
    for each, part, end in ending:
        yield _trouble(each, part, end, end - now)


def _trouble(each: AppleCredentials, part: str, end: datetime, left: timedelta) -> Trouble:
    name = {"name": each.name, "day": date_format(timezone.localtime(end), "j M Y")}
    days = left.days
    if left <= timedelta(0):
        said = _("It ended on %(day)s: no pass is signed, and no phone hears of a change.") % name
    else:
        words = ngettext("It ends in %(n)d day, on %(day)s.", "It ends in %(n)d days, on %(day)s.", days)
        said = words % {**name, "n": days}
    if part == "certificate":
        title = _("Apple certificate %(name)s")
        waits = any((ends_at(spare.certificate) or end) > end for spare in each.spares.all())
        to_do = (
            _("A newer one is stored: switch to it.")
            if waits
            else _("Ask Apple for a new one of this pass type and put it in.")
        )
    else:
        title, to_do = _("Apple's intermediate certificate of %(name)s"), _("Get the newest from Apple and put it in.")
    return Trouble(
        Kind.CERTIFICATE, f"certificate:{each.pk}:{part}", each.tenant_id, end, title % name, said, to_do,
        reverse("admin:passes_applecredentials_change", args=[each.pk]), mark=step(left), tone=tone(left),
    )  # fmt: skip
