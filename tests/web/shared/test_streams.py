"""Open streams: counted while they are open, and no client can take those of everybody."""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from kiosk.news.news import TooManyStreams
from kiosk.web.shared.streams import (
    KEPT_FOR_OWNERS,
    LEAST_OF_A_NETWORK,
    OF_A_SESSION,
    OF_A_SESSION_FROM_ONE_NETWORK,
    OF_ITS_OWNERS,
    SHARE_OF_A_NETWORK,
    OpenStreams,
)

MOST = 500


def opened(
    streams: OpenStreams, asked: list[tuple[str, str]], stack: ExitStack, *, owner: bool = False, most: int = MOST
) -> int:
    """How many of them were let in."""
    count = 0
    for network, key in asked:
        try:
            stack.enter_context(streams.one_more(network, key, most, owner=owner))
        except TooManyStreams:
            continue
        count += 1
    return count


def test_one_network_has_its_share_and_others_still_theirs() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        assert opened(streams, [("one", f"key-{n}") for n in range(500)], stack) == MOST // SHARE_OF_A_NETWORK
        assert opened(streams, [("other", "key-0")], stack) == 1


def test_one_session_has_only_so_many_from_one_network_and_from_all() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        assert opened(streams, [("one", "key")] * 50, stack) == OF_A_SESSION_FROM_ONE_NETWORK
        assert opened(streams, [(f"n{n}", "key") for n in range(50)], stack) == (
            OF_A_SESSION - OF_A_SESSION_FROM_ONE_NETWORK
        )
        assert opened(streams, [("one", "another")], stack) == 1


def test_a_hundred_networks_leave_the_owners_their_part() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        strangers = [(f"n{n % 100}", f"key-{n}") for n in range(5000)]
        assert opened(streams, strangers, stack) == MOST - MOST // KEPT_FOR_OWNERS
        drivers = [("n1", f"own-{n}") for n in range(90)]
        assert opened(streams, drivers, stack, owner=True) == 90


def test_a_charge_gives_its_owners_only_so_many_beside_those_of_anybody() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        let_in = opened(streams, [("one", "key")] * 50, stack, owner=True)
        assert let_in == OF_ITS_OWNERS + OF_A_SESSION_FROM_ONE_NETWORK
        assert opened(streams, [("two", "key")], stack) == 1


def test_the_smallest_kiosk_has_a_stream_for_anybody() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        assert opened(streams, [("one", "key")], stack, most=1) == 1


def test_what_is_closed_makes_room() -> None:
    streams = OpenStreams()
    for _ in range(3):
        with ExitStack() as stack:
            assert opened(streams, [("one", "key")] * 9, stack) == OF_A_SESSION_FROM_ONE_NETWORK
    assert not streams.counted()
    with ExitStack() as stack:
        assert opened(streams, [("one", "key")] * 9, stack) == OF_A_SESSION_FROM_ONE_NETWORK


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=80), st.integers(1, 1000))
def test_a_small_kiosk_lets_a_network_have_some(asked: list[tuple[str, str]], most: int) -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        held = []
        for network, key in asked:
            try:
                stack.enter_context(streams.one_more(network, key, most))
            except TooManyStreams:
                continue
            held.append((network, key))
        for network in "abc":
            cap = max(LEAST_OF_A_NETWORK, most // SHARE_OF_A_NETWORK)
            mine = sum(each == network for each, _key in held)
            asked_for = sum(each == network for each, _key in asked)
            assert mine <= cap
            assert mine >= min(asked_for, 1) or len(held) >= max(1, most - most // KEPT_FOR_OWNERS)
