"""Lines of a form that somebody else removed while it was open: saved again, they are made anew instead of failing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import QueryDict


def renewed(posted: QueryDict, prefix: str, key: str, existing: Callable[[set[str]], set[str]]) -> QueryDict:
    """The posted form, with the formset's lines whose `key` names no row turned into new lines.

    A formset takes its first INITIAL_FORMS lines for stored ones, so what is new moves behind them.
    """
    total, initial = (_number(posted.get(f"{prefix}-{name}_FORMS")) for name in ("TOTAL", "INITIAL"))
    lines = [_line(posted, f"{prefix}-{number}-") for number in range(total)]
    stored = existing({line[key][-1] for line in lines[:initial] if line.get(key)})
    gone = [line for line in lines[:initial] if line.get(key) and line[key][-1] not in stored]
    if not gone:
        return posted
    kept = [line for line in lines[:initial] if line not in gone]
    for line in gone:
        line.pop(key, None)
    made = posted.copy()
    for name in [name for name in made if name.startswith(f"{prefix}-") and name.split("-")[1].isdigit()]:
        del made[name]
    for number, line in enumerate([*kept, *gone, *lines[initial:]]):
        for name, values in line.items():
            made.setlist(f"{prefix}-{number}-{name}", values)
    made[f"{prefix}-INITIAL_FORMS"] = str(len(kept))
    return made


def _line(posted: QueryDict, beginning: str) -> dict[str, list[Any]]:
    return {name.removeprefix(beginning): posted.getlist(name) for name in posted if name.startswith(beginning)}


def _number(text: Any) -> int:
    """As posted; nothing a browser would not send."""
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 5 else 0
