"""What a sticker says, from the catalogues. These few texts are print: they do not change with a reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kiosk.config.languages import catalogue


@dataclass(frozen=True)
class Words:
    """`way`: how to begin, by scanning or by hand (rule A-15). `help`: stands before the phone number."""

    way: str
    help: str


def words(language: str) -> Words:
    said = catalogue(language)
    return Words(said.gettext("Scan to charge, or type address and code"), said.gettext("Help"))


def in_order(languages: Iterable[str], first: str) -> tuple[Words, ...]:
    """The words of every language once, the default one on top."""
    return tuple(words(language) for language in dict.fromkeys((first, *languages)))
