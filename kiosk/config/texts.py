"""A text of kiosk.toml: one for all languages, or one for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import PlainValidator

from kiosk.config.languages import LANGUAGES


class LocalText(str):
    """As a string it is the text for all languages: the only one, or the first of the file."""

    texts: Mapping[str, str]

    def __new__(cls, text: str, texts: Mapping[str, str] | None = None) -> Self:
        made = super().__new__(cls, text)
        made.texts = dict(texts or {})
        return made

    def said_in(self, language: str) -> str:
        """The text for a reader of that language; the first of the file where there is none."""
        return self.texts.get(language, str(self))


def _read(value: object) -> LocalText:
    if isinstance(value, LocalText):
        return value
    if isinstance(value, str):
        return LocalText(_filled(value))
    if not isinstance(value, dict) or not value:
        raise ValueError('write one text, or one for each language: { en = "…", de = "…" }')
    unknown = [str(code) for code in value if code not in LANGUAGES]
    if unknown:
        raise ValueError(f"there is no language {unknown[0]!r}; there are {', '.join(LANGUAGES)}")
    texts = {str(code): _filled(text) for code, text in value.items()}
    return LocalText(next(iter(texts.values())), texts)


def _filled(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a text is not empty")
    return text.strip()


Words = Annotated[LocalText, PlainValidator(_read)]
