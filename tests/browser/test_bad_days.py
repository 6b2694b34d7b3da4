"""Bad days in a real browser: the network, the back office and the charger fail, and the page says what is the case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from kiosk.sandbox.world.faults import Kind
from tests.browser.conftest import NewPhone, in_real_time
from tests.browser.garage import CODE, NEAR, Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def charging(
    browser: Browser, assets: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Garage, Phone]]:
    """One charge that is watched through all the bad days of the back office."""
    garage = Garage(tmp_path_factory.mktemp("bad-days"), assets)
    phone = Phone(browser, garage.address, garage.edge)
    garage.pause = phone.idle
    phone.was_charging(garage)
    yield garage, phone
    phone.close()
    garage.close()


@pytest.mark.parametrize(
    "kind",
    [Kind.UNREACHABLE, Kind.TIMEOUT, Kind.SERVER_ERROR, Kind.BAD_GATEWAY, Kind.TRUNCATED, Kind.HTML, Kind.TOO_MANY],
)
def test_while_the_back_office_gives_no_figures_the_page_says_how_old_they_are_and_recovers(
    charging: tuple[Garage, Phone], kind: Kind
) -> None:
    garage, phone = charging
    garage.fault(kind, "session")
    garage.skip(20)
    phone.wait_for_screen("charging")
    expect(phone.page.locator(".age.old").first).to_be_visible()
    expect(phone.page.locator(".meter.old")).to_be_visible()
    garage.skip(60)
    phone.wait_for_screen("stale")
    phone.reads("You never pay more than €30.00")
    phone.reads("unplug the cable at the car")
    garage.faults.clear()
    garage.skip(60)
    phone.wait_for_screen("charging")
    expect(phone.page.locator(".age:not(.old)").first).to_be_visible()
    assert phone.unexpected() == []


def test_a_status_that_nobody_knows_shows_as_being_processed_and_goes_on(garage: Garage, phone: Phone) -> None:
    garage.world.auto_plug = False
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("starting")
    garage.fault(Kind.STRANGE_STATUS, "session")
    phone.wait_for_screen("strange")
    expect(phone.heading).to_contain_text("Being processed")
    phone.reads("You never pay more than the hold.")
    garage.faults.clear()
    phone.wait_for_screen("starting")


def test_a_status_that_nobody_knows_takes_nothing_from_a_charge_that_runs(charging: tuple[Garage, Phone]) -> None:
    garage, phone = charging

    def status() -> str | None:
        session = garage.store.session(phone.key)
        assert session is not None
        return session.status

    garage.fault(Kind.STRANGE_STATUS, "session")
    try:
        garage.until(lambda: status() == "recalibrating", "the strange word")
        phone.wait_for_screen("charging")
        expect(phone.page.get_by_role("button", name="Stop charging")).to_be_enabled()
    finally:
        garage.faults.clear()
    garage.until(lambda: status() == "charging", "the word that is known")


def test_energy_that_goes_down_is_shown_as_it_is_and_the_charge_goes_on(charging: tuple[Garage, Phone]) -> None:
    garage, phone = charging
    garage.skip(300)
    expect(phone.page.locator("[data-f='energy']")).to_have_text(re.compile(r"[1-9]|0\.[3-9]"))
    before = phone.page.locator("[data-f='energy']").inner_text()
    garage.fault(Kind.ENERGY_FALLS, "session")
    garage.until(lambda: float(phone.figure("energy")) < float(before), "a figure that fell")
    phone.wait_for_screen("charging")
    garage.faults.clear()
    garage.until(lambda: float(phone.figure("energy")) >= float(before), "the true figure")


def test_a_charger_without_connection_is_told_with_the_way_to_stop(charging: tuple[Garage, Phone]) -> None:
    garage, phone = charging
    garage.world.set_online(CODE, False)
    garage.skip(70)
    phone.wait_for_screen("stale")
    phone.reads("The charger has lost contact.")
    phone.reads("unplug the cable at the car. Does it not come loose? Unlock the car first.")
    garage.world.set_online(CODE, True)
    garage.skip(20)
    phone.wait_for_screen("charging")


def test_a_stop_without_an_answer_says_so_and_is_repeated_when_it_had_no_effect(
    charging: tuple[Garage, Phone],
) -> None:
    garage, phone = charging
    garage.fault(Kind.TIMEOUT, "stop", 1)
    phone.stop()
    phone.wait_for_screen("captured")
    assert garage.intent_of() == "succeeded"


def test_a_stop_that_was_lost_after_its_effect_ends_in_the_receipt(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    garage.skip(120)
    garage.fault(Kind.TIMEOUT, "stop", 1, after_effect=True)
    phone.stop()
    phone.wait_for_screen("captured")


def test_a_stop_that_is_refused_says_so_and_names_the_cable(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    garage.world.refuse_next_stop(CODE, 100)
    phone.stop()
    phone.wait_for_screen("charging")
    phone.reads("nplug the cable at the car")
    expect(phone.page.locator(".note").first).to_be_visible()


def test_a_dead_network_while_charging_ages_the_figures_and_comes_back_by_itself(garage: Garage, phone: Phone) -> None:
    phone.expects("ERR_INTERNET_DISCONNECTED")
    phone.was_charging(garage)
    phone.context.set_offline(True)
    expect(phone.page.locator("h1")).to_have_text("Your phone is offline")
    expect(phone.page.locator(".band")).to_have_attribute("data-tone", "warn")
    expect(phone.page.locator("#power")).to_have_text("Power")
    expect(phone.page.locator("[data-f=power]")).to_have_text(re.compile(r" at \d\d:\d\d"))
    garage.skip(30)
    expect(phone.page.locator(".meter.old")).to_be_visible()
    phone.stop()
    phone.reads("We do not know whether your stop got through. To stop now, unplug the cable at the car.")
    phone.context.set_offline(False)
    expect(phone.page.locator("h1")).to_have_text("Charging")
    expect(phone.page.locator("#power")).to_have_text("Power now")
    expect(phone.page.locator(".meter:not(.old)")).to_be_visible()
    phone.stop()
    phone.wait_for_screen("captured")


def test_a_slow_network_still_leads_to_the_charge(phone: Phone) -> None:
    wire = phone.context.new_cdp_session(phone.page)
    wire.send("Network.enable")
    wire.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 20_000},
    )
    phone.start()
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_without_streams_the_page_polls_and_still_ends_at_the_receipt(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 503")
    phone.context.route("**/events", lambda route: route.fulfill(status=503, headers={"Retry-After": "5"}))
    phone.was_charging(garage)
    garage.world.unplug(CODE, 1)
    phone.wait_for_screen("captured")


def test_a_session_whose_token_has_expired_says_what_was_known(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    garage.skip(300)
    phone.wait_for_energy()
    garage.fault(Kind.TOKEN_EXPIRED, "session")
    phone.wait_for_screen("gone")
    phone.reads("You never pay more than €30.00.")
    garage.faults.clear()
    garage.skip(700)
    phone.wait_for_screen("charging")


def test_a_start_that_got_no_answer_is_told_and_never_sent_again(garage: Garage, phone: Phone) -> None:
    garage.fault(Kind.TIMEOUT, "start", 1, after_effect=True)
    phone.scan()
    phone.choose(1)
    phone.go_on()
    phone.wait_for_screen("no_answer")
    phone.reads("You have paid nothing and nothing is held.")
    garage.skip(120)
    garage.until(lambda: garage.world.tick() is not None, "time")
    assert len(garage.upstream()) == 1
    phone.press("Try again")
    phone.choose(2)
    phone.go_on()
    phone.wait_for_screen("created")


def _offline(garage: Garage) -> None:
    garage.world.set_online(CODE, False)


def _in_use(garage: Garage) -> None:
    garage.world.open_session(CODE, 1)


def _not_public(garage: Garage) -> None:
    garage.fault(Kind.TOKEN_EXPIRED, "start", 1)


def _too_many(garage: Garage) -> None:
    garage.fault(Kind.TOO_MANY, "start", 1, retry_after=90)


def _down(garage: Garage) -> None:
    garage.fault(Kind.UNREACHABLE, "start", None)


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        (_offline, "We have no contact with this charger. You cannot pay here now. Nothing is held."),
        (_in_use, "Bay 3 is in use. Nothing is held."),
        (_not_public, "Paying by phone is switched off at this charger. Nothing is held."),
        (_down, "Nothing is held."),
    ],
)
def test_a_start_that_is_refused_says_why_and_leads_back(
    garage: Garage, phone: Phone, happens: Callable[[Garage], None], sentence: str
) -> None:
    phone.scan()
    phone.choose(1)
    happens(garage)
    phone.go_on()
    phone.wait_for_screen("refused", "no_answer")
    phone.reads(re.compile(sentence.replace(".", r"\."), re.IGNORECASE))
    expect(phone.page.locator(".dock .btn")).to_be_visible()
    assert garage.confirms() == 0


@in_real_time
def test_a_start_that_upstream_counts_as_too_many_waits_in_line(garage: Garage, phone: Phone) -> None:
    _too_many(garage)
    phone.scan()
    phone.choose(1)
    phone.go_on()
    phone.wait_for_screen("queued", "refused")
    phone.reads("othing is held")
    assert garage.upstream() == []


def test_a_bay_that_vanished_from_the_charger_is_refused(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 422")
    phone.scan()
    phone.page.locator("input[name=connector]").first.evaluate(
        "(input) => { input.value = '7'; input.checked = true; }"
    )
    phone.go_on()
    phone.reads("This charger does not have that bay. Please choose one.")
    assert garage.upstream() == []


def test_the_charging_service_down_before_the_first_look_is_said_and_found_again(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 503", "status of 202")
    garage.fault(Kind.UNREACHABLE, "charger")
    phone.scan()
    phone.reads("Nothing is held")
    expect(phone.page.locator("[data-looking]")).to_be_attached()
    garage.faults.clear()
    garage.skip(60)
    expect(phone.page.locator("#start button")).to_be_visible()


def test_an_old_card_never_looks_free(garage: Garage, phone: Phone) -> None:
    phone.scan()
    garage.fault(Kind.BAD_GATEWAY, "charger")
    garage.skip(90)
    expect(phone.page.locator(".state", has_text="Not known").first).to_be_visible()
    expect(phone.page.locator(".state", has_text="Free")).to_have_count(0)
    garage.faults.clear()
    garage.skip(60)
    expect(phone.page.locator(".state", has_text="Free").first).to_be_visible()


def test_a_refusal_does_not_take_the_chargers_page_away(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 429")
    phone.scan()
    asked: list[str] = []
    problem = "<!doctype html><title>Wait</title><main id=main><section data-problem><p>Too many</p></section></main>"

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=429, content_type="text/html", body=problem)

    phone.page.route(f"**/c/{CODE}", refuse)
    garage.skip(45)
    garage.until(lambda: len(asked) >= 2, "the page was refused twice")
    expect(phone.page.locator("#start button")).to_be_visible()
    expect(phone.page.get_by_text("Too many")).to_have_count(0)
    phone.page.unroute(f"**/c/{CODE}")
    garage.skip(45)
    expect(phone.page.locator(".state", has_text="Free").first).to_be_visible()


def test_why_a_start_was_refused_stays_when_the_page_renews_itself(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 422")
    phone.scan()
    without_a_bay = "document.querySelectorAll('input[name=connector]').forEach((one) => one.remove())"
    phone.page.evaluate(f"() => {{ {without_a_bay}; document.querySelector('#start').requestSubmit(); }}")
    phone.reads("Please choose a bay.")
    with phone.page.expect_response(lambda answer: answer.url.endswith(f"/c/{CODE}")):
        garage.skip(45)
    expect(phone.page.locator("#start")).to_be_attached()
    phone.reads("Please choose a bay.")
    expect(phone.page.locator("#bay-err[role=alert]")).to_have_count(0)


def test_a_charger_that_goes_offline_takes_the_button_away_and_names_a_free_bay_nearby(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    new_phone().scan(NEAR)
    garage.world.set_online(CODE, False)
    phone.scan()
    phone.reads("No connection to this charger")
    expect(phone.page.locator("#start")).to_have_count(0)
    near = phone.page.get_by_role("region", name="Free near you")
    near.get_by_role("link").first.click()
    expect(phone.page.locator("#start button")).to_be_visible()


def test_a_price_that_changed_after_the_page_was_read_must_be_read_again(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 409")
    phone.scan()
    phone.choose(1)
    phone.page.locator("input[name=seen]").evaluate("(input) => { input.value = 'EUR-19-0-3000'; }")
    phone.go_on()
    phone.reads("The price or the hold has just changed. Please read it again.")
    assert garage.upstream() == []


def _no_connection(route: Route) -> None:
    route.abort("connectionfailed")


def _too_many_requests(route: Route) -> None:
    body = "<!doctype html><html data-now='2026-01-01'><main id=main><section data-problem>Wait</section></main>"
    route.fulfill(status=429, content_type="text/html", body=body)


def _first_page(route: Route) -> None:
    body = "<!doctype html><html data-now='2026-01-01'><main id=main><section>Charge here</section></main>"
    route.fulfill(status=429, content_type="text/html", body=body)


def _login_page(route: Route) -> None:
    route.fulfill(content_type="text/html", body="<!doctype html><main id=main>Welcome to our WLAN</main>")


@pytest.mark.parametrize("answer", [_no_connection, _too_many_requests, _first_page, _login_page])
def test_an_answer_that_is_no_good_page_changes_no_choice(
    garage: Garage, phone: Phone, answer: Callable[[Route], None]
) -> None:
    phone.expects("status of 429", "ERR_CONNECTION_FAILED")
    asked: list[str] = []
    phone.scan()
    phone.choose(2)

    def once(route: Route) -> None:
        if route.request.resource_type != "fetch":
            route.fallback()
            return
        asked.append(route.request.url)
        (answer if len(asked) == 1 else Route.fallback)(route)

    phone.page.route(f"**/c/{CODE}", once)
    garage.skip(45)
    garage.until(lambda: len(asked) >= 2, "two renewals of the page")
    expect(phone.page.locator("input[name=connector][value='2']")).to_be_checked()
    phone.go_on()
    phone.wait_for_screen("created")
    assert garage.session(phone.key).connector_id == 2


def test_a_bay_that_is_gone_leaves_nothing_chosen_and_comes_back_as_it_was(garage: Garage, phone: Phone) -> None:
    phone.scan()
    phone.choose(2)
    garage.world.break_connector(CODE, 2)
    garage.skip(45)
    phone.reads("The bay that you had chosen cannot be used now. Please choose again.")
    expect(phone.page.locator("input[name=connector]:checked")).to_have_count(0)
    phone.go_on()
    expect(phone.page.locator("input[name=connector]:invalid")).to_have_count(1)
    assert garage.upstream() == []
    garage.world.repair_connector(CODE, 2)
    garage.skip(45)
    expect(phone.page.locator("input[name=connector][value='2']")).to_be_checked()
    expect(phone.page.locator("#bay-gone")).to_have_count(0)
    phone.go_on()
    phone.wait_for_screen("created")
    assert garage.session(phone.key).connector_id == 2


def test_a_bay_that_was_shown_as_chosen_is_not_exchanged_for_another(garage: Garage, phone: Phone) -> None:
    phone.scan()
    expect(phone.page.locator("input[name=connector][value='1']")).to_be_checked()
    garage.world.break_connector(CODE, 1)
    garage.skip(45)
    phone.reads("The bay that you had chosen cannot be used now. Please choose again.")
    phone.choose(2)
    expect(phone.page.locator("#bay-gone")).to_have_count(0)
    phone.go_on()
    phone.wait_for_screen("created")
    assert garage.session(phone.key).connector_id == 2
