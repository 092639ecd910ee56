"""The demo brand's images, drawn here so that the repository ships no binary files."""

from __future__ import annotations

from collections.abc import Callable

from passes.artwork import CLEAR, Colour, png

Painter = Callable[[float, float], Colour]  # x and y from 0 to 1

GREEN, LIGHT = (31, 111, 84, 255), (214, 236, 224, 255)


def painted(width: int, height: int, paint: Painter) -> bytes:
    """A PNG with the colour that `paint` gives for each point."""
    rows = (b"".join(bytes(paint((x + 0.5) / width, (y + 0.5) / height)) for x in range(width)) for y in range(height))
    return png(width, height, rows)


def leaf(x: float, y: float) -> bool:
    """Inside the brand's sign: where two circles meet, as in the outline of a leaf."""
    return (x - 0.22) ** 2 + (y - 0.78) ** 2 < 0.62**2 and (x - 0.78) ** 2 + (y - 0.22) ** 2 < 0.62**2


def icon(x: float, y: float) -> Colour:
    return LIGHT if leaf(x, y) else GREEN


def logo(x: float, y: float) -> Colour:
    x *= 160 / 50  # the sign stands at the left of the wide logo
    return LIGHT if x < 1 and leaf(x, y) else CLEAR


def strip(x: float, y: float) -> Colour:
    wave = 0.5 + 0.5 * (x * (1 - x) * 4) * (1 - abs(2 * y - 1))
    red, green, blue = (
        round(low + (high - low) * wave * (0.4 + 0.6 * x)) for low, high in ((20, 60), (78, 150), (60, 110))
    )
    return red, green, blue, 255


def round_logo(x: float, y: float) -> Colour:
    """Google cuts it to a circle, so the sign leaves a margin."""
    return icon((x - 0.15) / 0.7, (y - 0.15) / 0.7)


def images() -> dict[tuple[str, int], bytes]:
    """(role, scale) -> PNG, in the sizes that Apple and Google ask for."""
    sizes = {"icon": (38, 38, icon), "logo": (160, 50, logo), "strip": (375, 144, strip)}
    for_apple = {
        (role, scale): painted(width * scale, height * scale, paint)
        for role, (width, height, paint) in sizes.items()
        for scale in ((1, 2, 3) if role == "icon" else (1, 2))
    }
    return {**for_apple, ("googleLogo", 1): painted(660, 660, round_logo), ("googleHero", 1): painted(1032, 336, strip)}
