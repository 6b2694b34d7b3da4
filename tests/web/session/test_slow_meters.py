"""What a driver reads where the charger's meter reports rarely: how exact a limit is, and when figures can come."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from kiosk.store.chargers import learn_pace
from tests.web.conftest import CODE, HOLD, Kiosk

from .test_money import text


def slow(kiosk: Kiosk) -> None:
    """A charge has shown that this charger reports every five minutes."""
    kiosk.card()
    with kiosk.store._database.write() as connection:
        learn_pace(connection, CODE, timedelta(seconds=300))


def test_how_exactly_a_limit_can_be_kept_stands_beside_it_before_and_while_it_charges(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    slow(kiosk)
    before, key = text(kiosk.phone().get(f"/c/{CODE}")), kiosk.charging(phone, limit="1500", steps=15)
    for page in (before, text(phone.get(f"/s/{key}"))):
        assert re.search(r"reports about every \d+\smin\. Charging may stop up to €\d+\.\d\d before a limit", page)


def test_where_the_meter_is_quick_nobody_is_told_how_exact_a_limit_is(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    before, key = text(kiosk.phone().get(f"/c/{CODE}")), kiosk.charging(phone, limit="1500", steps=300)
    for page in (before, text(phone.get(f"/s/{key}"))):
        assert "before a limit" not in page


def test_the_first_figures_of_a_slow_meter_are_promised_for_when_they_can_come(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    slow(kiosk)
    key = kiosk.held(phone)
    kiosk.clock.advance(20)
    kiosk.observe(
        key,
        "charging",
        authorized_minor=HOLD,
        charging_started_at=kiosk.now,
        connector_status="Charging",
        energy_kwh=Decimal(0),
        cost_minor=0,
    )
    by = (kiosk.now + timedelta(seconds=300)).astimezone(ZoneInfo("Europe/Berlin"))
    assert f"The first figures come by {by:%H:%M}" in text(phone.get(f"/s/{key}"))
    kiosk.clock.advance(300)
    kiosk.observe(key, "charging", energy_kwh=Decimal("0.9"), cost_minor=44, connector_status="Charging")
    assert "The figures move in steps" in text(phone.get(f"/s/{key}"))


def test_how_often_the_charger_reports_is_said_once(kiosk: Kiosk, phone: FlaskClient) -> None:
    slow(kiosk)
    key = kiosk.charging(phone, limit="1500", steps=15)
    assert text(phone.get(f"/s/{key}")).count("reports about every") == 1
    watcher = text(kiosk.phone().get(f"/s/{key}"))
    assert watcher.count("reports about every") == 1
