"""The pictures of a ready design, drawn in the sizes that Apple and Google ask for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from passes.artwork import CLEAR, Disc, Layer, colour, drawing
from passes.ready.design import Look
from passes.ready.signs import STAMPS, STAR

SCALES = (1, 2, 3)
SQUARE = 50  # of the logo, in points
WIDE = {"strip": (375, 144), "googleHero": (1032, 336)}
GOOGLE_LOGO, THUMBNAIL, ICON = 660, 90, 38
SMALL = {"googleLogo": 132, "googleHero": 344}  # wide enough for a card that is drawn small


@cache
def pictures(look: Look, *, small: bool = False) -> dict[tuple[str, int], bytes]:
    """(role, scale) -> PNG. `small`: only what the admin draws, in one size."""
    return dict(_small(look) if small else _all(look))


def _all(look: Look) -> Iterator[tuple[tuple[str, int], bytes]]:
    for scale in SCALES:
        yield ("icon", scale), _sign(look, ICON * scale, ICON * scale)
        yield ("logo", scale), _sign(look, SQUARE * scale, SQUARE * scale, clear=True)
        yield (look.picture, scale), _picture(look, scale)
    yield ("googleLogo", 1), _sign(look, GOOGLE_LOGO, GOOGLE_LOGO, round_=True)
    yield ("googleHero", 1), _wide(look, *WIDE["googleHero"])


def _small(look: Look) -> Iterator[tuple[tuple[str, int], bytes]]:
    yield ("logo", 1), _sign(look, 2 * SQUARE, 2 * SQUARE, clear=True)
    yield (look.picture, 1), _picture(look, 1)
    yield ("googleLogo", 1), _sign(look, SMALL["googleLogo"], SMALL["googleLogo"], round_=True)
    width, height = WIDE["googleHero"]
    yield ("googleHero", 1), _wide(look, SMALL["googleHero"], SMALL["googleHero"] * height // width)


def _picture(look: Look, scale: int) -> bytes:
    if look.picture == "thumbnail":
        return _sign(look, THUMBNAIL * scale, THUMBNAIL * scale)
    width, height = WIDE["strip"]
    return _wide(look, width * scale, height * scale)


def _sign(look: Look, width: int, height: int, *, clear: bool = False, round_: bool = False) -> bytes:
    """Google cuts its logo to a circle, so the sign leaves a margin there."""
    ground = CLEAR if clear else colour(look.accent)
    margin = 0.2 if round_ else 0.0
    size = height * (1 - 2 * margin)
    layers = [(shape.placed(width * margin, height * margin, size), colour(look.text)) for shape in look.sign]
    return drawing(width, height, (ground, ground), layers)


def _wide(look: Look, width: int, height: int) -> bytes:
    drawn = _stamps(look, width, height) if look.sign is STAMPS else _circles(look, width, height)
    return drawing(width, height, (colour(look.accent), colour(look.background)), drawn)


def _circles(look: Look, width: int, height: int) -> list[Layer]:
    """Left to the numbers, the right has the sign."""
    soft = colour(look.text, 0.08)
    size = height * 0.8
    rings: list[Layer] = [(Disc(width * 0.84, height * 0.5, height * radius), soft) for radius in (1.15, 0.8, 0.5)]
    sign = [(shape.placed(width * 0.84 - size / 2, height * 0.1, size), colour(look.text, 0.22)) for shape in look.sign]
    return [*rings, *sign]


def _stamps(look: Look, width: int, height: int) -> list[Layer]:
    """Two rows of five."""
    places = [(width * (0.1 + 0.2 * column), height * row) for row in (0.29, 0.71) for column in range(5)]
    radius = height * 0.165
    outer: list[Layer] = [(Disc(x, y, radius), colour(look.text)) for x, y in places]
    inner: list[Layer] = [(Disc(x, y, radius * 0.9), colour(look.background)) for x, y in places]
    last = [(shape.placed(places[-1][0] - radius * 0.8, places[-1][1] - radius * 0.8, radius * 1.6), colour(look.label))
            for shape in STAR]  # fmt: skip
    return [*outer, *inner, *last]
