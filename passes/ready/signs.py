"""The signs of the ready designs, in a square of one by one."""

from __future__ import annotations

from math import cos, pi, sin

from passes.artwork import Disc, Polygon, Shape, box

Sign = tuple[Shape, ...]


def _star(points: int = 5, outer: float = 0.4, inner: float = 0.17) -> Polygon:
    turns = (pi * corner / points - pi / 2 for corner in range(2 * points))
    reach = (inner if corner % 2 else outer for corner in range(2 * points))
    return Polygon(
        tuple((0.5 + far * cos(turn), 0.53 + far * sin(turn)) for turn, far in zip(turns, reach, strict=True))
    )


def _shoulders() -> Polygon:
    arc = [pi + pi * step / 24 for step in range(25)]
    return Polygon(tuple((0.5 + 0.3 * cos(turn), 0.84 + 0.28 * sin(turn)) for turn in arc))


STAR: Sign = (_star(),)
CROWN: Sign = (
    Polygon(((0.14, 0.3), (0.33, 0.5), (0.5, 0.2), (0.67, 0.5), (0.86, 0.3), (0.78, 0.66), (0.22, 0.66))),
    box(0.22, 0.71, 0.78, 0.8),
)
PERCENT: Sign = (
    Disc(0.29, 0.31, 0.13), Disc(0.71, 0.69, 0.13), Polygon(((0.68, 0.16), (0.79, 0.16), (0.32, 0.84), (0.21, 0.84))),
)  # fmt: skip
GIFT: Sign = (
    box(0.14, 0.36, 0.46, 0.48), box(0.54, 0.36, 0.86, 0.48), box(0.19, 0.53, 0.46, 0.84), box(0.54, 0.53, 0.81, 0.84),
    Disc(0.38, 0.25, 0.09), Disc(0.62, 0.25, 0.09),
)  # fmt: skip
TICKET: Sign = (
    box(0.1, 0.28, 0.6, 0.72), box(0.68, 0.28, 0.9, 0.72), box(0.63, 0.31, 0.65, 0.4), box(0.63, 0.46, 0.65, 0.54),
    box(0.63, 0.6, 0.65, 0.69),
)  # fmt: skip
PERSON: Sign = (Disc(0.5, 0.34, 0.17), _shoulders())
STAMPS: Sign = tuple(Disc(x, y, 0.11) for y in (0.22, 0.5, 0.78) for x in (0.22, 0.5, 0.78))
CAP: Sign = (
    Polygon(((0.5, 0.2), (0.94, 0.4), (0.5, 0.6), (0.06, 0.4))),
    Polygon(((0.26, 0.55), (0.5, 0.66), (0.74, 0.55), (0.74, 0.72), (0.5, 0.82), (0.26, 0.72))),
    box(0.86, 0.42, 0.89, 0.72),
)
