"""Answers that are kept in front: only while they are true, and only for who would get the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.test import Client, TestResponse

from kiosk.clock import ManualClock
from kiosk.news.local import MOST_VERSIONS, LocalNews
from kiosk.news.news import charger_topic, session_topic
from kiosk.web.shared.answers_kept import MOST, Front, keep_for
from tests.web.conftest import NEAR, Kiosk


@dataclass
class House:
    """A front before an app that counts how often it was asked."""

    clock: ManualClock = field(default_factory=ManualClock)
    news: LocalNews = field(default_factory=LocalNews)
    asked: int = 0
    seconds: float | None = 10.0
    cookie: str | None = None
    status: int = 200
    etag: str | None = None
    meanwhile: str | None = None
    counted: float = 0.0

    def __post_init__(self) -> None:
        app = Flask(__name__)
        app.add_url_rule("/c/<code>", view_func=self.answer, methods=["GET", "POST"], endpoint="card")
        app.add_url_rule("/s/<code>.json", view_func=self.answer, endpoint="state")
        app.add_url_rule("/s/<code>", view_func=self.answer, endpoint="page")
        self.front = Front(app.wsgi_app, self.news, self.clock, lambda: self.counted)

    def answer(self, code: str) -> Response:
        self.asked += 1
        if self.seconds is not None:
            keep_for(self.seconds)
        if self.meanwhile is not None:
            self.news.publish(self.meanwhile)
        response = Response(f"{code} {self.asked}", self.status, {"X-Request-ID": "one", "X-Other": "kept"})
        if self.cookie:
            response.set_cookie("lang", self.cookie)
        if self.etag:
            response.set_etag(self.etag, weak=True)
        return response

    def get(self, path: str = "/c/7MK4T", **headers: Any) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.front, use_cookies=False).get(path, headers=named)


@pytest.fixture
def house() -> House:
    return House()


def test_a_page_is_made_once_and_given_out_while_it_is_true(house: House) -> None:
    first, second = house.get(), house.get()
    assert (first.data, second.data) == (b"7MK4T 1", b"7MK4T 1")
    assert second.headers["X-Other"] == "kept"
    assert "X-Request-ID" not in second.headers
    assert house.asked == 1


def test_news_ends_it_at_once(house: House) -> None:
    house.get()
    house.news.publish(charger_topic("7MK4T"))
    assert house.get().data == b"7MK4T 2"


def test_news_of_something_else_does_not(house: House) -> None:
    house.get()
    house.news.publish(charger_topic("OTHER"))
    assert house.get().data == b"7MK4T 1"


def test_news_that_comes_while_the_answer_is_made_ends_it_too(house: House) -> None:
    house.meanwhile = charger_topic("7MK4T")
    house.get()
    house.meanwhile = None
    assert house.get().data == b"7MK4T 2"


def test_time_ends_it(house: House) -> None:
    house.get()
    house.clock.advance(10)
    assert house.get().data == b"7MK4T 2"


def test_a_clock_that_is_set_back_ends_it(house: House) -> None:
    house.get()
    house.clock.advance(-3600)
    assert house.get().data == b"7MK4T 2"


def test_it_ends_by_the_counter_when_the_clock_stands_still(house: House) -> None:
    house.get()
    house.counted = 9.9
    assert house.get().data == b"7MK4T 1"
    house.counted = 10.0
    assert house.get().data == b"7MK4T 2"


def test_a_clock_that_runs_faster_ends_it_earlier_by_the_counter(house: House) -> None:
    house.clock.rate = 5.0
    house.get()
    house.counted = 2.0
    assert house.get().data == b"7MK4T 2"


@pytest.mark.parametrize("seconds", [None, 0.0, -1.0])
def test_what_its_view_does_not_allow_is_not_kept(house: House, seconds: float | None) -> None:
    house.seconds = seconds
    house.get()
    house.get()
    assert house.asked == 2


@pytest.mark.parametrize("name", ["Cookie", "Accept_Language", "Accept_Encoding"])
def test_another_reader_gets_his_own(house: House, name: str) -> None:
    house.get(**{name: "one"})
    house.get(**{name: "two"})
    assert house.asked == 2


def test_another_query_is_another_answer(house: House) -> None:
    house.get("/c/7MK4T?lang=de")
    house.get("/c/7MK4T?lang=nl")
    assert house.asked == 2


def test_an_answer_with_a_cookie_is_never_kept(house: House) -> None:
    house.cookie = "de"
    house.get()
    house.get()
    assert house.asked == 2


def test_a_refusal_is_never_kept(house: House) -> None:
    house.status = 404
    house.get()
    house.get()
    assert house.asked == 2


def test_a_write_and_any_other_page_pass_through(house: House) -> None:
    Client(house.front).post("/c/7MK4T")
    Client(house.front).post("/c/7MK4T")
    house.get("/s/key")
    house.get("/s/key")
    assert house.asked == 4


def test_a_poll_that_names_what_it_has_is_answered_from_the_front_and_counts_as_watching(house: House) -> None:
    house.etag = "7-abc"
    tag = house.get("/s/key.json").headers["ETag"]
    news = house.news
    again = house.get("/s/key.json", If_None_Match=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert house.asked == 1
    assert news.watched(session_topic("key"))


def test_a_poll_that_has_something_else_gets_the_whole(house: House) -> None:
    house.etag = "7-abc"
    house.get("/s/key.json")
    assert house.get("/s/key.json", If_None_Match='W/"6-old"').status_code == 200
    assert house.get("/s/key.json").data == b"key 3"


def test_the_front_does_not_grow_without_end(house: House) -> None:
    for number in range(MOST + 10):
        house.get(f"/c/C{number}")
    house.get("/c/C0")
    house.get(f"/c/C{MOST + 9}")
    assert house.asked == MOST + 11


def test_many_topics_do_not_pile_up_and_none_is_taken_for_unchanged(house: House) -> None:
    house.get()
    for number in range(MOST_VERSIONS + 1):
        house.news.publish(str(number))
    house.get()
    assert house.asked == 2


def test_a_stop_shows_in_the_very_next_poll(kiosk: Kiosk) -> None:
    """With the real pages: a command is news, also before the engine has acted on it."""
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    tag = phone.get(f"/s/{key}.json").headers["ETag"]
    assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 304
    phone.post(f"/s/{key}/stop")
    assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 200


def test_figures_that_grow_old_end_what_was_kept(kiosk: Kiosk) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    tag = phone.get(f"/s/{key}.json").headers["ETag"]
    kiosk.clock.advance(61)
    assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 200


def test_who_takes_a_session_over_is_an_owner_in_the_very_next_poll(kiosk: Kiosk) -> None:
    owner, other = kiosk.phone(), kiosk.phone()
    key = kiosk.charging(owner)
    kiosk.start(other, connector=1, code=kiosk_code(kiosk))
    watching = other.get(f"/s/{key}.json")
    kiosk.store.new_takeover(key, "ONEUSECODE234567", kiosk.now + timedelta(minutes=5))
    other.post("/t/ONEUSECODE234567")
    again = other.get(f"/s/{key}.json", headers={"If-None-Match": watching.headers["ETag"]})
    assert again.status_code == 200


def kiosk_code(kiosk: Kiosk) -> str:
    """A second charger with a free bay, so that the other phone has a cookie already."""
    kiosk.card("Available", "Available", code=NEAR)
    return NEAR
