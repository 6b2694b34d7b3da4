"""The check words: enough of them, none that can be taken for another, and the same for the same number."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config.languages import LANGUAGES
from kiosk.web.shared.check_words import check_words, phrase_of

LISTS = [
    pytest.param(words, id=f"{language} {kind}")
    for language in LANGUAGES
    for kind, words in (("looks", check_words(language).looks), ("things", check_words(language).things))
]


def distance(one: str, other: str) -> int:
    """How many letters must be changed, added or left out to make one word the other."""
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, against in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != against)))
        before = now
    return before[-1]


@pytest.mark.parametrize("words", LISTS)
def test_there_are_at_least_48_short_words_of_letters(words: tuple[str, ...]) -> None:
    assert len(words) >= 48
    assert all(word.isalpha() and 3 <= len(word) <= 14 for word in words)


@pytest.mark.parametrize("words", LISTS)
def test_two_words_differ_in_more_than_one_letter(words: tuple[str, ...]) -> None:
    assert [pair for pair in combinations(words, 2) if distance(*pair) < 2] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_stands_in_both_places(language: str) -> None:
    assert not set(check_words(language).looks) & set(check_words(language).things)


def test_every_language_has_words_of_its_own() -> None:
    assert len({check_words(language).looks for language in LANGUAGES}) == len(LANGUAGES)
    assert len({check_words(language).things for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_puts_both_words_in_some_order(language: str) -> None:
    assert set(check_words(language).order.split()) == {"%(look)s", "%(thing)s"}


def test_the_words_stand_as_the_language_has_them() -> None:
    assert [phrase_of(0, language) for language in ("en", "de", "nl", "fr")] == [
        "amber anchor",
        "blauer Adler",
        "besneeuwde appel",
        "aigle acajou",
    ]


def test_a_language_without_words_gets_english_ones() -> None:
    assert phrase_of(7, "xx") == phrase_of(7, "en")


@given(st.integers(0, 2**64 - 1), st.sampled_from(sorted(LANGUAGES)))
def test_any_number_gives_two_words(number: int, language: str) -> None:
    words = check_words(language)
    first, second = sorted(phrase_of(number, language).split(), key=lambda word: word in words.things)
    assert first in words.looks
    assert second in words.things


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pair_can_come(language: str) -> None:
    words = check_words(language)
    pairs = len(words.looks) * len(words.things)
    assert len({words.pair(number) for number in range(pairs)}) == pairs
