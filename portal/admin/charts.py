"""Small charts as SVG. Pure: numbers in, a picture out. Colours are the stylesheet's, so dark pages have theirs."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

STEP, GAP, HEIGHT = 10.0, 3.0, 56.0
LEAST = 2.0  # what happened once among thousands is seen


def bars(numbers: Sequence[int | None], *, name: str, title: str, told: str) -> SafeString:
    """A bar for each number, the last one set off as the day that goes on; None, which nobody counted, has none.

    `name`: of the picture among those of its page. `title` and `told` are read out in its place.
    """
    highest = max((number for number in numbers if number), default=0)
    drawn = format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"/>', (
        ("portal-bar-today" if place == len(numbers) - 1 else "portal-bar-day",
         f"{place * STEP:g}", f"{HEIGHT - tall:g}", f"{STEP - GAP:g}", f"{tall:g}")
        for place, tall in enumerate(_tall(number or 0, highest) for number in numbers) if tall
    ))  # fmt: skip
    return format_html(
        '<svg class="portal-chart" viewBox="0 0 {wide} {high}" preserveAspectRatio="none" role="img"'
        ' aria-labelledby="{name}-title {name}-told"><title id="{name}-title">{title}</title>'
        '<desc id="{name}-told">{told}</desc>{drawn}'
        '<path class="portal-ground" d="M0 {ground}H{wide}" vector-effect="non-scaling-stroke"/></svg>',
        wide=f"{len(numbers) * STEP - GAP:g}", high=f"{HEIGHT + 1:g}", ground=f"{HEIGHT + 0.5:g}",
        name=name, title=title, told=told, drawn=drawn,
    )  # fmt: skip


def _tall(number: int, highest: int) -> float:
    return max(LEAST, round(HEIGHT * number / highest, 1)) if number else 0.0
