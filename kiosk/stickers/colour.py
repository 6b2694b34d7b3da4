"""The operator's one colour in print: the hue of the settings, with the lightness and chroma of the pages' bands."""

from __future__ import annotations

from math import cos, radians, sin

LIGHTNESS = 0.34
CHROMA = 0.07


def brand(hue: int) -> str:
    """`#rrggbb` of `oklch(.34 .07 hue)`, as `--deep` in the style sheet. White on it has a contrast of 7 or more.

    Where a screen cannot show that much chroma, as little is taken away as must be.
    """
    chroma = CHROMA
    while min(parts := _linear(chroma, hue)) < 0:
        chroma -= CHROMA / 1000
    return "#" + "".join(f"{round(255 * _encoded(part)):02x}" for part in parts)


def _linear(chroma: float, hue: int) -> tuple[float, float, float]:
    """Red, green and blue light, 0 to 1 where a screen can show it. The figures are those of the OKLab colour space."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (LIGHTNESS + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (LIGHTNESS - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (LIGHTNESS - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _encoded(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
