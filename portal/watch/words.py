"""Numbers and lengths of time as people say them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86_400.0
# What waits, by the kind of its Events: "50 000 profiles to read".
_backlogs: dict[str, Any] = {}


def spaced(number: float) -> str:
    return f"{round(number):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, limit: int) -> str:
    """A count that stopped beyond its limit."""
    return f"{spaced(limit)}+" if number > limit else spaced(number)


def _in_one_unit(seconds: float) -> tuple[float, int]:
    """The unit in which people say a stretch of time, in seconds, and how many of it."""
    for unit, limit in ((SECOND, 60), (MINUTE, 100), (HOUR, 48)):
        if (number := round(seconds / unit)) < limit:
            return unit, number
    return DAY, round(seconds / DAY)


def length(seconds: float) -> str:
    """Short: “45 s”, “12 min”, “8 h”, “3 days”."""
    unit, number = _in_one_unit(seconds)
    if unit == SECOND:
        return _("%(n)d s") % {"n": max(1, number)}
    if unit == MINUTE:
        return _("%(n)d min") % {"n": number}
    if unit == HOUR:
        return _("%(n)d h") % {"n": number}
    return ngettext("%(n)d day", "%(n)d days", number) % {"n": number}


def lasting(seconds: float) -> str:
    """In words, as an estimate: “less than a minute”, “about 8 hours”."""
    unit, number = _in_one_unit(seconds)
    if unit == SECOND:
        return _("less than a minute")
    if unit == MINUTE:
        return ngettext("about %(n)d minute", "about %(n)d minutes", number) % {"n": number}
    if unit == HOUR:
        return ngettext("about %(n)d hour", "about %(n)d hours", number) % {"n": number}
    return ngettext("about %(n)d day", "about %(n)d days", number) % {"n": number}


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
