"""News within one process: listeners, versions, watching, wishes."""

from __future__ import annotations

import threading
import time

import pytest

from kiosk.news.local import GLANCE_SECONDS, MOST_GLANCES, MOST_VERSIONS, LocalNews
from kiosk.news.news import EVERYTHING, News, TooManyStreams


def test_a_listener_hears_news_of_its_topic_only() -> None:
    news = LocalNews()
    with news.subscribe("a") as hears:
        news.publish("b")
        assert not hears.wait(0.01)
        news.publish("a")
        assert hears.wait(0.01)


def test_news_that_came_before_the_wait_is_not_lost() -> None:
    news = LocalNews()
    with news.subscribe("a") as hears:
        news.publish("a")
        assert hears.wait(0)
        assert not hears.wait(0)


def test_a_waiting_listener_is_woken_from_another_thread() -> None:
    news = LocalNews()
    with news.subscribe("a") as hears:
        threading.Timer(0.02, lambda: news.publish("a")).start()
        assert hears.wait(5)


def test_the_cap_refuses_the_next_stream_and_frees_its_place_afterwards() -> None:
    news = LocalNews(most=1)
    with news.subscribe("a"), pytest.raises(TooManyStreams), news.subscribe("b"):
        pytest.fail("the cap let a second stream in")
    with news.subscribe("b"):
        assert news.watched("b")


def test_a_topic_is_watched_while_a_page_is_open() -> None:
    news = LocalNews()
    with news.subscribe("a"), news.subscribe("a"):
        assert news.watched("a")
    assert not news.watched("a")


def test_closing_ends_every_stream_and_refuses_new_ones() -> None:
    news = LocalNews()
    with news.subscribe("a") as hears:
        news.close()
        assert not hears.wait(5)
        assert hears.closing
    with pytest.raises(TooManyStreams), news.subscribe("a"):
        pytest.fail("a closed house let a stream in")


def test_a_page_that_only_polls_counts_as_watching() -> None:
    news = LocalNews()
    news.glance("a")
    assert news.watched("a")
    assert not news.watched("b")


def test_glances_do_not_pile_up() -> None:
    news = LocalNews()
    for number in range(MOST_GLANCES + 5):
        news.glance(str(number))
    assert news.watched(str(MOST_GLANCES))


def test_an_old_glance_no_longer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    news = LocalNews()
    news.glance("a")
    later = time.monotonic() + GLANCE_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not news.watched("a")


def test_every_piece_of_news_gives_its_topic_a_new_version() -> None:
    news = LocalNews()
    before = news.version("a")
    news.publish("a")
    after = news.version("a")
    news.publish("b")
    assert before != after == news.version("a")


def test_versions_do_not_pile_up_and_a_forgotten_topic_counts_as_changed() -> None:
    news = LocalNews()
    news.publish("a")
    before = news.version("a")
    for number in range(MOST_VERSIONS):
        news.publish(str(number))
    assert news.version("a") != before


def test_one_call_publishes_several_topics() -> None:
    news = LocalNews()
    with news.subscribe("a") as first, news.subscribe("b") as second:
        news.publish("a", "b")
        assert first.wait(0)
        assert second.wait(0)


def test_a_wish_wakes_the_engine_after_its_topics_have_a_new_version() -> None:
    news = LocalNews()
    before = news.version("a")
    seen: list[int] = []
    news.on_wish(lambda: seen.append(news.version("a")))
    news.wish("a")
    assert len(seen) == 1
    assert seen[0] != before


def test_a_wish_about_nothing_on_any_page_wakes_the_engine_too() -> None:
    news = LocalNews()
    woken: list[str] = []
    news.on_wish(lambda: woken.append("engine"))
    news.wish()
    assert woken == ["engine"]


def test_what_the_engine_publishes_does_not_wake_the_engine() -> None:
    news = LocalNews()
    woken: list[str] = []
    news.on_wish(lambda: woken.append("engine"))
    news.publish("a")
    assert woken == []


def test_local_news_is_news() -> None:
    """For the type checker: whatever else carries news has the same doors."""
    news: News = LocalNews()
    assert not news.watched("a")


def test_whoever_listens_to_everything_hears_of_all_and_makes_nothing_watched() -> None:
    news = LocalNews()
    with news.subscribe(EVERYTHING) as ear:
        assert not ear.wait(0)
        news.publish("session:a")
        assert ear.wait(0)
        news.publish("site:b", "session:c")
        assert (ear.wait(0), ear.wait(0)) == (True, False)
        news.wish()  # the engine alone is meant
        assert not ear.wait(0)
        assert not news.watched("session:a")
    news.publish("session:a")


def test_a_rest_ends_with_the_server() -> None:
    news = LocalNews()
    with news.subscribe("session:a") as ear:
        ear.rest(0)
        assert not ear.closing
        news.close()
        ear.rest(3600)
        assert ear.closing
