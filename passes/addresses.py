"""What a link on a pass may lead to."""

from __future__ import annotations

LINKS = ("https://", "http://", "mailto:", "tel:", "sms:")
