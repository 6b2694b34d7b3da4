"""The kiosk's process ends and starts again, with pages open: they reconnect, and every session goes on to its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NewPhone, in_real_time
from tests.browser.garage import CODE, NEAR, QUICK, SMALL, Garage
from tests.browser.phone import GONE, Phone

pytestmark = pytest.mark.browser
PLACES = {
    "created": (CODE, 1),
    "starting": (CODE, 2),
    "charging": (NEAR, 1),
    "stopping": (NEAR, 2),
    "settling": (SMALL, 1),
}


SLOW = 300.0
"""Seconds of the kiosk's clock that a stop takes, and the settling: longer than until all pages have shown it."""


@pytest.fixture(scope="module")
def restarted(
    browser: Browser, assets: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Garage, dict[str, Phone]]]:
    """One phone with a page open in each status, and a kiosk that was ended and started again."""
    slow_end = replace(QUICK, stop=SLOW, settle=SLOW, stop_timeout=10 * SLOW)
    garage = Garage(tmp_path_factory.mktemp("restart"), assets, slow_end)
    garage.world.auto_plug = False
    phones = {status: Phone(browser, garage.address, garage.edge) for status in PLACES}
    garage.pause = phones["created"].idle
    for status in ("charging", "stopping", "settling"):
        garage.world.plug_in(*PLACES[status], "family", 200)
        phones[status].was_charging(garage, *PLACES[status])
    garage.skip(61)
    phones["starting"].open(f"/s/{phones['starting'].was_paid(garage, *PLACES['starting'])}")
    phones["starting"].wait_for_screen("starting")
    phones["created"].start(*PLACES["created"])
    phones["stopping"].stop()
    garage.world.unplug(*PLACES["settling"])
    for status, phone in phones.items():
        phone.expects(GONE)
        phone.wait_for_screen(status)
    garage.restart()
    garage.world.plug_in(*PLACES["starting"], "family", 200)
    garage.world.plug_in(*PLACES["created"], "family", 200)
    yield garage, phones
    for phone in phones.values():
        phone.close()
    garage.close()


@pytest.mark.parametrize("status", ["created", "starting", "stopping", "settling", "charging"])
def test_an_open_page_reconnects_after_a_restart_and_ends_at_the_receipt(
    restarted: tuple[Garage, dict[str, Phone]], status: str
) -> None:
    garage, phones = restarted
    phone = phones[status]
    key = phone.key
    if status == "created":
        phone.page.reload()
        phone.pay_with()
    if status in {"created", "starting", "charging"}:
        phone.wait_for_screen("charging")
        garage.until(lambda: bool(garage.session(key).energy_kwh), "energy")
        garage.world.unplug(*PLACES[status])
    for later in (("stopping", "settling", "captured"), ("settling", "captured")):
        phone.wait_for_screen(*later)
        garage.skip(SLOW + 1)
    phone.wait_for_screen("captured")
    assert phone.key == key
    assert len(garage.upstream()) == len(PLACES)
    assert phone.unexpected() == []


@in_real_time
def test_a_place_in_line_is_kept_over_a_restart(garage: Garage, phone: Phone, new_phone: NewPhone) -> None:
    phone.expects(GONE)
    for place in ((CODE, 1), (NEAR, 1), (NEAR, 2)):
        new_phone().was_started(garage, *place)
    phone.scan()
    phone.choose(2)
    phone.go_on()
    phone.wait_for_screen("queued")
    garage.restart()
    garage.skip(61)
    phone.wait_for_screen("created")
    expect(phone.pay_button).to_be_enabled()
    assert len(garage.upstream()) == 4
