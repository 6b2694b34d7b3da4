"""How often the pages of a session ask the database. A number that grows must have a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from kiosk.service.parts import Parts
from kiosk.service.power_kept import Powers
from tests.counting import statements_of
from tests.web.conftest import Kiosk


@pytest.fixture
def key(kiosk: Kiosk, phone: FlaskClient) -> str:
    """A running charge whose page and power were asked for before; by the counter no time passes."""
    parts: Parts = kiosk.app.extensions["kiosk"]
    powers = Powers(kiosk.store, parts.news, kiosk.clock, monotonic=lambda: 0.0)
    kiosk.app.extensions["kiosk"] = replace(parts, powers=powers)
    made = kiosk.charging(phone)
    phone.get(f"/s/{made}")
    return made


def test_a_status_takes_two_statements(kiosk: Kiosk, phone: FlaskClient, key: str) -> None:
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/s/{key}.json?n=1").status_code == 200
    assert len(sent) == 2, sent


def test_a_status_that_has_not_changed_takes_none(kiosk: Kiosk, phone: FlaskClient, key: str) -> None:
    tag = phone.get(f"/s/{key}.json").headers["ETag"]
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/s/{key}.json", headers={"If-None-Match": tag}).status_code == 304
    assert sent == []


def test_the_owners_page_takes_three_statements(kiosk: Kiosk, phone: FlaskClient, key: str) -> None:
    """The third asks whether the site has a tablet, at which the owner could stop with a code."""
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/s/{key}").status_code == 200
    assert len(sent) == 3, sent


def test_the_page_of_somebody_who_only_watches_takes_two(kiosk: Kiosk, key: str) -> None:
    with statements_of(kiosk.store) as sent:
        assert kiosk.phone().get(f"/s/{key}").status_code == 200
    assert len(sent) == 2, sent


def test_each_event_of_a_stream_takes_two_statements(kiosk: Kiosk, phone: FlaskClient, key: str) -> None:
    kiosk.app.config["PING_SECONDS"] = 0.01
    answer = phone.get(f"/s/{key}/events", buffered=False)
    parts = iter(answer.response)
    for _ in range(2):  # how to come back, and the first event
        next(parts)
    with statements_of(kiosk.store) as sent:
        next(parts)
    assert len(sent) == 2, sent
    answer.close()


def test_the_receipt_takes_four_statements(kiosk: Kiosk, phone: FlaskClient, key: str) -> None:
    """The third reads what was issued."""
    kiosk.captured(key)
    phone.get(f"/r/{key}")
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/r/{key}").status_code == 200
    assert len(sent) == 4, sent


def test_a_stop_takes_eleven(kiosk: Kiosk, phone: FlaskClient, key: str) -> None:
    """One says whose limit it counts against, two whose it is and what is under way, seven store the wish once, with
    the session and as a command to be sent, one asks whether it had an effect."""
    with statements_of(kiosk.store) as sent:
        assert phone.post(f"/s/{key}/stop").status_code == 303
    assert len(sent) == 11, sent
