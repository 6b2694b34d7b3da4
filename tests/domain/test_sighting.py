"""How the operator's view changes a card: nothing is made up, nothing is lost, the younger word wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import STALE_AFTER, BayState, ChargerCard, Connector, Drawn, bay_state, merge
from kiosk.domain.sighting import NEVER, Price, Sighting, card_with, drawn_of, same_but_for_time
from kiosk.domain.site_board import PowerUsage
from kiosk.domain.tariff import Tariff

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
TIMES = st.integers(-600, 600).map(lambda seconds: NOW + timedelta(seconds=seconds))
WORDS = st.sampled_from(["Available", "Preparing", "Charging", "Faulted", "Nonsense", None])
PLUGS = st.sampled_from(["IEC 62196", None])
CONNECTORS = st.lists(
    st.builds(Connector, st.integers(1, 5), WORDS, PLUGS, PLUGS, PLUGS), max_size=5, unique_by=lambda c: c.connector_id
).map(tuple)
TARIFFS = st.none() | st.builds(Tariff, st.just("EUR"), st.integers(1, 99), st.integers(0, 99))
HOLDS = st.none() | st.integers(1, 9999)
ONLINE = st.sampled_from([True, False, None])
CARDS = st.none() | st.builds(
    ChargerCard, st.just("ABC"), st.just("Charger"), ONLINE, CONNECTORS, TARIFFS, HOLDS, TIMES, st.none() | TIMES
)
SIGHTINGS = st.builds(
    Sighting, st.just("ABC"), ONLINE, CONNECTORS, st.none() | st.builds(Price, TARIFFS, HOLDS, TIMES), TIMES
)


@given(CARDS, SIGHTINGS)
def test_states_are_those_of_the_sighting_and_what_it_leaves_out_is_not_known(
    previous: ChargerCard | None, seen: Sighting
) -> None:
    card = card_with(previous, seen)
    if card is None:
        assert seen.online is None or (previous is not None and seen.at < previous.seen_at)
        return
    assert (card.seen_at, card.online) == (seen.at, seen.online)
    assert card.online is not None
    told = {each.connector_id: each.status for each in seen.connectors}
    known = {each.connector_id for each in previous.connectors} if previous is not None else set()
    assert [each.connector_id for each in card.connectors] == sorted(told.keys() | known)
    for each in card.connectors:
        word = told.get(each.connector_id)
        before = previous.connector(each.connector_id) if previous is not None else None
        if word is None and each.connector_id in told and before is not None and previous is not None:
            young = seen.at - previous.seen_at <= STALE_AFTER
            word = before.status if young else None
        assert each.status == word
        if each.connector_id not in told:
            assert bay_state(card, each, seen.at) is BayState.NOT_KNOWN


@given(CARDS, SIGHTINGS)
def test_the_price_on_the_card_is_one_of_the_two_and_never_the_older(
    previous: ChargerCard | None, seen: Sighting
) -> None:
    card = card_with(previous, seen)
    if card is None:
        return
    offered = [(seen.price.tariff, seen.price.preauth_minor, seen.price.at)] if seen.price is not None else []
    if previous is not None:
        known_at = previous.priced_at or previous.seen_at
        offered.append((previous.tariff, previous.preauth_minor, known_at))
    if not offered:
        offered = [(None, None, NEVER)]
    assert (card.tariff, card.preauth_minor, card.priced_at) in offered
    assert card.priced_at == max(at for _, _, at in offered)


@given(CARDS, SIGHTINGS)
def test_name_and_plugs_are_never_lost(previous: ChargerCard | None, seen: Sighting) -> None:
    card = card_with(previous, seen)
    if card is None or previous is None:
        return
    assert card.name == previous.name
    for before in previous.connectors:
        after = card.connector(before.connector_id)
        assert after is not None
        assert after.standard or not before.standard
        assert after.power_type or not before.power_type


@given(CARDS, SIGHTINGS)
def test_a_sighting_that_says_nothing_new_changes_nothing_but_times(
    previous: ChargerCard | None, seen: Sighting
) -> None:
    card = card_with(previous, seen)
    if card is not None:
        again = card_with(card, seen)
        assert again is None or same_but_for_time(card, again)
    assert card is None or not same_but_for_time(None, card)


def test_a_word_that_stays_keeps_since_when_and_one_that_changes_gets_it() -> None:
    price = Price(None, None, NOW)

    def seen(word: str, seconds: int) -> Sighting:
        return Sighting("ABC", True, (Connector(1, word),), price, NOW + timedelta(seconds=seconds))

    card = card_with(None, seen("Available", 0))
    changed = card_with(card, seen("Charging", 15))
    stays = card_with(changed, seen("Charging", 30))
    assert stays is not None
    assert stays.connectors[0].since == NOW + timedelta(seconds=15)


# --- words that are left out


def seen_at(seconds: float, *words: str | None) -> Sighting:
    """Of bays 1, 2 and so on; "-" is a bay that is not listed."""
    bays = tuple(Connector(number, word) for number, word in enumerate(words, 1) if word != "-")
    return Sighting("ABC", True, bays, None, NOW + timedelta(seconds=seconds))


def after(*story: tuple[float, str | None]) -> ChargerCard:
    """The card after these words of bay 2, at these seconds."""
    card = card_with(None, seen_at(0, "Available", "Available"))
    for seconds, word in story:
        card = card_with(card, seen_at(seconds, "Available", word)) or card
    assert card is not None
    return card


def state(card: ChargerCard, seconds: float) -> BayState:
    return bay_state(card, card.connectors[1], NOW + timedelta(seconds=seconds))


def test_what_does_not_know_whether_the_charger_is_online_renews_no_card() -> None:
    card = after()
    assert card_with(card, replace(seen_at(15, "Available"), online=None)) is None
    assert card_with(None, replace(seen_at(15, "Available"), online=None)) is None


def test_a_bay_that_is_listed_without_a_word_keeps_its_own_for_a_minute_and_no_moment_longer() -> None:
    told = after((15, "Charging"))
    silent = after((15, "Charging"), (30, None))
    assert state(silent, 30) is BayState.IN_USE
    assert same_but_for_time(told, silent)
    later = after((15, "Charging"), (30, None), (45, None), (60, None), (75, None))
    assert state(later, 75) is BayState.IN_USE
    assert later.connectors[1].since == told.connectors[1].since
    assert state(later, 76) is BayState.NOT_KNOWN
    assert state(later, 76) is not bay_state(later, later.connectors[0], NOW + timedelta(seconds=76))
    gone = card_with(later, seen_at(90, "Available", None))
    assert gone is not None
    assert gone.connectors[1].status is None
    assert not same_but_for_time(later, gone)


def test_a_word_that_was_said_again_is_known_for_as_long_as_any_other() -> None:
    card = after((15, "Charging"), (30, None), (45, "Charging"))
    assert state(card, 105) is BayState.IN_USE
    assert card == after((15, "Charging"), (45, "Charging"))


@pytest.mark.parametrize(
    ("silence", "back_at", "word", "since"),
    [
        ("-", 75, "Charging", 15),
        ("-", 90, "Charging", 90),
        ("-", 75, "Faulted", 75),
        (None, 75, "Charging", 15),
        (None, 105, "Charging", 105),
        (None, 75, "Faulted", 75),
    ],
)
def test_a_word_that_comes_back_within_the_minute_has_never_changed(
    silence: str | None, back_at: int, word: str, since: float
) -> None:
    missing = [(float(seconds), silence) for seconds in range(30, back_at, 15)]
    card = after((15, "Charging"), *missing, (back_at, word))
    assert card.connectors[1] == Connector(2, word, since=NOW + timedelta(seconds=since))


def test_a_bay_that_was_not_listed_is_not_known_also_when_it_is_listed_without_a_word() -> None:
    card = after((15, "Charging"), (30, "-"), (45, None))
    assert state(card, 45) is BayState.NOT_KNOWN
    back = card_with(card, seen_at(60, "Available", "Charging"))
    assert back is not None
    assert back.connectors[1].since == NOW + timedelta(seconds=15)


def test_the_public_card_too_brings_a_word_back() -> None:
    card = after((15, "Charging"), (30, "-"))
    public = replace(card, connectors=(Connector(2, "Charging"),), seen_at=NOW + timedelta(seconds=40))
    assert merge(card, public).connectors == (Connector(2, "Charging", since=NOW + timedelta(seconds=15)),)


@pytest.mark.parametrize(("out", "at"), [(True, 20), (False, None), (None, 10)])
def test_what_a_view_says_of_the_whole_charger_counts_and_silence_changes_nothing(
    out: bool | None, at: int | None
) -> None:
    def later(seconds: int) -> datetime:
        return NEVER + timedelta(seconds=seconds)

    one = (Connector(1, "Available"),)
    before = ChargerCard("7MK4T", None, True, one, None, None, later(10), out_at=later(10))
    card = card_with(before, Sighting("7MK4T", True, one, None, later(20), out))
    assert card is not None
    assert card.out_at == (None if at is None else later(at))


# --- what flows at a bay


def usage(age: float | None = 10, kw: str | None = "11", **amperes: str) -> PowerUsage:
    at = None if age is None else NOW - timedelta(seconds=age)
    phases = {f"{name}_amperes": Decimal(figure) for name, figure in amperes.items()}
    return PowerUsage(
        at,
        **{"l1_amperes": None, "l2_amperes": None, "l3_amperes": None} | phases,
        kw=None if kw is None else Decimal(kw),
    )


def test_what_flows_is_its_power_and_the_amperes_of_its_fullest_phase() -> None:
    assert drawn_of(usage(l1="15.9", l2="16.1", l3="-1"), NOW) == Drawn(
        Decimal(11), Decimal("16.1"), NOW - timedelta(seconds=10)
    )
    assert drawn_of(usage(kw="0"), NOW) == Drawn(Decimal(0), None, NOW - timedelta(seconds=10))


@pytest.mark.parametrize(
    "told",
    [usage(kw=None, l1="16"), usage(age=None), usage(age=151), usage(age=-6), usage(kw="-1"), usage(kw="11000")],
    ids=["no power", "no time", "old", "not yet", "back into the grid", "watts"],
)
def test_what_is_not_told_or_not_of_now_or_of_no_car_says_nothing(told: PowerUsage) -> None:
    assert drawn_of(told, NOW) is None


def test_a_clock_that_is_a_little_ahead_makes_nothing_younger_than_the_question() -> None:
    drawn = drawn_of(usage(age=-4), NOW)
    assert drawn is not None
    assert drawn.at == NOW


@pytest.mark.parametrize(
    ("word", "since", "age", "counts"),
    [
        ("Charging", None, 10, True),
        ("Charging", -100, 10, True),
        ("Charging", -69, 10, False),  # it had begun less than a minute before
        ("Charging", None, 150, True),
        ("Charging", None, 151, False),
        ("Charging", None, -1, False),
        ("SuspendedEV", None, 10, False),
        ("Available", None, 10, False),
        (None, None, 10, False),
    ],
)
def test_what_was_drawn_counts_while_the_same_car_charges_and_not_for_long(
    word: str | None, since: float | None, age: float, counts: bool
) -> None:
    began = None if since is None else NOW + timedelta(seconds=since)
    drawn = Drawn(Decimal(11), None, NOW - timedelta(seconds=age))
    assert (Connector(1, word, since=began, drawn=drawn).drawn_by(NOW) is drawn) is counts


def test_what_the_operators_view_alone_tells_of_a_plug_stays_when_others_do_not_speak_of_it() -> None:
    drawn = Drawn(Decimal(11), Decimal(16), NOW)
    told = Connector(1, "Charging", phase_rotation="STR", drawn=drawn)
    card = card_with(None, Sighting("ABC", True, (told,), None, NOW))
    again = card_with(card, Sighting("ABC", True, (Connector(1, "Charging"),), None, NOW + timedelta(seconds=15)))
    public = merge(again, ChargerCard("ABC", None, True, (Connector(1, "Charging"),), None, None, NOW))
    for seen in (again, public):
        assert seen is not None
        assert [(one.phase_rotation, one.drawn) for one in seen.connectors] == [("STR", drawn)]


def test_what_flows_is_no_news_to_who_reads_the_card() -> None:
    card = card_with(None, Sighting("ABC", True, (Connector(1, "Charging"),), None, NOW))
    assert card is not None
    drawn = Drawn(Decimal(11), None, NOW)
    assert same_but_for_time(card, replace(card, connectors=(replace(card.connectors[0], drawn=drawn),)))
