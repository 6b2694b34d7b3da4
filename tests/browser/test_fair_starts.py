"""What drivers see of starts that are shared: a bay that waits for somebody's payment, a full charger, an old start."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import update

from kiosk.domain.commands import Refusal
from kiosk.sandbox.world.faults import Kind
from kiosk.store.tables import sessions
from tests.browser.conftest import NewPhone, NewTablet
from tests.browser.garage import CODE, Garage
from tests.browser.phone import Phone

UNTIL = re.compile(r"Somebody is about to pay\. Free again at \d\d:\d\d at the latest\.")


def test_a_bay_that_somebody_is_about_to_pay_says_until_when_on_phone_and_tablet(
    garage: Garage, phone: Phone, new_phone: NewPhone, new_tablet: NewTablet
) -> None:
    new_phone().start(CODE, 1)  # its page stays open, so that the bay is kept however long the rest takes
    phone.scan()
    phone.reads(UNTIL)
    screen = new_tablet()
    expect(screen.page.get_by_text(re.compile(r"free at \d\d:\d\d at the latest"))).to_be_visible()
    screen.page.goto(f"{garage.address}/tablet/bay/{CODE}/1")
    expect(screen.page.get_by_text("Somebody is about to pay.")).to_be_visible()
    expect(screen.page.get_by_text(re.compile(r"free at \d\d:\d\d at the latest"))).to_be_visible()


def test_a_new_price_is_read_and_agreed_to_before_any_card_field(garage: Garage, phone: Phone) -> None:
    phone.expects("409")  # the form may be asked for in the moment in which the price changes
    key = phone.start()
    with garage.store._database.write() as connection:
        cheaper = update(sessions).where(sessions.c.key == key)
        connection.execute(cheaper.values(agreed="EUR-39-35-2000", version=sessions.c.version + 1))
    phone.page.reload()
    phone.reads("Please read what is different. Nothing is held, and nothing is paid.")
    phone.reads("before: €0.39")
    phone.reads("before: €20.00")
    expect(phone.page.locator("iframe")).to_have_count(0)
    phone.press("I agree, continue to payment")
    expect(phone.pay_button).to_be_enabled()
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_a_full_charger_promises_no_minute_and_a_start_that_was_left_alone_goes_on_by_one_tap(
    garage: Garage, phone: Phone
) -> None:
    garage.fault(Kind.TOO_MANY, "start", None, retry_after=1200)
    phone.scan()
    phone.choose(2)
    phone.go_on()
    phone.wait_for_screen("queued")
    phone.reads("This charger takes no new starts just now. Nothing is held yet.")
    expect(phone.page.locator("[data-f='seconds']")).to_have_count(0)
    key = phone.key
    phone.page.goto("about:blank")
    (waiting,) = garage.store.waiting_starts()  # whether anybody watches is told by the wall clock
    assert garage.store.put_aside(waiting.command_id, garage.clock.now(), Refusal.NOBODY_WATCHED) is not None
    garage.faults.clear()
    phone.page.goto(f"{garage.address}/s/{key}")
    phone.reads("Still there?")
    phone.press("Yes, go on at bay 4")
    garage.skip(1200)
    phone.wait_for_screen("created")
    assert len(garage.upstream()) == 1
