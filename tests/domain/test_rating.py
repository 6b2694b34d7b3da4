"""What a connector can do: every word for its supply, and the least of whatever is said of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.fuses import FuseConnector
from kiosk.domain.rating import Ability, Rating, Supply, ability, supply_of

AC1, AC3, DC = Supply.AC_1_PHASE, Supply.AC_3_PHASE, Supply.DC
figures = st.none() | st.decimals(0, 400, places=2)


def of(
    supply: Supply | None = None,
    amperes: object = None,
    kw: object = None,
    word: str | None = None,
    *listed: FuseConnector,
) -> Ability:
    return ability(
        Rating(
            supply,
            None if amperes is None else Decimal(str(amperes)),
            None if kw is None else Decimal(str(kw)),
        ),
        word,
        listed,
    )


@pytest.mark.parametrize(
    ("word", "supply"),
    [
        ("AC_1_PHASE", AC1),
        ("AC_2_PHASE", Supply.AC_2_PHASE),
        ("AC_2_PHASE_SPLIT", Supply.AC_2_PHASE),
        ("AC_3_PHASE", AC3),
        ("ac 3-phase", AC3),
        ("AC3", AC3),
        ("DC", DC),
        ("dc fast", DC),
        ("AC", None),
        ("", None),
        (None, None),
        ("three", None),
        ("AC_٣_PHASE", None),
    ],
)
def test_the_supply_is_read_from_upstreams_word(word: str | None, supply: Supply | None) -> None:
    assert supply_of(word) is supply


@pytest.mark.parametrize(
    ("supply", "amperes", "kw", "most_kw", "most_amperes"),
    [
        (AC3, 32, None, "22.0", "32.000"),
        (AC3, 16, None, "11.0", "16.000"),
        (AC3, 32, 11, "11.0", "15.942"),
        (AC3, None, 22, "22.0", "31.884"),
        (AC1, 32, None, "7.3", "32.000"),
        (Supply.AC_2_PHASE, 16, None, "7.3", "16.000"),
        (DC, 63, None, "40.4", "63.000"),
        (DC, None, 150, "150.0", "233.754"),
        (DC, 200, 150, "128.3", "200.000"),
        (AC3, 0, 22, "0.0", "0.000"),
        (AC3, -5, -3, "0.0", "0.000"),
    ],
)
def test_the_power_follows_from_the_current_and_the_phases(
    supply: Supply, amperes: int | None, kw: int | None, most_kw: str, most_amperes: str
) -> None:
    can = of(supply, amperes, kw)
    assert (str(can.most_kw), str(can.amperes)) == (most_kw, most_amperes)
    assert can.supply_known


@pytest.mark.parametrize(
    ("amperes", "kw", "phases"),
    [(None, "3.7", 1), (None, "7.4", 1), (None, 11, 3), (None, 22, 3), (None, 50, 3), (32, "7.4", 1), (16, 11, 3)],
)
def test_a_supply_that_nobody_names_is_the_one_that_the_power_fits_to(
    amperes: int | None, kw: object, phases: int
) -> None:
    can = of(None, amperes, kw)
    assert (can.phases, can.supply_known) == (phases, True)


def test_the_rounding_of_a_plate_is_no_bound() -> None:
    assert of(AC1, 32, "7.4").most_kw == Decimal("7.4")
    assert of(AC1, 31, "7.4").most_kw == Decimal("7.1")


def test_a_power_above_every_socket_is_that_of_a_fast_charger() -> None:
    assert of(kw=50).kw_per_ampere == of(DC).kw_per_ampere


def test_without_any_word_on_the_supply_one_phase_is_assumed() -> None:
    can = of(None, 32)
    assert (can.most_kw, can.supply_known) == (Decimal("7.3"), False)


def test_of_a_connector_that_nobody_describes_nothing_is_known() -> None:
    can = of()
    assert (can.amperes, can.most_kw, can.least_amperes, can.supply_known) == (None, None, Decimal(6), False)


def test_the_tree_tells_the_phases_when_nobody_else_does() -> None:
    can = of(None, None, None, None, FuseConnector(most_amperes=Decimal(16), phases=3))
    assert (can.most_kw, can.supply_known) == (Decimal("11.0"), True)


def test_when_word_and_tree_differ_the_fewer_phases_count() -> None:
    assert of(None, 32, None, "AC_3_PHASE", FuseConnector(phases=1)).most_kw == Decimal("7.3")
    assert of(None, 32, None, "AC_1_PHASE", FuseConnector(phases=3)).most_kw == Decimal("7.3")


def test_a_rating_outweighs_upstreams_word() -> None:
    assert of(AC3, 16, None, "AC_1_PHASE").most_kw == Decimal("11.0")


def test_a_connector_listed_twice_can_do_what_both_entries_allow() -> None:
    entries = (
        FuseConnector(least_amperes=Decimal(8), most_amperes=Decimal(32)),
        FuseConnector(least_amperes=Decimal(10), most_amperes=Decimal(20)),
    )
    can = of(AC3, 63, None, None, *entries)
    assert (can.amperes, can.least_amperes) == (Decimal(20), Decimal(10))


def test_no_car_is_offered_less_than_six_amperes() -> None:
    assert of(AC3, 32, None, None, FuseConnector(least_amperes=Decimal(1))).least_amperes == Decimal(6)


@given(st.none() | st.sampled_from(Supply), figures, figures, st.decimals(0, 500, places=3))
def test_no_current_gives_more_than_the_connector_can_do(
    supply: Supply | None, amperes: Decimal | None, kw: Decimal | None, current: Decimal
) -> None:
    can = ability(Rating(supply, amperes, kw), None, ())
    assert can.most_kw is None or can.kw(current) <= can.most_kw
    assert amperes is None or (can.amperes is not None and can.amperes <= amperes)
    assert kw is None or (can.most_kw is not None and can.most_kw <= kw)
    assert can.amperes is None or can.kw(can.amperes) <= can.kw(can.amperes + 1)


def test_an_absurd_figure_is_no_error() -> None:
    assert of(AC3, "1E+60", "1E+70").most_kw == Decimal("1000000.0")


@given(
    st.integers(100, 480),
    st.decimals(6, 63, places=1),
    st.sampled_from([(AC1, 1), (Supply.AC_2_PHASE, 2), (AC3, 3)]),
)
def test_amperes_become_power_by_the_volts_of_the_site(volts: int, amperes: Decimal, told: tuple[Supply, int]) -> None:
    supply, phases = told
    can = ability(Rating(supply, amperes, kilovolts=Decimal(volts) / 1000), None, ())
    exact = amperes * volts * phases / 1000
    assert exact - Decimal("0.1") < can.kw(amperes) <= exact
    assert can.most_kw == can.kw(amperes)


def test_where_nobody_says_the_volts_they_are_europes() -> None:
    assert ability(Rating(AC3, Decimal(32)), None, ()).most_kw == Decimal("22.0")
    american = ability(Rating(AC1, Decimal(40), kilovolts=Decimal("0.12")), None, ())
    assert american.most_kw == Decimal("4.8")


@pytest.mark.parametrize(
    ("supply", "rotation", "lines"),
    [
        (AC1, "R", (1,)),
        (AC1, "T", (3,)),
        (AC1, "STR", (2,)),
        (AC1, "trs", (3,)),
        (AC1, "RTS", (1,)),
        (AC1, "RST", None),  # what a charger says that nobody has told how it hangs
        (AC1, "RS", (1,)),
        (AC1, "Unknown", None),
        (AC1, "NotApplicable", None),
        (AC1, "SS", None),
        (AC1, "", None),
        (AC1, None, None),
        (Supply.AC_2_PHASE, "TRS", (1, 3)),
        (Supply.AC_2_PHASE, "ST", (2, 3)),
        (Supply.AC_2_PHASE, "S", None),
        (AC3, "STR", (1, 2, 3)),
        (DC, "S", (1, 2, 3)),
    ],
)
def test_the_phases_of_a_plug_follow_from_how_it_is_turned(
    supply: Supply, rotation: str | None, lines: tuple[int, ...] | None
) -> None:
    assert ability(Rating(supply, Decimal(32), rotation=rotation), None, ()).lines == lines


@pytest.mark.parametrize(("rotation", "phases"), [("T", 1), ("ST", 2), ("STR", 1), (None, 1)])
def test_a_turn_of_one_or_two_phases_tells_how_many_there_are(rotation: str | None, phases: int) -> None:
    can = ability(Rating(max_amperes=Decimal(32), rotation=rotation), None, ())
    assert (can.phases, can.supply_known) == (phases, rotation in {"T", "ST"})


def test_what_operator_or_fuse_tree_say_of_a_phase_goes_before_how_it_is_turned() -> None:
    listed = [FuseConnector(phases=1, lines=(2,))]
    assert ability(Rating(AC1, rotation="T"), None, listed).lines == (2,)
    assert ability(Rating(AC1, phase=1, rotation="T"), None, ()).lines == (1,)
