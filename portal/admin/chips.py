"""What lists and pages show alike: a state as a coloured word, a moment with its day below; and when today began."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString


def chip(tone: str, words: Any) -> SafeString:
    """`tone` is good, bad, warn, busy or quiet."""
    return format_html('<em class="portal-chip portal-{}">{}</em>', tone, words)


def when(at: datetime) -> SafeString:
    at = timezone.localtime(at)
    shown = '<span class="portal-when">{}<small>{}</small></span>'
    return format_html(shown, f"{at:%H:%M:%S}", date_format(at, "j M Y"))


def midnight() -> datetime:
    """When today began, in the zone that is active."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
