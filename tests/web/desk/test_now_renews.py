"""The desk's first page renews itself: a stream tells those alone who are signed in that there is something newer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from kiosk.domain.desk import LONGEST, Role
from kiosk.news.news import TooManyStreams, session_topic
from kiosk.service.desk_people import remove_person
from kiosk.store.errors import Trouble, Unavailable
from kiosk.web.desk import access, now
from kiosk.web.shared.streams import open_streams
from tests.web.conftest import Kiosk

from .conftest import SignIn


@pytest.fixture(autouse=True)
def _quick(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk.app.config["PING_SECONDS"] = 0.02
    monkeypatch.setattr(now, "REST", 0.0)


class Stream:
    """What an open page hears."""

    def __init__(self, browser: FlaskClient) -> None:
        self.answer = browser.get("/desk/now/events", buffered=False)
        self._parts: Iterator[bytes | str] = iter(self.answer.response)

    def next(self) -> str:
        part = next(self._parts)
        return part.decode() if isinstance(part, bytes) else part

    def rest(self) -> list[str]:
        """All that comes until it ends."""
        return [part.decode() if isinstance(part, bytes) else part for part in self._parts]


def test_it_says_that_there_is_something_newer_and_nothing_of_what(kiosk: Kiosk, at_desk: SignIn) -> None:
    stream = Stream(at_desk(Role.VIEWER))
    assert stream.answer.mimetype == "text/event-stream"
    assert (stream.next(), stream.next()) == ("retry: 5000\n\n", ": still here\n\n")
    kiosk.app.extensions["kiosk"].news.publish(session_topic("any"))
    assert stream.next() == "data: newer\n\n"
    assert stream.next() == ": still here\n\n"
    stream.answer.close()
    assert not open_streams.counted()


def test_it_ends_when_the_person_is_gone(kiosk: Kiosk, at_desk: SignIn) -> None:
    stream = Stream(at_desk(Role.VIEWER))
    stream.next()
    assert remove_person(kiosk.store, "viewer", kiosk.now, "test") is None
    assert stream.rest()[-1] == "event: over\ndata: signed out\n\n"


def test_a_page_that_renews_itself_keeps_nobody_signed_in(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    stream = Stream(browser)
    stream.next()
    for _ in range(5):
        kiosk.clock.advance(30 * 60)
        last = browser.get("/desk/now").status_code
    assert last == 303, "two and a half hours without a page that a person asked for"
    assert "event: over" in stream.rest()[-1]
    stream.answer.close()
    assert browser.get("/desk/now/events").status_code == 401


def test_a_desk_that_is_open_for_a_week_is_signed_out_after_a_day_of_work(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    stream = Stream(browser)
    stream.next()
    hours = 0
    while browser.get("/desk/").status_code == 200:  # somebody does look at it now and then
        kiosk.clock.advance(3600)
        hours += 1
    assert timedelta(hours=hours - 1) <= LONGEST < timedelta(hours=hours)
    assert "event: over" in stream.rest()[-1]
    stream.answer.close()
    assert not open_streams.counted()


def test_a_store_that_does_not_answer_ends_no_stream(at_desk: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(at_desk(Role.VIEWER))
    stream.next()

    def away(*_: object, **__: object) -> None:
        raise Unavailable(Trouble.LOCKED)

    with monkeypatch.context() as patched:
        patched.setattr(access, "who_is", away)
        assert [stream.next(), stream.next()] == [": still here\n\n"] * 2
    stream.answer.close()


def test_without_room_for_a_stream_the_page_asks_by_itself(at_desk: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = at_desk(Role.VIEWER)

    def full(*_: object, **__: object) -> None:
        raise TooManyStreams

    monkeypatch.setattr(open_streams, "one_more", full)
    answer = browser.get("/desk/now/events")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
    assert browser.get("/desk/now").status_code == 200


def test_the_stream_ends_with_the_server(kiosk: Kiosk, at_desk: SignIn) -> None:
    stream = Stream(at_desk(Role.VIEWER))
    stream.next()
    kiosk.app.extensions["kiosk"].news.close()
    assert all(not part.startswith("event: over") for part in stream.rest())
