"""Numbers and lengths of time as people say them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
# What waits, by the kind of its Events: "50 000 profiles to read".
_backlogs: dict[str, Any] = {}


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def length(seconds: float) -> str:
    """About how long, in one unit: “45 s”, “12 min”, “8 h”, “3 days”."""
    if seconds < MINUTE:
        return _("%(n)d s") % {"n": max(1, round(seconds))}
    if seconds < 100 * MINUTE:
        return _("%(n)d min") % {"n": round(seconds / MINUTE)}
    if seconds < 2 * DAY:
        return _("%(n)d h") % {"n": round(seconds / HOUR)}
    days = round(seconds / DAY)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def since(at: datetime | None) -> str:
    """The moment by the clock, with its day where it is not today's."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    today = local.date() == timezone.localtime().date()
    return f"{local:%H:%M}" if today else date_format(local, "j M, H:i")


def name_backlog(kind: str, words: Any) -> None:
    """`words`: an `ngettext_lazy` by "n", with the number as %(shown)s: "%(shown)s profiles to read"."""
    _backlogs[kind] = words


def backlog(kind: str, number: int, shown: str) -> str:
    if words := _backlogs.get(kind):
        return str(words % {"n": number, "shown": shown})
    return ngettext("%(shown)s event waits", "%(shown)s events wait", number) % {"shown": shown}
