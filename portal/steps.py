"""What a test of a connection did, step by step and call by call, to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _t

from portal.sentences import told


@dataclass(frozen=True)
class Step:
    """`tone` is good, bad, or quiet for a step that was not tried; `calls` are its calls, a line each."""

    title: str
    sentence: str
    tone: str
    calls: tuple[str, ...] = ()

    @property
    def icon(self) -> str:
        return {"good": "check_circle", "bad": "cancel"}.get(self.tone, "pending")


@dataclass
class Steps:
    """A trail that keeps each call as a line to show; nothing is stored."""

    calls: list[str] = field(default_factory=list)
    _targets: list[str] = field(default_factory=list)

    def open(self, *, target: str, method: str, url: str, repeatable: bool, request_excerpt: str) -> int:
        self._targets.append(f"{method} {url.split('?', maxsplit=1)[0]}")
        return len(self._targets) - 1

    def close(self, call: int, *, status: int | None, milliseconds: int, error: str, response_excerpt: str) -> None:
        answered = _t("answered %(status)s in %(ms)d ms") % {"status": status, "ms": milliseconds}
        self.calls.append(f"{self._targets[call]}: {answered if status else told(error)}")

    def taken(self) -> tuple[str, ...]:
        """The calls since it was last asked."""
        lines, self.calls = tuple(self.calls), []
        return lines
