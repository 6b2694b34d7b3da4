"""How the operator's view changes a card: nothing is made up, nothing is lost, the younger word wins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import AHEAD, BayState, ChargerCard, Connector, bay_state
from kiosk.domain.sighting import NEVER, Price, Sighting, same_but_for_time, sighted
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
    card = sighted(previous, seen, NOW)
    if card is None:
        assert previous is not None
        assert seen.at < previous.seen_at <= NOW + AHEAD
        return
    assert (card.seen_at, card.online) == (seen.at, seen.online)
    told = {each.connector_id: each.status for each in seen.connectors}
    known = {each.connector_id for each in previous.connectors} if previous is not None else set()
    assert [each.connector_id for each in card.connectors] == sorted(told.keys() | known)
    for each in card.connectors:
        assert each.status == told.get(each.connector_id)
        if each.connector_id not in told:
            assert bay_state(card, each, seen.at) is BayState.NOT_KNOWN


@given(CARDS, SIGHTINGS)
def test_the_price_on_the_card_is_one_of_the_two_and_never_the_older(
    previous: ChargerCard | None, seen: Sighting
) -> None:
    card = sighted(previous, seen, NOW)
    if card is None:
        return
    offered = [(seen.price.tariff, seen.price.preauth_minor, seen.price.at)] if seen.price is not None else []
    if previous is not None:
        known_at = previous.priced_at or previous.seen_at
        if known_at <= NOW + AHEAD or not offered:
            offered.append((previous.tariff, previous.preauth_minor, known_at))
    if not offered:
        offered = [(None, None, NEVER)]
    assert (card.tariff, card.preauth_minor, card.priced_at) in offered
    assert card.priced_at == max(at for _, _, at in offered)


@given(CARDS, SIGHTINGS)
def test_name_and_plugs_are_never_lost(previous: ChargerCard | None, seen: Sighting) -> None:
    card = sighted(previous, seen, NOW)
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
    card = sighted(previous, seen, NOW)
    if card is not None:
        again = sighted(card, seen, NOW)
        assert again is None or same_but_for_time(card, again)
    assert card is None or not same_but_for_time(None, card)


def test_a_word_that_stays_keeps_since_when_and_one_that_changes_gets_it() -> None:
    price = Price(None, None, NOW)

    def seen(word: str, seconds: int) -> Sighting:
        return Sighting("ABC", True, (Connector(1, word),), price, NOW + timedelta(seconds=seconds))

    card = sighted(None, seen("Available", 0), NOW)
    changed = sighted(card, seen("Charging", 15), NOW + timedelta(seconds=16))
    stays = sighted(changed, seen("Charging", 30), NOW + timedelta(seconds=31))
    assert stays is not None
    assert stays.connectors[0].since == NOW + timedelta(seconds=15)
