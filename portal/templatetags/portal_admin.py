"""What the templates of the admin need beside Django's own filters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from portal.sentences import told

register = template.Library()
register.filter("told", told)


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago, in one unit: “just now”, “5 minutes ago”."""
    if at is None:
        return ""
    if timezone.now() - at < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(at, depth=1)}


@register.filter
def plain(value: Any) -> str:
    """A customer's value as a person would write it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
