"""What a test of a connection did, call by call, to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _t

from portal.sentences import told


@dataclass(frozen=True)
class Step:
    title: str
    sentence: str
    good: bool

    @property
    def tone(self) -> str:
        return "good" if self.good else "bad"

    @property
    def icon(self) -> str:
        return "check_circle" if self.good else "cancel"


@dataclass
class Steps:
    """A trail that keeps each call as a step to show; nothing is stored."""

    calls: list[Step] = field(default_factory=list)
    _targets: list[str] = field(default_factory=list)

    def open(self, *, target: str, method: str, url: str, repeatable: bool, request_excerpt: str) -> int:
        self._targets.append(f"{method} {url.split('?', maxsplit=1)[0]}")
        return len(self._targets) - 1

    def close(self, call: int, *, status: int | None, milliseconds: int, error: str, response_excerpt: str) -> None:
        title = _t("Asking for a token") if self._targets[call].endswith("/auth/token") else _t("Reading the profile")
        answered = _t("answered %(status)s in %(ms)d ms") % {"status": status, "ms": milliseconds}
        answer = answered if status else told(error)
        self.calls.append(Step(title, f"{self._targets[call]}: {answer}", bool(status and status < 400)))
