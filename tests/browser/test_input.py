"""What drivers type and browsers send: codes, languages, back and reload, scripts off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NewPhone
from tests.browser.garage import CODE, NEAR, Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """One kiosk for everything that starts nothing."""
    garage = Garage(tmp_path_factory.mktemp("site"), assets)
    yield garage
    assert garage.upstream() == []
    garage.close()


@pytest.fixture
def reader(browser: Browser, site: Garage) -> Iterator[Phone]:
    """A phone that looks and types, and starts nothing. Unknown codes are asked about seldom."""
    site.skip(61)
    phone = Phone(browser, site.address, site.edge)
    yield phone
    complaints = phone.unexpected()
    phone.close()
    assert complaints == []


@pytest.mark.parametrize("typed", [" 7mk4t ", "7MK-4T", "7 m k 4 t"])
def test_a_code_is_found_however_it_is_typed(reader: Phone, typed: str) -> None:
    reader.type_code(typed)
    expect(reader.heading).to_have_text("Charger 2")
    assert reader.page.url.endswith(f"/c/{CODE}")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("7MK4O", "No charger has the code 7MK4O."),
        ("<b>x</b>", "A code has only letters and digits."),
        ("7MK4T7MK4T7", "That is too long for a code."),
    ],
)
def test_a_wrong_code_is_answered_with_a_sentence_and_can_be_corrected(
    reader: Phone, typed: str, sentence: str
) -> None:
    reader.expects("status of 4(04|22)")
    reader.type_code(typed)
    reader.reads(sentence)
    box = reader.page.get_by_label("Code on the sticker")
    expect(box).to_have_attribute("aria-invalid", "true")
    box.fill(CODE)
    reader.press("Find the charger")
    expect(reader.heading).to_have_text("Charger 2")


def test_a_code_with_o_for_0_is_met_with_what_was_meant(reader: Phone) -> None:
    reader.expects("status of 404")
    reader.open("/c/XC3Z0")
    reader.reads(re.compile("Did you mean|look alike"))


@pytest.mark.parametrize(
    "path",
    ["/c/<script>alert(1)</script>", "/c/" + "A" * 300, "/c/%00%ff", "/c/..%2f..%2fetc", "/c/%F0%9F%94%8C"],
)
def test_a_hostile_address_gets_a_page_that_says_so_and_runs_nothing(reader: Phone, path: str) -> None:
    reader.expects("status of 404")
    ran: list[str] = []
    reader.page.on("dialog", lambda dialog: ran.append(dialog.message))
    reader.open(path)
    expect(reader.heading).to_be_visible()
    assert ran == []
    assert reader.page.locator("main script").count() == 0


@pytest.mark.parametrize("connector", ["0", "101", "", "two", "1.0", "-1", "\uff19"])
def test_a_connector_that_cannot_be_is_refused(reader: Phone, connector: str) -> None:
    reader.scan()
    answer = reader.send(f"/c/{CODE}/start", connector=connector)
    assert answer.status == 422
    assert "Please choose a bay." in answer.text()


@pytest.mark.parametrize(
    ("locale", "lang", "button", "pay", "stop"),
    [
        ("en-GB", "en-GB", "Continue to payment", "Pay and start charging", "Stop charging"),
        ("nl-BE", "nl", None, None, None),
        ("de-AT", "de", None, None, None),
        ("fr-CH", "fr-CH", None, None, None),
        ("pl-PL", "en", "Continue to payment", "Pay and start charging", "Stop charging"),
    ],
)
def test_the_page_speaks_the_browsers_language_from_the_code_to_the_stop(
    garage: Garage,
    new_phone: NewPhone,
    locale: str,
    lang: str,
    button: str | None,
    pay: str | None,
    stop: str | None,
) -> None:
    phone = new_phone(locale=locale)
    said: list[str] = []
    phone.scan()
    expect(phone.page.locator("html")).to_have_attribute("lang", lang)
    said.append(phone.page.locator("#start button").inner_text().strip())
    key = phone.start()
    expect(phone.pay_button).to_be_enabled()
    said.append(phone.pay_button.inner_text().strip())
    garage.pay(key)
    phone.wait_for_screen("charging")
    said.append(phone.page.locator("form[action$='/stop'] button").inner_text().strip())
    english = ["Continue to payment", "Pay and start charging", "Stop charging"]
    if button is not None:
        assert said == [button, pay, stop]
    else:
        assert not set(said) & set(english)


def test_the_language_switch_is_kept_through_the_session(phone: Phone) -> None:
    phone.scan()
    phone.page.locator("details.lang summary").click()
    phone.page.get_by_role("link", name="Deutsch").click()
    expect(phone.page.locator("html")).to_have_attribute("lang", "de")
    phone.reads("0,49")
    phone.choose(1)
    phone.go_on()
    phone.wait_for_screen("created")
    expect(phone.page.locator("html")).to_have_attribute("lang", "de")
    phone.reads("30,00")


def test_reload_keeps_every_screen(garage: Garage, phone: Phone) -> None:
    garage.world.auto_plug = False
    phone.scan()
    phone.page.reload()
    expect(phone.page.locator("#start button")).to_be_visible()
    key = phone.start()
    phone.page.reload()
    expect(phone.pay_button).to_be_enabled()
    phone.pay_with()
    phone.wait_for_screen("starting")
    phone.page.reload()
    phone.wait_for_screen("starting")
    garage.world.plug_in(CODE, 1)
    phone.wait_for_screen("charging")
    phone.page.reload()
    phone.wait_for_screen("charging")
    phone.stop()
    phone.wait_for_screen("captured")
    phone.page.reload()
    phone.wait_for_screen("captured")
    assert phone.key == key
    assert len(garage.upstream()) == 1


def test_back_from_the_payment_page_leads_to_the_bays_and_loses_nothing(garage: Garage, phone: Phone) -> None:
    key = phone.start()
    phone.page.go_back()
    phone.reads("Bay 3 is kept for you")
    expect(phone.page.locator("input[name=connector]:checked")).to_have_count(0)
    phone.page.get_by_role("link", name="Go to bay 3").last.click()
    phone.wait_for_screen("created")
    assert phone.key == key
    phone.scan()
    phone.wait_for_screen("created")
    assert phone.key == key
    assert len(garage.upstream()) == 1


def test_back_from_the_payment_page_another_bay_can_be_taken(garage: Garage, phone: Phone) -> None:
    first = phone.start(connector=1)
    phone.page.go_back()
    phone.reads("If you take another bay here, bay 3 is free again.")
    phone.choose(2)
    phone.press("Take the other bay instead")
    phone.wait_for_screen("created")
    assert phone.key != first
    assert garage.session(phone.key).connector_id == 2
    assert garage.session(first).given_up
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_a_phone_with_an_open_hold_is_told_so_at_another_charger(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    phone.scan(NEAR)
    phone.reads("You have a hold of €30.00 elsewhere: bay 3, Charger 2")
    phone.press("Go there")
    phone.wait_for_screen("charging")
    assert phone.key == key


def test_back_never_leads_to_a_second_payment(garage: Garage, phone: Phone) -> None:
    phone.open("/")
    key = phone.start()
    phone.pay_with()
    phone.wait_for_screen("charging")
    phone.page.go_back()
    phone.wait_for_screen("charging")
    assert phone.key == key
    garage.skip(120)
    phone.stop()
    phone.wait_for_screen("captured")
    phone.page.go_back()
    expect(phone.heading).to_be_visible()
    expect(phone.page.locator("#payform")).to_have_count(0)
    assert len(garage.upstream()) == 1
    assert garage.confirms() == 1


def test_without_scripts_everything_up_to_the_payment_works_and_the_payment_says_what_it_needs(
    garage: Garage, new_phone: NewPhone
) -> None:
    phone = new_phone(scripts=False)
    phone.expects("request: csp")  # a browser whose scripts are off refuses to fetch them ahead
    phone.type_code(CODE.lower())
    phone.page.locator("details.lang summary").click()
    phone.page.get_by_role("link", name="Nederlands").click()
    expect(phone.page.locator("html")).to_have_attribute("lang", "nl")
    phone.page.locator("details.lang summary").click()
    phone.page.get_by_role("link", name="English").click()
    phone.choose(2)
    with garage.clock.unhurried():  # a start whose page nobody seems to have open is kept for two minutes
        phone.go_on()
        phone.wait_for_screen("created")
        expect(phone.page.locator("noscript .note")).to_be_visible()
        assert "Paying needs scripts" in phone.page.locator("noscript .note").inner_text()
        phone.press("Cancel")
        phone.press("Cancel the start")
        phone.wait_for_screen("abandoned")
    garage.skip(240)  # so long it is kept for them, should they change their mind
    garage.until(lambda: garage.intent_of() == "canceled", "the end of the payment")


def test_without_scripts_a_charge_is_watched_and_stopped(garage: Garage, new_phone: NewPhone) -> None:
    phone = new_phone(scripts=False)
    key = phone.was_paid(garage)
    garage.until(lambda: garage.session(key).status == "charging", "the charge")
    garage.skip(300)
    garage.until(lambda: (garage.session(key).energy_kwh or 0) > 0, "energy")
    phone.open(f"/s/{key}")
    phone.wait_for_screen("charging")
    phone.stop()
    garage.until(lambda: garage.session(key).status == "captured", "the end")
    phone.page.reload()
    phone.wait_for_screen("captured")


def test_without_scripts_an_open_session_reloads_by_itself(garage: Garage, new_phone: NewPhone) -> None:
    phone = new_phone(scripts=False)
    key = phone.was_paid(garage)
    garage.until(lambda: garage.session(key).status == "charging", "the charge")
    phone.open(f"/s/{key}")
    refresh = phone.page.locator("meta[http-equiv='refresh']")
    assert int(refresh.get_attribute("content") or "0") in range(5, 31)
