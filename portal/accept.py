"""Which of the media types on offer an Accept header asks for (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_RANGE = re.compile(r"\s*([\w.!#$%&'*+^`|~-]+)/([\w.!#$%&'*+^`|~-]+)\s*(;.*)?", re.ASCII | re.DOTALL)
_WEIGHT = re.compile(r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|\Z)", re.ASCII | re.IGNORECASE)
_ANY_WEIGHT = re.compile(r";\s*q\s*=", re.IGNORECASE)
# Senders repeat one header; a browser's has some 150 characters.
_LENGTH_LIMIT = 1000


class OneFormat(BaseContentNegotiation):
    """JSON whatever the Accept header says: a sender that accepts less must still hear what was wrong (RFC 9110,
    12.5.1 lets a server disregard the header). Under which name an error travels is decided in portal/problems.py."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]


def preferred(accept: str, offered: tuple[str, ...]) -> str:
    """The media type with the highest weight; a name goes before a wildcard, then what is offered first.

    The first one also where nothing matches: an answer in a form that was not asked for is better than none.
    """
    if not accept or accept == "*/*" or len(accept) > _LENGTH_LIMIT:
        return offered[0]
    return _preferred(accept, offered)


@lru_cache(maxsize=256)
def _preferred(accept: str, offered: tuple[str, ...]) -> str:
    ranges = _ranges(accept.lower())
    judged = [(*_judge(media_type, ranges), -number, media_type) for number, media_type in enumerate(offered)]
    weight, *_, found = max(judged)
    return found if weight else offered[0]


def _ranges(accept: str) -> dict[str, float]:
    """Weights by media range. What cannot be read says nothing."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        form = _RANGE.fullmatch(part)
        if form is None:
            continue
        parameters = form[3] or ""
        weight = _WEIGHT.search(parameters)
        if weight or not _ANY_WEIGHT.search(parameters):
            name = f"{form[1]}/{form[2]}"
            found[name] = max(found.get(name, 0.0), float(weight[1]) if weight else 1.0)
    return found


def _judge(media_type: str, ranges: dict[str, float]) -> tuple[float, int]:
    """Its weight and how exactly it was named: the most exact range counts, so that `text/plain;q=0` refuses."""
    kind = media_type.split("/", maxsplit=1)[0]
    for exactness, name in ((2, media_type), (1, f"{kind}/*"), (0, "*/*")):
        if name in ranges:
            return ranges[name], exactness
    return 0.0, 0
