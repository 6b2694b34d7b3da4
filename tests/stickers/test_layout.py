"""One sticker: everything has a place of its own, whatever the operator wrote."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.config.settings import SettingsError
from kiosk.stickers.layout import LEAST_MODULE, Box, Facts, Fill, Sticker, lay_out
from kiosk.stickers.sizes import SIZES, Size
from kiosk.stickers.words import in_order, words
from tests.examples import at_most
from tests.stickers.facts import FACTS, any_facts, apart, inside

QUIET_ZONE = 4
"""Modules, as the standard of QR codes wants."""

any_size = st.sampled_from(list(SIZES.values()))
each_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def ground(sticker: Sticker, box: Box) -> Fill:
    """The topmost fill that a box touches; the box must lie wholly in it."""
    touched = [fill for fill in sticker.fills if not apart(fill.box, box)][-1]
    assert inside(box, touched.box)
    return touched


@given(facts=any_facts(), size=any_size)
@settings(max_examples=at_most(60))
def test_nothing_overlaps_or_leaves_the_sticker(facts: Facts, size: Size) -> None:
    sticker = lay_out(facts, size)
    boxes = [line.box for line in sticker.lines] + [sticker.code.box]
    margin = Box(0, 0, size.width, size.height).grown(-1)
    assert all(inside(box, margin) for box in boxes)
    assert all(apart(one, other) for one, other in combinations(boxes, 2))


@given(facts=any_facts(), size=any_size)
@settings(max_examples=at_most(40))
def test_every_text_lies_on_one_ground_that_it_stands_out_from(facts: Facts, size: Size) -> None:
    sticker = lay_out(facts, size)
    for line in sticker.lines:
        assert {line.paint, ground(sticker, line.box).paint} in ({"white", "brand"}, {"white", "ink"})
    assert ground(sticker, sticker.code.box).paint == "white"


@given(facts=any_facts(), size=any_size)
@settings(max_examples=at_most(40))
def test_the_code_is_large_enough_and_keeps_its_quiet_zone(facts: Facts, size: Size) -> None:
    code = lay_out(facts, size).code
    assert code.side >= max(20, size.code, size.distance_cm)  # centimetres over ten are millimetres
    assert code.module >= LEAST_MODULE
    zone = code.box.grown(-QUIET_ZONE * code.module)
    assert all(inside(bar, zone) for bar in code.dark())


@given(facts=any_facts(), size=any_size)
@settings(max_examples=at_most(20))
def test_every_word_is_printed_once(facts: Facts, size: Size) -> None:
    printed = sorted(word for line in lay_out(facts, size).lines for word in line.text.split())
    given_words = [facts.operator, facts.domain, facts.code, facts.label or "", facts.helpline or ""]
    said = [words.way for words in facts.words]
    if facts.helpline:
        said.append(" · ".join(dict.fromkeys(words.help for words in facts.words)))
    assert printed == sorted(" ".join([*given_words, *said]).split())


def test_the_dark_bars_are_the_modules() -> None:
    code = lay_out(FACTS, SIZES["60x80"]).code
    dark = {
        (
            round(bar.x / code.module - code.box.x / code.module) + step - QUIET_ZONE,
            round((bar.y - code.box.y) / code.module),
        )
        for bar in code.dark()
        for step in range(round(bar.width / code.module))
    }
    assert dark == {(x, y + QUIET_ZONE) for y, row in enumerate(code.rows) for x, on in enumerate(row) if on}


@each_size
def test_the_example_is_printed_in_six_points_or_more(size: Size) -> None:
    assert lay_out(FACTS, size).small == ()


@each_size
def test_the_code_is_the_largest_text_below_the_band(size: Size) -> None:
    lines = {line.text: line.size for line in lay_out(FACTS, size).lines if line.paint == "ink"}
    assert lines.pop("7MK4T") > max(lines.values())


def test_a_long_operator_name_wraps_before_it_shrinks_away() -> None:
    sticker = lay_out(replace(FACTS, operator="Gemeindewerke und Energieversorgung Lindenau"), SIZES["60x80"])
    rows = [line for line in sticker.lines if line.paint == "white"]
    assert len(rows) > 1
    assert sticker.small == ()


def test_a_word_that_cannot_be_broken_shrinks_and_is_told() -> None:
    sticker = lay_out(replace(FACTS, operator="W" * 60), SIZES["60x80"])
    assert sticker.small == ("W" * 60,)


def test_without_label_and_helpline_the_rest_has_more_room() -> None:
    full, bare = (lay_out(facts, SIZES["80x110"]) for facts in (FACTS, replace(FACTS, label=None, helpline=None)))
    assert len(bare.fills) == len(full.fills) - 1
    assert {line.text for line in full.lines} - {line.text for line in bare.lines} == {
        "3 · 4",
        "Help · Hulp · Hilfe · Aide  ",
        "0800 555 0142",
    }


def test_one_language_makes_larger_letters_than_four() -> None:
    one, four = (
        [line.size for line in lay_out(facts, SIZES["60x80"]).lines if line.text == words("en").way]
        for facts in (replace(FACTS, words=in_order(("en",), "en")), FACTS)
    )
    assert one > four


@pytest.mark.parametrize("field", ["operator", "label", "helpline", "domain", "code"])
def test_a_letter_that_cannot_be_drawn_is_refused(field: str) -> None:
    with pytest.raises(SettingsError, match=r"cannot print 'Ж' of 'Ж1': write it in Latin letters"):
        lay_out(Facts(**vars(FACTS) | {field: "Ж1"}), SIZES["60x80"])


def test_an_address_whose_code_would_be_too_fine_is_refused() -> None:
    with pytest.raises(SettingsError, match="too long for a sticker of 60x80 mm"):
        lay_out(replace(FACTS, address=f"https://{'a' * 300}.example/c/7MK4T"), SIZES["60x80"])


@given(facts=any_facts(), size=any_size)
@settings(max_examples=at_most(10))
def test_the_same_facts_make_the_same_sticker(facts: Facts, size: Size) -> None:
    assert lay_out(facts, size) == lay_out(facts, size)
