"""The shapes and widths of letters, from `letters.json`: Atkinson Hyperlegible Next, made for people with low vision.

Sizes and coordinates are millimetres, y grows downwards, and a size is the em: capitals are two thirds of it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

UP = 0.93
"""Of the size, from the base line to the top of the highest accent."""
DOWN = 0.26
"""Of the size, from the base line to the lowest descender."""
EM = 1000

Step = tuple[str, tuple[float, ...]]
"""One step of a path: `M` or `L` with a point, `C` with three, `Z` with none."""

_ODD = (False, True) * 3
_STEP = re.compile(r"([MLCZ])([^MLCZ]*)")


@dataclass(frozen=True)
class Face:
    """One weight: each character's advance in thousandths of the size, and its outline with y upwards."""

    glyphs: dict[str, tuple[float, str]]

    def width(self, text: str, size: float = 1) -> float:
        return sum(self.glyphs[letter][0] for letter in text) * size / EM

    def outline(self, text: str, x: float, y: float, size: float) -> Iterator[Step]:
        """The path of a text whose base line begins at (x, y). It is filled by the non-zero rule."""
        scale = size / EM
        for letter in text:
            advance, shape = self.glyphs[letter]
            for kind, figures in _steps(shape):
                yield (
                    kind,
                    tuple(
                        round(y - figure * scale if odd else x + figure * scale, 3)
                        for odd, figure in zip(_ODD, figures, strict=False)
                    ),
                )
            x += advance * scale


@cache
def _steps(shape: str) -> tuple[Step, ...]:
    return tuple((kind, tuple(map(float, figures.split()))) for kind, figures in _STEP.findall(shape))


@cache
def face(bold: bool) -> Face:
    fonts = json.loads((Path(__file__).parent / "letters.json").read_text(encoding="ascii"))
    return Face({letter: (row[0], row[1]) for letter, row in fonts["bold" if bold else "regular"].items()})


def plain(text: str) -> str:
    """One line with single blanks and composed accents, as the outlines have them."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def unknown(text: str) -> tuple[str, ...]:
    """The characters that have no outline: letters of Western, Central and Northern Europe and of Turkish have one."""
    return tuple(dict.fromkeys(letter for letter in plain(text) if letter not in face(False).glyphs))
