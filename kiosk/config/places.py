"""Where the files beside the code lie: at the top of a checkout, or inside the package when it was installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
HOME = PACKAGE.parent


def folder(name: str) -> Path:
    """`templates`, `static`, `translations` or `docs`. What is shipped in the package comes first: the other may be a
    stranger's."""
    shipped = PACKAGE / f"_{name}"
    return shipped if shipped.is_dir() else HOME / name
