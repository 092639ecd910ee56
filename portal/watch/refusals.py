"""Connections whose calls are refused, and of which nothing was accepted since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.refused import WHAT_TO_DO, connection_names, list_url
from portal.models import RefusedCall
from portal.refused import not_heard_since
from portal.watch import words
from portal.watch.trouble import Kind, Remedy, Trouble

WITHIN = timedelta(hours=1)


def refused(tenants: Sequence[int]) -> Iterator[Trouble]:
    calls = not_heard_since(tenants, timezone.now() - WITHIN)
    names = connection_names((call.tenant_id, call.source) for call in calls)
    for call in calls:
        yield _trouble(call, names[call.tenant_id, call.source])


def _trouble(call: RefusedCall, name: str) -> Trouble:
    said = ngettext(
        "%(why)s: one call with the key %(key)s, at %(at)s.",
        "%(why)s: %(n)d calls with the key %(key)s, the last one at %(at)s.",
        call.count,
    )
    shown = {"why": call.get_reason_display(), "key": call.key, "n": call.count, "at": words.since(call.last_at)}
    page = list_url(key=call.key_id)
    return Trouble(
        Kind.REFUSED, f"refused:{call.tenant_id}:{call.source}", call.tenant_id, call.at, name, said % shown,
        str(WHAT_TO_DO[RefusedCall.Reason(call.reason)]), page, remedy=Remedy(_("Show them"), page),
    )  # fmt: skip
