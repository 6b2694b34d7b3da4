"""News between two instances over a real PostgreSQL: what is told reaches the other one, and silence is no evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from kiosk.news.fleet import _MOST_BYTES, CHANNEL, FleetNews
from tests.worlds.postgres import Server, drop_database, new_database, programs

pytestmark = pytest.mark.postgres


@pytest.fixture
def address() -> Iterator[str]:
    made = new_database()
    yield made
    drop_database(made)


@pytest.fixture
def pair(address: str) -> Iterator[tuple[FleetNews, FleetNews]]:
    here, there = FleetNews(address), FleetNews(address)
    here.start()
    there.start()
    until(lambda: here.hears and there.hears)
    yield here, there
    here.close()
    there.close()


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """It becomes true; how long that takes is the machine's affair."""
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it never became true"
        time.sleep(0.01)


def test_who_listens_elsewhere_is_told(pair: tuple[FleetNews, FleetNews]) -> None:
    here, there = pair
    with there.subscribe("session:a") as heard:
        before = there.version("session:a")
        here.publish("session:a")
        assert heard.wait(30)
        assert there.version("session:a") != before


def test_a_wish_wakes_the_engine_elsewhere(pair: tuple[FleetNews, FleetNews]) -> None:
    here, there = pair
    awake = threading.Event()
    there.on_wish(awake.set)
    awake.clear()
    here.wish()
    assert awake.wait(30)


def test_an_open_page_is_watched_elsewhere_and_one_that_nobody_opened_is_not(
    pair: tuple[FleetNews, FleetNews],
) -> None:
    here, there = pair
    assert not there.watched("session:b")
    with here.subscribe("session:b"):
        until(lambda: there.watched("session:b"))
    here.glance("site:c")
    until(lambda: there.watched("site:c"))
    assert not there.watched("session:d")


def test_more_topics_than_one_message_takes_all_arrive(pair: tuple[FleetNews, FleetNews]) -> None:
    here, there = pair
    topics = [f"session:{'x' * 40}{number}" for number in range(2000)]
    before = [there.version(topic) for topic in topics]
    here.publish(*topics)
    until(lambda: all(there.version(topic) != old for topic, old in zip(topics, before, strict=True)))


def test_every_message_is_one_that_the_server_takes() -> None:
    news = FleetNews("")
    news.publish(*(f"charger:{number}" + "\u20ac" * 200 for number in range(500)), "x" * 9000)
    messages = news._messages()
    assert len(messages) > 10
    assert max(len(message.encode()) for message in messages) < _MOST_BYTES


def test_who_cannot_hear_takes_everything_for_new_and_every_page_for_watched(address: str) -> None:
    news = FleetNews(address)
    assert news.watched("session:a")  # not begun yet
    with news.subscribe("session:a") as heard:
        before = news.version("session:a")
        news._all_is_new()
        assert heard.wait(0)
        assert news.version("session:a") != before


def test_a_connection_that_is_cut_is_made_anew_and_nothing_that_was_told_meanwhile_is_missed(
    pair: tuple[FleetNews, FleetNews], address: str
) -> None:
    here, there = pair
    with there.subscribe("session:a") as heard:
        heard.wait(0)
        before = there.version("session:a")
        with psycopg.connect(address, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kiosk news' "
                "AND datname = current_database()"
            )
            here.publish("session:a")
        assert heard.wait(30)
        assert there.version("session:a") != before
        until(lambda: here.hears and there.hears)
        again = there.version("session:z")
        here.publish("session:z")
        until(lambda: there.version("session:z") != again)


def test_a_server_that_is_away_ends_no_thread() -> None:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: on Debian and Ubuntu, apt-get install postgresql")
    with TemporaryDirectory(prefix="kiosk-postgres-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        server.start()
        here, there = FleetNews(server.url("postgres")), FleetNews(server.url("postgres"))
        here.start()
        there.start()
        until(lambda: here.hears and there.hears)
        server.stop()
        with there.subscribe("session:a") as heard:
            here.publish("session:a")
            assert heard.wait(30)  # it may be new: nobody can say
            server.start()
            until(lambda: there._heard_at is not None and here.hears and there.hears)
            before = there.version("session:b")
            here.publish("session:b")
            until(lambda: there.version("session:b") != before)
        here.close()
        there.close()
        for thread in (*here._threads, *there._threads):
            thread.join(30)
            assert not thread.is_alive()
        server.stop()


@pytest.mark.parametrize("payload", ["", "nonsense", "[]", '"x"', "{}", '{"from": "x", "n": 5}'])
def test_what_others_say_on_our_channel_is_overheard(
    pair: tuple[FleetNews, FleetNews], address: str, payload: str
) -> None:
    here, there = pair
    before = there.version("session:a")
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
    last = there.version("session:b")
    here.publish("session:b")
    until(lambda: there.version("session:b") != last)
    assert there.version("session:a") == before


def test_what_waits_to_be_told_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.news.fleet.MOST_WAITING", 10)
    news = FleetNews("")
    for number in range(25):
        news.publish(f"session:{number}")
        news.glance(f"session:{number}")
    messages = news._messages()
    assert '"a": 1' in messages[0]
    assert len(messages) == 1


def test_what_is_open_afar_is_forgotten_when_there_is_too_much_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.news.fleet.MOST_AFAR", 3)
    news = FleetNews("")
    news._keep_afar(-100.0, ["session:old", "session:older"], 1.0)
    news._keep_afar(time.monotonic(), ["session:a", "session:b"], 25.0)
    assert set(news._afar) == {"session:a", "session:b"}
