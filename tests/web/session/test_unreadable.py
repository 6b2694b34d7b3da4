"""A session whose row this version cannot read: its page says what is true, and its stop works."""

from __future__ import annotations

import pytest

from kiosk.domain.commands import Kind
from tests.web.conftest import CODE, Kiosk
from tests.worlds.refusing import full

CANNOT = "We cannot show this charge"
ASKED = "You asked us to stop"
SPOILED = {
    "a currency that is none": "UPDATE sessions SET tariff_currency = 'BGL'",
    "a phase of another release": "UPDATE sessions SET phase = 'parked'",
    "a damaged trace": "UPDATE sessions SET trace = '[['",
    "an energy that is none": "UPDATE sessions SET energy_kwh = 'much'",
}
every_damage = pytest.mark.parametrize("damage", SPOILED.values(), ids=SPOILED)


def spoil(kiosk: Kiosk, statement: str) -> None:
    with kiosk.store._database.write() as connection:
        connection.exec_driver_sql(statement)


@every_damage
def test_its_page_says_what_is_true_and_its_stop_is_stored(kiosk: Kiosk, damage: str) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    spoil(kiosk, damage)
    page = phone.get(f"/s/{key}")
    assert page.status_code == 503
    assert CANNOT in page.text
    assert "A limit that you set is not watched now." in page.text
    assert "unplug the cable at the car, or press stop at the charger." in page.text
    assert f'action="/s/{key}/stop"' in page.text
    assert ASKED not in page.text
    answer = phone.post(f"/s/{key}/stop")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/s/{key}")
    assert [one.kind for one in kiosk.store.waiting(kiosk.now)] == [Kind.STOP]
    assert ASKED in phone.get(f"/s/{key}").text


def test_a_cancel_is_stored_too(kiosk: Kiosk) -> None:
    phone = kiosk.phone()
    key = kiosk.held(phone)
    spoil(kiosk, SPOILED["a damaged trace"])
    assert phone.post(f"/s/{key}/cancel").status_code == 303
    assert [one.kind for one in kiosk.store.waiting(kiosk.now)] == [Kind.CANCEL]


def test_a_stranger_sees_it_and_stops_nothing(kiosk: Kiosk) -> None:
    key = kiosk.charging(kiosk.phone())
    spoil(kiosk, SPOILED["a damaged trace"])
    stranger = kiosk.phone()
    page = stranger.get(f"/s/{key}")
    assert (page.status_code, CANNOT in page.text, "/stop" in page.text) == (503, True, False)
    assert stranger.post(f"/s/{key}/stop").status_code == 503
    assert kiosk.store.waiting(kiosk.now) == []


@pytest.mark.parametrize("address", ["/s/KEY.json", "/s/KEY/events", "/r/KEY", "/s/KEY/cancel", "/s/KEY/move"])
def test_nothing_of_it_breaks(kiosk: Kiosk, address: str) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    spoil(kiosk, SPOILED["a damaged trace"])
    assert phone.get(address.replace("KEY", key)).status_code == 503


def test_nothing_else_is_stored_of_it(kiosk: Kiosk) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone, limit="1500")
    spoil(kiosk, SPOILED["a damaged trace"])
    assert phone.post(f"/s/{key}/limit", data={"limit": ""}).status_code == 503
    with kiosk.store._database.read() as connection:
        assert connection.exec_driver_sql("SELECT limit_minor FROM sessions").scalar_one() == 1500


def test_its_stop_goes_on_in_memory_while_nothing_can_be_written(kiosk: Kiosk) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    spoil(kiosk, SPOILED["a damaged trace"])
    with full(kiosk.store):
        answer = phone.post(f"/s/{key}/stop")
        assert answer.status_code == 503
        assert [one.kind for one in kiosk.store.waiting(kiosk.now)] == [Kind.STOP]


def test_another_device_can_be_told_apart_by_scripts(kiosk: Kiosk) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    spoil(kiosk, SPOILED["a damaged trace"])
    answer = phone.post(f"/s/{key}/limit", data={"limit": ""}, headers={"Accept": "application/json"})
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]) == (503, "unreadable")


@every_damage
def test_its_charger_is_shown_and_sold_to_all_others(kiosk: Kiosk, damage: str) -> None:
    kiosk.card("Available", "Available")
    phone = kiosk.phone()
    kiosk.start_answer(kiosk.start(phone, connector=1))
    spoil(kiosk, damage)
    for reader in (phone, kiosk.phone()):
        assert reader.get(f"/c/{CODE}").status_code == 200
        assert reader.get("/").status_code == 200
    other = kiosk.phone()
    assert other.post(f"/c/{CODE}/start", data={"connector": "1"}).status_code == 409
    assert other.post(f"/c/{CODE}/start", data={"connector": "2"}).status_code == 303
