"""The six digits of a charge: the same for every screen, and nobody else's."""

from __future__ import annotations

import pytest

from kiosk.domain.stop_code import spaced, stop_code, stop_code_fits

NEW, OLD = "a-new-secret-that-is-long-enough-for-it", "an-old-secret-that-is-long-enough-for-it"


def test_the_digits_of_a_charge_are_six_and_stay_the_same() -> None:
    code = stop_code("key", [NEW])
    assert len(code) == 6
    assert code.isdigit()
    assert code == stop_code("key", [NEW, OLD])
    assert code != stop_code("other", [NEW])


def test_a_code_that_an_older_secret_made_still_fits() -> None:
    code = stop_code("key", [OLD])
    assert stop_code_fits("key", code, [NEW, OLD])
    assert not stop_code_fits("key", code, [NEW])
    assert not stop_code_fits("other", code, [NEW, OLD])


def test_after_a_right_was_taken_back_the_digits_are_others() -> None:
    codes = [stop_code("key", [NEW], turn) for turn in range(4)]
    assert len(set(codes)) == 4
    assert stop_code_fits("key", codes[2], [OLD, NEW], turn=2)
    assert not stop_code_fits("key", codes[0], [NEW], turn=1)


def test_spaces_do_not_count() -> None:
    code = stop_code("key", [NEW])
    assert stop_code_fits("key", spaced(code), [NEW])
    assert spaced("482913") == "482\N{NO-BREAK SPACE}913"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "\N{ARABIC-INDIC DIGIT ONE}" * 6])
def test_what_is_not_six_digits_fits_nothing(typed: str) -> None:
    assert not stop_code_fits("key", typed, [NEW])
