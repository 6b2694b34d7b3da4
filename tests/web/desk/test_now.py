"""The desk's first page: what happens at this moment."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.desk import Role
from kiosk.domain.session import Session
from kiosk.store.errors import Trouble, Unavailable
from kiosk.upstream.errors import UpstreamError
from tests.web.conftest import CODE, NEAR, Kiosk

from .conftest import SignIn


def plain(browser: FlaskClient) -> str:
    page = browser.get("/desk/").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]))


def test_it_counts_charges_holds_and_starts_that_wait(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.charging(phone)
    kiosk.card("Available", code=NEAR)
    kiosk.start(kiosk.phone(), connector=1, code=NEAR)
    text = plain(at_desk(Role.VIEWER))
    assert (
        "Charging 1 power not known yet Open sessions 1 Starts waiting 1 Held €30.00 longest: session 1 , 1 h 16 min"
        in text
    )
    assert "charging 13.900 €7.16 €30.00" in text


def test_a_quiet_day_is_calm(at_desk: SignIn) -> None:
    text = plain(at_desk(Role.VIEWER))
    assert "Charging 0 Open sessions 0 Starts waiting 0 Held \N{EN DASH}" in text
    assert "Starts 0 of 3, 3 left" in text
    assert "engine" not in text


def test_somebody_limited_to_other_sites_sees_none_of_it(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.charging(phone)
    store, now = kiosk.store, kiosk.now
    code = store.new_pairing("marktplatz", "hall", now, now + timedelta(minutes=5))
    assert store.pair(code, "key", now) is not None
    assert "hall marktplatz" in plain(at_desk(Role.VIEWER, ["marktplatz"], "ann"))
    text = plain(at_desk(Role.VIEWER, [], "bob"))
    assert "Open sessions 0" in text
    assert "hall" not in text
    assert CODE not in text


def test_an_engine_that_stands_still_calls_and_errors_are_said(
    kiosk: Kiosk, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = {"name": "read", "last_run": "2026-11-20T13:00:00Z", "last_error": "Timeout", "last_error_at": "12:00"}
    monkeypatch.setattr(kiosk.bell, "duties", lambda: [duty])
    kiosk.bell.up = False
    kiosk.store.note_call("get_session", kiosk.now)
    kiosk.store.note_closure("start", kiosk.now + timedelta(seconds=30))
    kiosk.store.note_closure("another", kiosk.now + timedelta(seconds=31))
    text = plain(at_desk(Role.VIEWER))
    assert "The engine does not go round" in text
    assert "Reads of sessions 1 of 30, 29 left" in text
    assert "Starts takes nothing until 2026-11-20T13:00:30Z 0 of 3, 0 left" in text
    assert "another takes nothing until 2026-11-20T13:00:31Z" in text
    assert "read 2026-11-20 13:00:00 Timeout, 12:00" in text


def test_the_bays_of_a_site_stand_there_with_their_session(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.charging(phone)
    kiosk.card("Available")
    text = plain(at_desk(Role.VIEWER))
    assert "Marktplatz garage 3 Free seen 0 s ago 4 Not known seen 0 s ago Session 1 7 Not known never seen" in text


def test_power_is_summed_where_it_is_known_and_counts_no_car_that_is_silent(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk.charging(phone)
    monkeypatch.setattr(Session, "power_kw", property(lambda _: Decimal("10.8")))
    browser = at_desk(Role.VIEWER)
    assert "Charging 1 10.8 kW Open" in plain(browser).replace("\N{NO-BREAK SPACE}", " ")
    kiosk.clock.advance(3600)
    assert "Charging 1 power not known yet Open" in plain(browser)


def test_what_the_systems_outside_answered_is_told(kiosk: Kiosk, at_desk: SignIn) -> None:
    heard = kiosk.app.extensions["kiosk.running"].outside.public  # its client tells the desk of each call
    browser = at_desk(Role.VIEWER)
    assert "Plugchoice, charging Not asked by this process yet." in plain(browser)
    with suppress(UpstreamError):
        heard.get_charger(CODE)  # nobody listens at that address
    kiosk.clock.advance(5)
    text = plain(browser).replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Plugchoice, charging Last good answer: none. Errors in an hour: 1, the last one: it cannot be reached, 5 s ."
        in text
    )


def test_every_page_of_the_desk_counts_in_its_tab_what_needs_a_person(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn
) -> None:
    browser = at_desk(Role.OWNER)
    pages = ("/desk/", "/desk/queue", "/desk/sessions", "/desk/log", "/desk/account", "/desk/nothing-here")
    assert not [path for path in pages if "<title>(" in browser.get(path).text]
    key = kiosk.charging(phone)
    kiosk.store.keep_exceptions(
        [Matter(Attention.OTHER_PRICE, key, CODE, kiosk.now, Act.ASK_BACK_OFFICE, 5000, "EUR")], (), kiosk.now
    )
    assert not [path for path in pages if "<title>(1) " not in browser.get(path).text]


def test_an_error_at_the_desk_is_a_page_of_the_desk(kiosk: Kiosk, at_desk: SignIn) -> None:
    lost = at_desk(Role.VIEWER).get("/desk/nothing-here")
    assert lost.status_code == 404
    assert "Check the code on the charger" not in lost.text
    assert 'href="/desk/queue"' in lost.text
    stranger = kiosk.phone().get("/desk/nothing-here")
    assert stranger.status_code == 404
    assert "To the desk" in stranger.text
    assert "/desk/queue" not in stranger.text


def test_a_fault_and_a_store_that_is_away_have_a_page_that_asks_the_store_for_nothing(
    kiosk: Kiosk, at_desk: SignIn
) -> None:
    browser = at_desk(Role.VIEWER)

    def broken() -> str:
        raise RuntimeError("planted")

    broken.__dict__.update(kiosk.app.view_functions["desk_now.now"].__dict__)
    kiosk.app.testing = False
    kiosk.app.view_functions["desk_now.now"] = broken
    fault = browser.get("/desk/")
    assert fault.status_code == 500
    assert "Something broke on our side" in fault.text
    assert "planted" not in fault.text

    def away() -> str:
        raise Unavailable(Trouble.LOCKED)

    away.__dict__.update(broken.__dict__)
    kiosk.app.view_functions["desk_now.now"] = away
    busy = browser.get("/desk/")
    assert busy.status_code == 503
    assert "kiosk doctor says what is wrong" in busy.text
