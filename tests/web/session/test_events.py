"""The stream and the JSON: the same facts, sent when they change, rendered once for many listeners."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import AskedBy, Kind
from kiosk.news.local import LocalNews
from kiosk.news.news import TooManyStreams, session_topic
from kiosk.web.session import events
from kiosk.web.session.snapshot import read
from kiosk.web.shared.streams import OF_A_SESSION_FROM_ONE_NETWORK, open_streams
from tests.web.conftest import HOLD, Kiosk


class Stream:
    """The events of one open stream, read one at a time."""

    def __init__(self, phone: FlaskClient, key: str, seen: str = "") -> None:
        headers = {"Last-Event-ID": seen} if seen else {}
        self.answer = phone.get(f"/s/{key}/events", headers=headers, buffered=False)
        self._parts = iter(self.answer.response)

    def next(self) -> str:
        part = next(self._parts)
        return part.decode() if isinstance(part, bytes) else str(part)

    def event(self) -> tuple[str, dict[str, Any]]:
        """The next event that has data: its id and its object."""
        while True:
            part = self.next()
            if part.startswith("id: "):
                first, _, rest = part.partition("\n")
                return first.removeprefix("id: "), json.loads(rest.removeprefix("data: "))

    def rest(self) -> list[str]:
        """What comes until the server ends the stream."""
        return [str(part) for part in self._parts]

    def close(self) -> None:
        self.answer.close()


@pytest.fixture(autouse=True)
def _quick_pings(kiosk: Kiosk) -> None:
    kiosk.app.config["PING_SECONDS"] = 0.05


def taken_by_a_network(key: str, most: int) -> ExitStack:
    """Everything that somebody at the address of the test's phones can have."""
    others = ExitStack()
    with suppress(TooManyStreams):
        for number in range(most):
            others.enter_context(open_streams.one_more("127.0.0.1", f"{key}{number}", most))
    return others


def test_an_owner_has_their_stream_whatever_others_of_their_network_do(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    watcher = kiosk.phone()
    with taken_by_a_network("another", kiosk.settings.max_streams):
        assert watcher.get(f"/s/{key}/events").status_code == 503
        mine = phone.get(f"/s/{key}/events", buffered=False)
        assert mine.status_code == 200
        mine.close()


def test_who_keeps_old_receipts_is_no_owner_of_a_running_charge(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    with taken_by_a_network("another", kiosk.settings.max_streams):
        assert phone.get(f"/s/{key}/events").status_code == 503


def test_one_network_cannot_take_the_streams_of_everybody(kiosk: Kiosk) -> None:
    key = kiosk.charging(kiosk.phone())
    phone = kiosk.phone()
    with ExitStack() as others:
        for _ in range(OF_A_SESSION_FROM_ONE_NETWORK):
            others.enter_context(open_streams.one_more("127.0.0.1", key, 500))
        refused = phone.get(f"/s/{key}/events")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        there = phone.get(f"/s/{key}/events", environ_base={"REMOTE_ADDR": "198.51.100.9"}, buffered=False)
        assert there.status_code == 200
        there.close()
    again = phone.get(f"/s/{key}/events", buffered=False)
    assert again.status_code == 200
    again.close()


def test_a_stream_that_is_over_makes_room(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    for _ in range(OF_A_SESSION_FROM_ONE_NETWORK + 2):
        stream = Stream(phone, key)
        stream.event()
        stream.close()
    assert not open_streams.counted()


def test_the_stream_and_the_json_carry_the_same_view(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    stream = Stream(phone, key)
    _, pushed = stream.event()
    stream.close()
    polled = phone.get(f"/s/{key}.json").json
    assert pushed == polled
    assert pushed["screen"] == "charging"
    assert pushed["figures"]["energy"] == "13.90"
    assert pushed["values"]["cost"] == {"minor": 716, "currency": "EUR"}


def test_the_stream_says_how_to_come_back_and_is_kept_by_nobody(kiosk: Kiosk, phone: FlaskClient) -> None:
    stream = Stream(phone, kiosk.held(phone))
    assert stream.next() == "retry: 3000\n\n"
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    assert stream.answer.headers["X-Accel-Buffering"] == "no"
    assert stream.answer.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in stream.answer.headers
    stream.close()


def test_who_has_seen_the_newest_gets_a_ping_and_then_the_news(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    first = Stream(phone, key)
    seen, _ = first.event()
    first.close()
    again = Stream(phone, key, seen)
    assert again.next() == "retry: 3000\n\n"
    assert again.next() == ": still here\n\n"
    kiosk.observe(key, "starting", authorized_minor=HOLD)
    _, state = again.event()
    assert state["screen"] == "starting"
    again.close()


def test_news_from_another_process_arrives_with_the_next_ping(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    stream = Stream(phone, key)
    stream.event()
    kiosk.observe(key, "charging", authorized_minor=HOLD)  # nothing is published
    assert stream.event()[1]["screen"] == "charging"
    stream.close()


def test_news_arrives_at_once_when_it_is_published(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.app.config["PING_SECONDS"] = 30.0
    key = kiosk.held(phone)
    stream = Stream(phone, key)
    stream.event()
    news: LocalNews = kiosk.app.extensions["kiosk"].news

    def engine() -> None:
        kiosk.observe(key, "starting", authorized_minor=HOLD)
        news.publish(session_topic(key))

    worker = threading.Thread(target=engine)
    worker.start()
    assert stream.event()[1]["screen"] == "starting"
    worker.join()
    stream.close()


def test_a_command_is_news_although_the_session_has_not_changed(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    stream = Stream(phone, key)
    _, before = stream.event()
    kiosk.store.ask(key, Kind.STOP, AskedBy.LIMIT, kiosk.now)
    _, after = stream.event()
    assert before["version"] == after["version"]
    assert before["shape"] != after["shape"]
    stream.close()


def test_time_alone_is_news_when_figures_are_lost(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    stream = Stream(phone, key)
    stream.event()
    kiosk.clock.advance(61)
    assert stream.event()[1]["screen"] == "stale"
    stream.close()


def test_figures_alone_do_not_change_the_shape(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    one = phone.get(f"/s/{key}.json").json
    session = kiosk.store.session(key)
    assert session is not None
    assert session.energy_kwh is not None
    kiosk.clock.advance(9)
    kiosk.observe(
        key,
        "charging",
        authorized_minor=HOLD,
        connector_status="Charging",
        energy_kwh=session.energy_kwh,
        cost_minor=720,
    )
    two = phone.get(f"/s/{key}.json").json
    assert one is not None
    assert two is not None
    assert one["figures"]["cost"] != two["figures"]["cost"]
    assert one["shape"] == two["shape"]


def test_the_page_has_the_shape_that_the_json_names(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    state = phone.get(f"/s/{key}.json").json
    assert state is not None
    assert f'data-shape="{state["shape"]}"' in phone.get(f"/s/{key}").text


def test_closing_the_stream_leaves_the_topic(kiosk: Kiosk, phone: FlaskClient) -> None:
    news: LocalNews = kiosk.app.extensions["kiosk"].news
    key = kiosk.held(phone)
    stream = Stream(phone, key)
    stream.event()
    assert news.watched(session_topic(key))
    stream.close()
    assert not news.watched(session_topic(key))


def test_a_closing_server_ends_its_streams(kiosk: Kiosk, phone: FlaskClient) -> None:
    news: LocalNews = kiosk.app.extensions["kiosk"].news
    stream = Stream(phone, kiosk.held(phone))
    stream.event()
    news.close()
    assert list(stream.rest()) == []
    stream.close()


def test_beyond_the_cap_pages_are_sent_away_for_five_seconds(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    kiosk.app.extensions["kiosk"] = replace(kiosk.app.extensions["kiosk"], news=LocalNews(most=1))
    first = Stream(phone, key)
    first.event()
    answer = phone.get(f"/s/{key}/events")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert phone.get(f"/s/{key}.json").status_code == 200
    first.close()
    again = Stream(phone, key)
    again.event()
    again.close()


def test_a_poll_of_what_is_known_costs_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    first = phone.get(f"/s/{key}.json")
    tag = first.headers["ETag"]
    assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 304
    kiosk.clock.advance(3)
    assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 304
    kiosk.clock.advance(13)  # the figures are old now
    assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 200


def test_another_language_and_another_role_are_other_answers(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    tags = {
        phone.get(f"/s/{key}.json").headers["ETag"],
        phone.get(f"/s/{key}.json?lang=de").headers["ETag"],
        kiosk.phone().get(f"/s/{key}.json?lang=en").headers["ETag"],
    }
    assert len(tags) == 3


def test_many_listeners_cost_one_rendering(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    watchers = [kiosk.phone() for _ in range(20)]
    watchers[0].get(f"/s/{key}.json")
    made = events.renderings.made
    for one in watchers:
        assert one.get(f"/s/{key}.json").status_code == 200
    assert events.renderings.made == made


def test_the_servers_time_is_in_every_answer_and_outside_of_what_is_compared(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    one = phone.get(f"/s/{key}.json")
    kiosk.clock.advance(2)
    two = phone.get(f"/s/{key}.json")
    assert one.headers["ETag"] == two.headers["ETag"]
    assert one.json is not None
    assert two.json is not None
    assert one.json["now"] != two.json["now"]


def test_the_next_ping_comes_early_when_time_alone_will_change_the_page(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.app.config["PING_SECONDS"] = 15.0
    key = kiosk.charging(phone)
    with kiosk.app.test_request_context(f"/s/{key}/events"):
        kiosk.clock.advance(timedelta(seconds=10).total_seconds())
        reading = read(key)
        assert reading is not None
        assert events._patience(reading) == pytest.approx(5.1)
