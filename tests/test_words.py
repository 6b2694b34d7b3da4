"""One thing has one word in each language: the texts keep to the tables of docs/words.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from kiosk.config.languages import CATALOGUES, LANGUAGES, WRITTEN_IN

PAGE = (Path(__file__).parent.parent / "docs" / "words.md").read_text(encoding="utf-8")
TRANSLATED = sorted(set(LANGUAGES) - {WRITTEN_IN})
TICKED = re.compile(r"`([^`]+)`")
PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")
FIXED = re.compile(r"free of charge", re.IGNORECASE)
LISTS_OF_WORDS = 400
"""A text longer than that is one of the lists of check words."""


@dataclass(frozen=True)
class Term:
    """One row: what stands in the English text, what the translation must say, and what it must not."""

    english: tuple[str, ...]
    says: tuple[str, ...]
    never: tuple[str, ...]


@dataclass(frozen=True)
class Glossary:
    """`without`: English texts whose translation leaves a term out on purpose."""

    terms: tuple[Term, ...]
    never: tuple[str, ...]
    without: frozenset[str]


@cache
def glossary(language: str) -> Glossary:
    (chapter,) = re.findall(rf"^## {LANGUAGES[language].name}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines: list[str] = chapter.splitlines()
    cells = [[tuple(TICKED.findall(cell)) for cell in line.split("|")[1:4]] for line in lines if line.startswith("| `")]
    return Glossary(
        terms=tuple(Term(*row) for row in cells),
        never=tuple(TICKED.findall(next(line for line in lines if line.startswith("Never in any text: ")))),
        without=frozenset(one for line in lines if line.startswith("- `") for one in TICKED.findall(line)),
    )


def has(text: str, words: tuple[str, ...]) -> str | None:
    """The first of the words, as the tables write them, that stands in the text."""
    return next((word for word in words if _pattern(word).search(text)), None)


@cache
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + re.escape(word).replace("\\ …\\ ", ".*").replace("…", r"\w*") + r"(?!\w)", re.I)


def mistakes(language: str, english: str, said: str) -> list[str]:
    """What is wrong with the words of one translation; nothing for a good one."""
    book = glossary(language)
    plain, spoken = PLACE.sub("", FIXED.sub("", english)), PLACE.sub("", said)
    wrong = [f"says {word!r}" for word in [has(spoken, book.never)] if word]
    for term in book.terms:
        found = has(plain, term.english)
        if found is None:
            continue
        if english not in book.without and not has(spoken, term.says):
            wrong.append(f"does not say {found!r}")
        bad = has(spoken, term.never)
        if bad:
            wrong.append(f"says {found!r} with {bad!r}")
    return wrong


def texts(language: str) -> list[tuple[str, str]]:
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue: Catalog = read_po(file, locale=language)
    pairs = []
    for message in catalogue:
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
        pairs += [(english, said or "") for english, said in zip(ids, strings, strict=False) if english]
    return [(english, said) for english, said in pairs if len(english) <= LISTS_OF_WORDS]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_the_words_of_its_language(language: str) -> None:
    found = [(english, said, wrong) for english, said in texts(language) for wrong in mistakes(language, english, said)]
    assert not found, "\n".join(" | ".join(each) for each in found)


def test_english_keeps_charge_for_energy() -> None:
    never = glossary(WRITTEN_IN).never
    assert [english for english, _ in texts(TRANSLATED[0]) if has(FIXED.sub("", english), never)] == []


@pytest.mark.parametrize("text", ["Not a charge. You pay only what you use.", "Nothing charged at bay 4"])
def test_english_that_means_money_by_charge_is_found(text: str) -> None:
    assert has(text, glossary(WRITTEN_IN).never)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_time_of_day_has_its_word_from_its_own_text_alone(language: str) -> None:
    """`clock` gives `14:03 Uhr`: with another one beside the place it would stand twice. Scripts fill in `{time}`."""
    after = re.compile(r"%\((?:time|since|until|from)\)s\s(?:Uhr|uur|h|heures)\b")
    assert [said for english, said in texts(language) if english != "%(time)s" and after.search(said)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_has_signs_that_nobody_sees(language: str) -> None:
    """A soft hyphen is read out, or breaks the search on a page."""
    unseen = "\N{SOFT HYPHEN}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"
    assert [said for _, said in texts(language) if set(unseen) & set(said)] == []


@pytest.mark.parametrize("language", ["fr", "nl"])
def test_apostrophes_are_those_of_print(language: str) -> None:
    assert [said for _, said in texts(language) if "'" in said] == []


def test_french_signs_stay_with_their_words() -> None:
    """No line begins with a colon."""
    loose = re.compile(r"[^\s\N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}][ ]?[:;?!»](?!\S)|« ")
    assert [said for _, said in texts("fr") if loose.search(said)] == []


@pytest.mark.parametrize(
    ("language", "english", "said"),
    [
        ("fr", "Load it again", "Recharger la page"),
        ("fr", "More bays", "Plus de places"),
        ("fr", "No more news", "Plus de nouvelles"),
        ("fr", "Charging goes on.", "La charge continue."),
        ("fr", "Show my charge", "Voir ma charge"),
        ("fr", "Scan to charge, or type address and code", "Scannez pour charger, ou tapez l’adresse"),  # noqa: RUF001
        ("fr", "Nothing is held yet.", "Rien n’est encore bloqué."),  # noqa: RUF001
        ("fr", "Hold on your card", "Bloqué sur votre carte"),
        ("fr", "Your bank can take up to 7 days to show it, often less.", "Votre banque peut mettre 7 jours."),
        ("fr", "More than your hold", "Plus que votre réserve"),
        ("fr", "The first figures come in a moment", "Les premiers chiffres arrivent dans un instant"),
        ("fr", "To stop, unplug the cable at the car.", "Pour arrêter, débranchez le câble à la voiture."),
        (
            "nl",
            "Your bank can take up to 7 days to show it, often less.",
            "Uw bank kan 7 dagen nodig hebben om dat te tonen.",
        ),
        ("nl", "Nothing to pay at bay %(bay)s", "Niets geladen op laadplek %(bay)s"),
        ("nl", "It is %(amount)s.", "Ze is %(amount)s."),
        ("nl", "We asked for bay %(bay)s", "We vroegen laadplek %(bay)s aan"),
        ("nl", "To stop, unplug the cable at the car.", "Trek de kabel uit de auto om te stoppen."),
        ("nl", "Bay %(bay)s is in use. Nothing is held.", "Laadplek %(bay)s is bezet. Er is niets gereserveerd."),
        ("nl", "No new figures", "Oude cijfers"),
        ("nl", "The payment form loads", "Het betaalformulier wordt geladen"),
        ("de", "Load it again", "Neu laden"),
        ("de", "Continue on your phone", "Weiter auf Ihrem Telefon"),
        ("de", "The bay is in use. Nothing is held.", "Der Stellplatz ist belegt. Es ist nichts reserviert."),
        ("de", "Hold, not a payment", "Reserviert, keine Zahlung"),
        ("de", "A limit that you set is not watched now.", "Ein Limit, das Sie gesetzt haben, wird nicht überwacht."),
        ("de", "More bays", "Mehr Stellplätze"),
        ("de", "Your phone has signal?", "Hat dein Handy Empfang?"),
        ("de", "You never pay more than the hold", "Sie zahlen höchstens den Betrag"),
    ],
)
def test_a_wrong_word_is_found(language: str, english: str, said: str) -> None:
    assert mistakes(language, english, said)


def test_the_longest_that_a_bank_needs_is_never_said_without_that_it_is_often_less() -> None:
    """It is a limit, not what most drivers see. Each language is held to `often` by its glossary."""
    said = [english for english, _ in texts(TRANSLATED[0]) if "up to 7 days" in english]
    assert said
    assert [english for english in said if "often less" not in english] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_has_a_word_for_every_term(language: str) -> None:
    """The same terms in every table, each with a word."""
    terms = glossary(language).terms
    assert [one.english for one in terms] == [one.english for one in glossary("de").terms]
    assert len(terms) > 25
    assert all(one.says for one in terms)
