"""The one door to translations for Python code: `_` with named places only, typed."""

from __future__ import annotations

from flask_babel import gettext  # type: ignore[import-untyped]

DASH = "\N{EN DASH}"
"""Stands for a figure that is not known."""


def _(message: str, **places: object) -> str:
    """`message` in the reader's language with its places filled in."""
    return str(gettext(message, **places))
