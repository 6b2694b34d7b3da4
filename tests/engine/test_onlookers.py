"""Who watches: now, a moment ago, or, as far as this engine can know, since it began to lead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from kiosk.engine.onlookers import Onlookers
from kiosk.news.local import LocalNews
from kiosk.news.news import session_topic

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def pages() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def news() -> LocalNews:
    return LocalNews()


@pytest.fixture
def onlookers(news: LocalNews) -> Onlookers:
    made = Onlookers(news)
    made.take_over(NOW)
    return made


def test_an_open_page_is_seen_now(onlookers: Onlookers, news: LocalNews, pages: ExitStack) -> None:
    assert not onlookers.here("key")
    pages.enter_context(news.subscribe(session_topic("key")))
    assert onlookers.here("key")
    assert onlookers.last_seen("key", after(50)) == after(50)
    assert not onlookers.here("another")


def test_a_page_that_was_closed_was_seen_last_when_somebody_looked(
    onlookers: Onlookers, news: LocalNews, pages: ExitStack
) -> None:
    pages.enter_context(news.subscribe(session_topic("key")))
    onlookers.last_seen("key", after(50))
    pages.close()
    assert onlookers.last_seen("key", after(90)) == after(50)


def test_what_was_before_it_led_it_cannot_know_so_everybody_counts_as_seen_then(onlookers: Onlookers) -> None:
    assert onlookers.last_seen("key", NOW) == NOW
    assert onlookers.last_seen("key", after(90)) == NOW
    assert not onlookers.here("key")


def test_who_begins_to_lead_again_has_seen_nobody_before(
    onlookers: Onlookers, news: LocalNews, pages: ExitStack
) -> None:
    pages.enter_context(news.subscribe(session_topic("key")))
    onlookers.last_seen("key", after(50))
    pages.close()
    onlookers.take_over(after(100))
    assert onlookers.last_seen("key", after(130)) == after(100)


def test_sessions_that_are_over_are_forgotten(onlookers: Onlookers, news: LocalNews, pages: ExitStack) -> None:
    for key in ("over", "open"):
        pages.enter_context(news.subscribe(session_topic(key)))
        onlookers.last_seen(key, after(50))
    pages.close()
    onlookers.keep_only({"open"})
    assert onlookers.last_seen("over", after(90)) == NOW
    assert onlookers.last_seen("open", after(90)) == after(50)
