"""QR codes as one SVG path: dark on white whatever the theme, four modules of quiet zone, no third party."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_M  # type: ignore[import-untyped]
from qrcode.main import QRCode  # type: ignore[import-untyped]

QUIET = 4


def qr_path(text: str) -> tuple[int, str]:
    """The side in modules (quiet zone included) and the path of the dark ones."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    parts: list[str] = []
    for y, row in enumerate(code.get_matrix()):
        x = 0
        for dark, run in groupby(row):
            width = len(list(run))
            if dark:
                parts.append(f"M{x + QUIET} {y + QUIET}h{width}v1h-{width}z")
            x += width
    return len(code.get_matrix()) + 2 * QUIET, "".join(parts)


def qr_svg(text: str, label: str) -> Markup:
    """The code of `text` as inline SVG with an accessible name."""
    side, path = qr_path(text)
    return Markup('<svg class="matrix" viewBox="0 0 {0} {0}" role="img" aria-label="{1}"><path d="{2}"/></svg>').format(
        side, label, path
    )
