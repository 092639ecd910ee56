"""A state as a coloured word, the same in lists and on pages."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString


def chip(tone: str, words: Any) -> SafeString:
    """`tone` is good, bad, warn, busy or quiet."""
    return format_html('<em class="portal-chip portal-{}">{}</em>', tone, words)
