"""The desk's first page: what happens at this moment."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from kiosk.domain.desk import Role
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
    assert "Charging 1 Open sessions 1 Starts waiting 1 Held €30.00 longest: 1 , 1 h 16 min" in text
    assert "charging 13.900 €7.16 €30.00" in text


def test_a_quiet_day_is_calm(at_desk: SignIn) -> None:
    text = plain(at_desk(Role.VIEWER))
    assert "Charging 0 Open sessions 0 Starts waiting 0 Held \N{EN DASH}" in text
    assert "Nothing." in text
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
    kiosk.store.note_call("status", kiosk.now)
    kiosk.store.note_closure("start", kiosk.now + timedelta(seconds=30))
    text = plain(at_desk(Role.VIEWER))
    assert "The engine does not go round" in text
    assert "status 1" in text
    assert "start takes nothing until" in text
    assert "read 2026-11-20 13:00:00 Timeout, 12:00" in text
