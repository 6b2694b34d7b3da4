"""News within one process: listeners, versions, watching, wishes."""

from __future__ import annotations

import threading
import time

import pytest

from kiosk.news.live import GLANCE_SECONDS, MOST_GLANCES, MOST_VERSIONS, Live, TooManyStreams
from kiosk.news.news import News


def test_a_listener_hears_news_of_its_topic_only() -> None:
    live = Live()
    with live.subscribe("a") as hears:
        live.publish("b")
        assert not hears.wait(0.01)
        live.publish("a")
        assert hears.wait(0.01)


def test_news_that_came_before_the_wait_is_not_lost() -> None:
    live = Live()
    with live.subscribe("a") as hears:
        live.publish("a")
        assert hears.wait(0)
        assert not hears.wait(0)


def test_a_waiting_listener_is_woken_from_another_thread() -> None:
    live = Live()
    with live.subscribe("a") as hears:
        threading.Timer(0.02, lambda: live.publish("a")).start()
        assert hears.wait(5)


def test_the_cap_refuses_the_next_stream_and_frees_its_place_afterwards() -> None:
    live = Live(most=1)
    with live.subscribe("a"):
        with pytest.raises(TooManyStreams), live.subscribe("b"):
            pytest.fail("the cap let a second stream in")
        assert live.streams == 1
    with live.subscribe("b"):
        assert live.streams == 1


def test_a_topic_is_watched_while_a_page_is_open() -> None:
    live = Live()
    with live.subscribe("a"), live.subscribe("a"):
        assert live.watched("a")
    assert not live.watched("a")


def test_closing_ends_every_stream_and_refuses_new_ones() -> None:
    live = Live()
    with live.subscribe("a") as hears:
        live.close()
        assert not hears.wait(5)
        assert hears.closing
    with pytest.raises(TooManyStreams), live.subscribe("a"):
        pytest.fail("a closed house let a stream in")


def test_a_page_that_only_polls_counts_as_watching() -> None:
    live = Live()
    live.glance("a")
    assert live.watched("a")
    assert not live.watched("b")


def test_glances_do_not_pile_up() -> None:
    live = Live()
    for number in range(MOST_GLANCES + 5):
        live.glance(str(number))
    assert live.watched(str(MOST_GLANCES))


def test_an_old_glance_no_longer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live()
    live.glance("a")
    later = time.monotonic() + GLANCE_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not live.watched("a")


def test_every_piece_of_news_gives_its_topic_a_new_version() -> None:
    live = Live()
    before = live.version("a")
    live.publish("a")
    after = live.version("a")
    live.publish("b")
    assert before != after == live.version("a")


def test_versions_do_not_pile_up_and_a_forgotten_topic_counts_as_changed() -> None:
    live = Live()
    live.publish("a")
    before = live.version("a")
    for number in range(MOST_VERSIONS):
        live.publish(str(number))
    assert live.version("a") != before


def test_one_call_publishes_several_topics() -> None:
    live = Live()
    with live.subscribe("a") as first, live.subscribe("b") as second:
        live.publish("a", "b")
        assert first.wait(0)
        assert second.wait(0)


def test_a_wish_wakes_the_engine_after_its_topics_have_a_new_version() -> None:
    live = Live()
    before = live.version("a")
    seen: list[int] = []
    live.on_wish(lambda: seen.append(live.version("a")))
    live.wish("a")
    assert len(seen) == 1
    assert seen[0] != before


def test_a_wish_about_nothing_on_any_page_wakes_the_engine_too() -> None:
    live = Live()
    woken: list[str] = []
    live.on_wish(lambda: woken.append("engine"))
    live.wish()
    assert woken == ["engine"]


def test_what_the_engine_publishes_does_not_wake_the_engine() -> None:
    live = Live()
    woken: list[str] = []
    live.on_wish(lambda: woken.append("engine"))
    live.publish("a")
    assert woken == []


def test_live_is_news() -> None:
    """For the type checker: whatever else carries news has the same doors."""
    news: News = Live()
    assert news.streams == 0
