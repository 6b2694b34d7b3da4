"""Two check words that the tablet and the phone show alike, so that the driver sees that the page is the right one.

A colour or a look, and a plain thing, in the tablet's language. Both lists come from its catalogue, so that a number
gives the same words wherever they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.languages import catalogue


@dataclass(frozen=True, slots=True)
class CheckWords:
    """`order` says which of the two words the language puts first."""

    looks: tuple[str, ...]
    things: tuple[str, ...]
    order: str

    def pair(self, number: int) -> str:
        rest, look = divmod(number, len(self.looks))
        return self.order % {"look": self.looks[look], "thing": self.things[rest % len(self.things)]}


def check_words(language: str) -> CheckWords:
    """The words of that language. Without a catalogue it has the English ones."""
    said = catalogue(language)
    # Translators: at least 48 looks or colours in one word of 3 to 14 letters, no two alike. They need not be the
    # same as in English. Where things have a gender, use the form that goes with the things below.
    looks = said.gettext(
        "amber azure blue brass bronze cherry cloudy cobalt copper cotton crystal emerald frosty glass golden granite "
        "green grey indigo ivory lemon lilac linen marble mint misty olive orange paper pearl pink plum purple red "
        "round ruby sandy scarlet silver snowy starry striped sunny turquoise velvet violet walnut white wooden "
        "yellow"
    )
    # Translators: at least 48 plain things in one word of 3 to 14 letters, no two alike, all of one gender where the
    # language has one. They need not be the same as in English, and no word may stand in both lists.
    things = said.gettext(
        "anchor apple badger balloon basket bell bicycle bridge button candle castle compass dolphin drum eagle "
        "falcon feather fox garden giraffe harbour hedgehog island kettle kite ladder lantern lighthouse lizard "
        "meadow otter owl panda penguin piano pillow rabbit river rocket spoon squirrel teapot tiger tower tractor "
        "tulip umbrella violin whale window zebra"
    )
    # Translators: the two check words, in the order in which the language puts them.
    order = said.gettext("%(look)s %(thing)s")
    return CheckWords(tuple(looks.split()), tuple(things.split()), order)


def phrase_of(number: int, language: str) -> str:
    """The two words for a number, in that language."""
    return check_words(language).pair(number)
