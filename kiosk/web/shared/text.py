"""The one door to translations for Python code: `_` with named places only, typed."""

from __future__ import annotations

from kiosk.web.shared import i18n

DASH = "\N{EN DASH}"
"""Stands for a figure that is not known."""


def _(message: str, /, **places: object) -> str:
    """`message` in the reader's language with its places filled in."""
    words = i18n.words().gettext(message)
    return words % places if places else words


def pgettext(context: str, message: str, /, **places: object) -> str:
    """The same for a message that other languages say differently of `context`: "Not known" of a bay or of an amount.

    It has the name by which the texts are collected.
    """
    words = i18n.words().pgettext(context, message)
    return words % places if places else words
