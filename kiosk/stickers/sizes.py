"""The sizes that a sticker comes in, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A portrait sticker. `square` is the side of the code with its quiet zone.

    The code inside is never smaller than `code`, which is at least 20 mm and a tenth of the scan distance (rule Q-09).
    """

    width: float
    height: float
    square: float
    code: float

    @property
    def name(self) -> str:
        return f"{self.width:g}x{self.height:g}"

    @property
    def distance_cm(self) -> int:
        """From how far a phone reads the code: ten times its side."""
        return int(self.code)


SIZES = {size.name: size for size in (Size(60, 80, 40, 30), Size(80, 110, 56, 40), Size(105, 148, 80, 60))}
USUAL = "80x110"
