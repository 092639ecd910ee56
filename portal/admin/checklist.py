"""The first hour: what there is to do, what is done, and what comes next. Each storey registers its own steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.admin.extend import FirstStep, extensions
from portal.admin.rights import may_here

DONE, NEXT, OPEN = "done", "next", "open"


@dataclass(frozen=True)
class Shown:
    """A step as it stands. `state` is done, next or open."""

    title: Any
    sentence: Any
    button: Any
    url: str
    state: str
    optional: bool


@dataclass(frozen=True)
class Checklist:
    steps: list[Shown]

    @property
    def _counted(self) -> list[Shown]:
        return [step for step in self.steps if not step.optional]

    @property
    def left(self) -> list[Shown]:
        """What is not done yet; nothing once all that counts is."""
        return [] if self.finished else [step for step in self.steps if step.state != DONE]

    @property
    def finished(self) -> bool:
        return all(step.state == DONE for step in self._counted)

    @property
    def begun(self) -> bool:
        return any(step.state == DONE for step in self.steps)

    @property
    def progress(self) -> str:
        done = sum(step.state == DONE for step in self._counted)
        return _("%(done)s of %(all)s") % {"done": done, "all": len(self._counted)}


def checklist(request: HttpRequest, tenants: Collection[int], *, connected: bool) -> Checklist | None:
    """None for people who may take no step, and for who looks at several tenants that are at work."""
    steps = [step for step in extensions.first_steps if may_here(request, step.needs)]
    if not steps or (connected and len(tenants) > 1):
        return None
    ordered = sorted(steps, key=lambda step: step.position)
    states = standing([(step.done(tenants), step.optional) for step in ordered])
    return Checklist([_shown(step, state, tenants) for step, state in zip(ordered, states, strict=True)])


def standing(steps: Sequence[tuple[bool, bool]]) -> list[str]:
    """The state of each step, told by (done, optional) of all of them: the first that is left comes next."""
    following = next((place for place, (done, optional) in enumerate(steps) if not done and not optional), None)
    return [DONE if done else NEXT if place == following else OPEN for place, (done, _) in enumerate(steps)]


def _shown(step: FirstStep, state: str, tenants: Collection[int]) -> Shown:
    url = step.where(tenants) if step.where else None
    return Shown(step.title, step.sentence, step.button, url or reverse(step.url_name), state, step.optional)
