"""Waiting for the engine without a request: what is waited for, and for how long."""

from __future__ import annotations

import threading
from dataclasses import replace

from kiosk.domain.line import LinePlace
from kiosk.domain.session import Phase
from kiosk.news.local import LocalNews
from kiosk.news.news import charger_topic, session_topic
from kiosk.service.waiting import line_place, wait_for_card, wait_for_session

from .conftest import CODE, Desk


def test_a_session_that_is_good_already_is_not_waited_for(desk: Desk) -> None:
    key = desk.queued()
    session = wait_for_session(desk.patient(), key, lambda one: one.phase is Phase.QUEUED, 3600)
    assert session is not None
    assert session.key == key


def test_a_session_that_is_not_there_is_not_waited_for(desk: Desk) -> None:
    assert wait_for_session(desk.patient(), "nobody", lambda _one: False, 3600) is None


def test_news_end_the_wait_for_a_session(desk: Desk) -> None:
    key = desk.queued()

    def good(phase: Phase) -> bool:
        if phase is Phase.QUEUED:  # it waits now: somebody else withdraws the start

            def withdraw() -> None:
                desk.store.withdraw_start(key, desk.now)
                desk.parts.news.publish(session_topic(key))

            threading.Thread(target=withdraw).start()
        return phase is Phase.LEFT

    session = wait_for_session(desk.patient(), key, lambda one: good(one.phase), 3600)
    assert session is not None
    assert session.phase is Phase.LEFT


def test_without_patience_the_session_is_handed_back_as_it_stands(desk: Desk) -> None:
    key = desk.queued()
    session = wait_for_session(desk.parts, key, lambda _one: False, 3600)
    assert session is not None
    assert session.phase is Phase.QUEUED


def test_news_end_the_wait_for_a_card(desk: Desk) -> None:
    def good(found: bool) -> bool:
        if not found:

            def read() -> None:
                desk.card()
                desk.parts.news.publish(charger_topic(CODE))

            threading.Thread(target=read).start()
        return found

    card = wait_for_card(desk.patient(), CODE, lambda one: good(one is not None), 3600)
    assert card is not None


def test_a_server_that_goes_down_keeps_nobody_waiting(desk: Desk) -> None:
    def good() -> bool:
        desk.parts.news.close()
        return False

    assert wait_for_card(desk.patient(), CODE, lambda _one: good(), 3600) is None


def test_without_a_free_subscription_nobody_waits(desk: Desk) -> None:
    crowded = replace(desk.patient(), news=LocalNews(most=0))
    key = desk.queued()
    assert wait_for_session(crowded, key, lambda _one: False, 3600) is not None
    assert wait_for_card(crowded, CODE, lambda _one: False, 3600) is None


def test_the_place_in_line_counts_the_starts_that_wait_before(desk: Desk) -> None:
    first, second = desk.queued(1), desk.queued(2)
    assert line_place(desk.parts, first, desk.now) == LinePlace(1, 0)
    assert line_place(desk.parts, second, desk.now) == LinePlace(2, 0)


def test_starts_that_were_sent_a_moment_ago_lengthen_the_line(desk: Desk) -> None:
    for _i in range(3):
        desk.store.note_call("start", desk.now)
    place = line_place(desk.parts, desk.queued(), desk.now)
    assert place == LinePlace(1, 62)


def test_a_start_that_waits_no_more_has_no_place_in_line(desk: Desk) -> None:
    key = desk.queued()
    desk.store.withdraw_start(key, desk.now)
    assert line_place(desk.parts, key, desk.now) is None
