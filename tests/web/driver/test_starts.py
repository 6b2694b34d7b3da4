"""Two phones in the same second, and connector numbers that upstream's own list should not have."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from kiosk.domain.charger import Connector
from kiosk.domain.session import Phase, Session
from kiosk.web.shared.devices import current_device
from tests.web.conftest import CODE, HOLD, TARIFF, Kiosk

OTHERS_KEY = "another-drivers-key-00"


def device_of(kiosk: Kiosk, phone: FlaskClient) -> str:
    """Who the kiosk takes this browser for."""
    cookie = phone.get_cookie("__Host-driver")
    assert cookie is not None
    with kiosk.app.test_request_context(headers={"Cookie": f"__Host-driver={cookie.value}"}):
        device = current_device()
    assert device is not None
    return device


def meanwhile(kiosk: Kiosk, device: str) -> None:
    """While the start waits for a fresh card, that device takes bay 2."""

    def act() -> None:
        kiosk.card()
        if kiosk.store.session_at(CODE, 2) is None:
            other = Session(OTHERS_KEY, CODE, 2, Phase.QUEUED, kiosk.now, tariff=TARIFF, hold_minor=HOLD)
            kiosk.store.create(other, device=device, now=kiosk.now)

    kiosk.card()
    kiosk.clock.advance(90)
    kiosk.bell.act = act


def test_of_two_phones_in_the_same_second_the_second_is_told_and_not_shown_the_others_session(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    meanwhile(kiosk, "somebody-else")
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
    assert answer.status_code == 409
    assert "Bay 4 is in use. Nothing is held." in answer.text
    assert OTHERS_KEY not in answer.text
    assert kiosk.store.queue() == [OTHERS_KEY]


def test_of_two_tabs_in_the_same_second_both_lead_to_the_one_session(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    first = kiosk.start(phone, connector=1)
    meanwhile(kiosk, device_of(kiosk, phone))
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
    assert (answer.status_code, answer.headers.get("Location")) == (303, f"/s/{OTHERS_KEY}")
    assert kiosk.store.queue() == [first, OTHERS_KEY]


@pytest.mark.parametrize("number", [0, 101, 999])
def test_a_connector_that_upstream_cannot_start_is_refused_even_when_upstream_lists_it(
    kiosk: Kiosk, phone: FlaskClient, number: int
) -> None:
    kiosk.card(connectors=(Connector(number, "Available", "IEC 62196", "Socket", "AC_3_PHASE"),))
    answer = phone.post(f"/c/{CODE}/start", data={"connector": str(number)})
    assert answer.status_code == 422
    assert "Please choose a bay." in answer.text
    assert kiosk.store.queue() == []
