"""A tenant's colour as the shades that unfold's pages are drawn with."""

from __future__ import annotations

# Shade -> how much white (positive) or black (negative) is mixed into the colour.
_SHADES = {
    "50": 0.95, "100": 0.88, "200": 0.75, "300": 0.58, "400": 0.35, "500": 0.15,
    "600": 0.0, "700": -0.15, "800": -0.3, "900": -0.42, "950": -0.62,
}  # fmt: skip
READABLE = 4.5  # contrast of small text: https://www.w3.org/TR/WCAG22/#contrast-minimum

RGB = tuple[float, float, float]
DARK: RGB = (0.12, 0.16, 0.22)  # the lightest of the dark pages' grounds


def shades(colour: str) -> dict[str, str]:
    """`#1F6F54` -> {"50": "rgb(…)", …}. The colour is darkened until white words on it can be read."""
    base = _readable_under_white(_parse(colour))
    found = {name: _mixed(base, share) for name, share in _SHADES.items()}
    # The dark pages write words in this one.
    found["500"] = _readable_on_dark(found["500"])
    return {name: _css(shade) for name, shade in found.items()}


def contrast_with_white(colour: RGB) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    return 1.05 / (_luminance(colour) + 0.05)


def _parse(colour: str) -> RGB:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _css(colour: RGB) -> str:
    return "rgb({} {} {})".format(*(round(255 * part) for part in colour))


def _mixed(colour: RGB, share: float) -> RGB:
    towards = 1.0 if share > 0 else 0.0
    red, green, blue = (part + (towards - part) * abs(share) for part in colour)
    return red, green, blue


def _readable_under_white(colour: RGB) -> RGB:
    while contrast_with_white(colour) < READABLE:
        colour = _mixed(colour, -0.05)
    return colour


def _readable_on_dark(colour: RGB) -> RGB:
    while (_luminance(colour) + 0.05) / (_luminance(DARK) + 0.05) < READABLE:
        colour = _mixed(colour, 0.05)
    return colour


def _luminance(colour: RGB) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
