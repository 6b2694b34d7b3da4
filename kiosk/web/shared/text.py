"""The one door to translations for Python code: `_` with named places only, typed."""

from __future__ import annotations

from kiosk.config.languages import catalogue
from kiosk.web.shared.i18n import language

DASH = "\N{EN DASH}"
"""Stands for a figure that is not known."""


def _(message: str, /, **places: object) -> str:
    """`message` in the reader's language with its places filled in."""
    words = catalogue(language()).gettext(message)
    return words % places if places else words
