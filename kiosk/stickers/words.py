"""What a sticker says, in the languages of the kiosk. These few texts are print: they do not change with a reader."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.sites import LanguageCode


@dataclass(frozen=True)
class Words:
    """`way`: how to begin, by scanning or by hand (rule A-15). `help`: stands before the phone number."""

    way: str
    help: str


WORDS: dict[LanguageCode, Words] = {
    "en": Words("Scan to charge, or type address and code", "Help"),
    "nl": Words("Scan om te laden, of typ adres en code", "Hulp"),
    "de": Words("Scannen und laden, oder Adresse und Code eintippen", "Hilfe"),
    "fr": Words("Scannez pour charger, ou tapez l’adresse et le code", "Aide"),  # noqa: RUF001 - the apostrophe of print
}


def in_order(languages: tuple[LanguageCode, ...], first: LanguageCode) -> tuple[Words, ...]:
    """The words of every language once, the default one on top."""
    return tuple(WORDS[language] for language in dict.fromkeys((first, *languages)))
