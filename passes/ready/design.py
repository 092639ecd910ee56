"""What a ready design is. Its texts are English, marked for translation, and said in the language of the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from passes.ready.signs import Sign


@dataclass(frozen=True)
class Day:
    """A sample date, so many days from today, with a time of day where it has one."""

    ahead: int
    time: str = ""

    def on(self, today: date) -> str:
        day = (today + timedelta(days=self.ahead)).isoformat()
        return f"{day}T{self.time}" if self.time else day


@dataclass(frozen=True)
class Line:
    """One field. `options`: what else passes.models.TemplateField has."""

    place: str
    key: str
    label: str
    value: str
    change_message: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    background: str
    accent: str
    text: str
    label: str
    sign: Sign
    picture: str = "strip"  # or "thumbnail"


@dataclass(frozen=True)
class Ready:
    """`values`: those that it takes of a customer, with samples. `moment`: when a ticket appears by itself."""

    key: str
    name: str
    sentence: str
    kind: str
    description: str
    look: Look
    lines: tuple[Line, ...]
    values: Mapping[str, str | int | float | Day]
    barcode: tuple[str, str]  # format and message
    expires: str = ""
    moment: tuple[str, str] | None = None

    def samples(self, today: date) -> dict[str, str | int | float]:
        return {name: value.on(today) if isinstance(value, Day) else value for name, value in self.values.items()}
