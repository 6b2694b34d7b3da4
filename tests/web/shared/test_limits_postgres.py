"""Limits of two instances over one PostgreSQL: who has used up their tries at one has none at the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from limits import RateLimitItemPerMinute
from limits.strategies import SlidingWindowCounterRateLimiter

from kiosk.clock import SystemClock
from kiosk.store import Cipher, Store
from kiosk.store.errors import CannotWrite, Trouble, Unavailable
from kiosk.web.shared.limits import Counts
from tests.worlds.once import SECRET
from tests.worlds.postgres import drop_database, new_database

pytestmark = pytest.mark.postgres
FIVE = RateLimitItemPerMinute(5)


@pytest.fixture
def pair() -> Iterator[list[SlidingWindowCounterRateLimiter]]:
    url = new_database()
    stores = [Store(url, Cipher([SECRET])) for _ in range(2)]
    made = []
    for store in stores:
        counts = Counts("counts://")
        counts.share(store, SystemClock())
        made.append(SlidingWindowCounterRateLimiter(counts))
    yield made
    for store in stores:
        store.close()
    drop_database(url)


def test_guesses_at_two_instances_are_counted_together(pair: list[SlidingWindowCounterRateLimiter]) -> None:
    assert [pair[n % 2].hit(FIVE, "192.0.2.1", "takeover") for n in range(7)] == [True] * 5 + [False] * 2
    assert not pair[1].test(FIVE, "192.0.2.1", "takeover")
    assert pair[1].test(FIVE, "192.0.2.2", "takeover")
    assert pair[0].get_window_stats(FIVE, "192.0.2.1", "takeover").remaining == 0


def test_pages_are_counted_by_each_alone(pair: list[SlidingWindowCounterRateLimiter]) -> None:
    assert [pair[n % 2].hit(FIVE, "192.0.2.1", "page") for n in range(10)] == [True] * 10


def test_while_the_store_does_not_answer_each_counts_alone(
    pair: list[SlidingWindowCounterRateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot_write(*_asked: object) -> int:
        raise CannotWrite(Trouble.AWAY)

    def cannot_read(*_asked: object) -> int:
        raise Unavailable(Trouble.AWAY)

    monkeypatch.setattr(Store, "hit", cannot_write)
    monkeypatch.setattr(Store, "hits", cannot_read)
    assert [pair[0].hit(FIVE, "192.0.2.1", "write") for _ in range(6)] == [True] * 5 + [False]
