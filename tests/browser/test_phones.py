"""Several browsers at once: two tabs, two phones at one bay, strangers, and a session that moves to another phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NewPhone, in_real_time
from tests.browser.garage import CODE, PATIENCE, Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser
STOP = "Stop charging"


def test_two_tabs_show_the_same_session_and_a_stop_in_one_ends_both(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    garage.skip(120)
    second = phone.context.new_page()
    second.goto(f"{phone.address}/s/{key}")
    second.get_by_role("button", name=STOP).click()
    expect(second.locator("main[data-screen='captured']")).to_be_attached()
    phone.wait_for_screen("captured")
    assert second.get_by_role("heading", level=1).inner_text() == phone.heading.inner_text()


CONNECTIONS = 6
"""So many a browser opens to one host over HTTP/1.1, which the server of these tests speaks."""
PUT_AWAY = """() => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
LOOKED_AT = """() => {
  delete document.hidden;
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_tabs_that_nobody_looks_at_keep_no_connection(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    phone.page.evaluate(PUT_AWAY)
    for _ in range(CONNECTIONS):
        tab = phone.context.new_page()
        tab.goto(f"{phone.address}/s/{key}")
        expect(tab.locator("main[data-screen='charging']")).to_be_attached()
        tab.evaluate(PUT_AWAY)
    last = phone.context.new_page()
    last.goto(f"{phone.address}/s/{key}")
    last.get_by_role("button", name=STOP).click()
    expect(last.locator("main[data-screen='captured']")).to_be_attached()
    phone.page.evaluate(LOOKED_AT)
    phone.wait_for_screen("captured")


def test_a_stop_leaves_also_when_many_windows_are_looked_at(garage: Garage, phone: Phone) -> None:
    streams: list[str] = []
    phone.context.on("request", lambda one: streams.append(one.url) if one.url.endswith("/events") else None)
    key = phone.was_charging(garage)
    for _ in range(CONNECTIONS):
        tab = phone.context.new_page()
        tab.goto(f"{phone.address}/s/{key}")
        expect(tab.locator("main[data-screen='charging']")).to_be_attached()
    phone.stop()
    phone.wait_for_screen("captured")
    assert len(streams) == 3


def test_two_tabs_on_the_payment_page_hold_once(garage: Garage, phone: Phone) -> None:
    key = phone.start()
    second = phone.context.new_page()
    second.goto(f"{phone.address}/s/{key}")
    expect(second.locator("#paybtn")).to_be_enabled()
    phone.pay_with()
    phone.wait_for_screen("charging")
    expect(second.locator("main[data-screen='charging']")).to_be_attached()
    assert garage.confirms() == 1


def test_the_second_phone_at_a_bay_is_told_that_it_is_in_use(garage: Garage, phone: Phone, new_phone: NewPhone) -> None:
    other = new_phone()
    other.scan()
    other.choose(1)
    phone.start(connector=1)
    other.expects("status of 409")
    other.go_on()
    other.reads("Bay 3 is in use. Nothing is held.")
    expect(other.page.locator("input[name=connector][value='1']")).to_have_count(0)
    other.choose(2)
    other.go_on()
    other.wait_for_screen("created")
    assert len(garage.upstream()) == 2


def test_two_phones_that_press_at_the_same_moment_get_one_session_between_them(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    del new_phone
    phone.scan()

    def press(number: int) -> int:
        headers = {"Origin": garage.address, "X-Forwarded-For": f"192.0.2.{number}"}
        address = f"{garage.address}/c/{CODE}/start"
        with httpx.Client(headers=headers, timeout=PATIENCE) as browser:
            first = browser.post(address, data={"connector": "1"})
            return browser.post(first.next_request.url, data={"connector": "1"}).status_code  # type: ignore[union-attr]

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(press, range(1, 5)))
    assert answers == [303, 409, 409, 409]
    assert len(garage.upstream()) == 1


def test_a_double_click_on_start_makes_one_session(garage: Garage, phone: Phone) -> None:
    phone.scan()
    phone.choose(1)
    phone.page.locator("#start button").dblclick()
    phone.wait_for_screen("created")
    assert len(garage.upstream()) == 1


def test_a_stranger_with_the_link_may_watch_but_not_stop(garage: Garage, phone: Phone, new_phone: NewPhone) -> None:
    key = phone.was_charging(garage)
    stranger = new_phone()
    stranger.open(f"/s/{key}")
    stranger.wait_for_screen("charging")
    for name in (STOP, "Use this limit", "Send it there too"):
        expect(stranger.page.get_by_role("button", name=name)).to_have_count(0)
    expect(stranger.page.get_by_role("link", name="Go on with another phone or browser")).to_have_count(0)
    garage.skip(120)
    stranger.wait_for_energy()


@pytest.fixture(scope="module")
def watched(
    browser: Browser, assets: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Garage, Phone, str]]:
    """A charge of somebody else, whose link a stranger has."""
    garage = Garage(tmp_path_factory.mktemp("watched"), assets)
    owner, stranger = (Phone(browser, garage.address, garage.edge) for _ in range(2))
    garage.pause = owner.idle
    key = owner.was_charging(garage)
    yield garage, stranger, key
    owner.close()
    stranger.close()
    garage.close()


@pytest.mark.parametrize("action", ["stop", "cancel", "limit", "receipt-email", "confirm", "leave"])
def test_a_forged_form_of_a_stranger_is_refused_and_changes_nothing(
    watched: tuple[Garage, Phone, str], action: str
) -> None:
    garage, stranger, key = watched
    before = [command.id for command in garage.store.commands(key)]
    stranger.open(f"/s/{key}")
    stranger.page.evaluate(
        """([address]) => {
            const form = Object.assign(document.createElement('form'), { method: 'post', action: address });
            form.innerHTML = '<input name="email" value="a@b.example"><input name="limit" value="1000">';
            document.body.append(form);
            form.submit();
        }""",
        [f"/s/{key}/{action}"],
    )
    stranger.reads("Only the phone that paid can do this. Nothing was changed.")
    assert garage.upstream()[0].status == "charging"
    assert [command.id for command in garage.store.commands(key)] == before


def test_another_sites_form_is_refused_even_in_the_owners_browser(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 403")
    key = phone.was_charging(garage)
    page = f'<form method="post" action="{phone.address}/s/{key}/stop"><button>Win</button></form>'
    phone.context.route(
        "http://evil.example/", lambda route: route.fulfill(status=200, content_type="text/html", body=page)
    )
    phone.page.goto("http://evil.example/")
    phone.page.get_by_role("button", name="Win").click()
    phone.reads("Nothing was changed.")
    assert garage.upstream()[0].status == "charging"


def test_a_session_moves_to_another_phone_and_the_first_one_still_works(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    key = phone.was_charging(garage)
    phone.page.get_by_role("link", name="Go on with another phone or browser").click()
    expect(phone.page.get_by_role("img", name="Code to open this session on another phone")).to_be_visible()
    code = re.search(r"/t/([A-Z0-9]{16})", phone.page.locator("main").inner_text().replace("\n", ""))
    assert code is not None
    other = new_phone()
    other.open(f"/t/{code[1]}")
    other.press("Go on with this phone")
    other.wait_for_screen("charging")
    expect(other.page.get_by_role("button", name=STOP)).to_be_visible()
    phone.press("Back to the session")
    expect(phone.page.get_by_role("button", name=STOP)).to_be_visible()
    other.stop()
    phone.wait_for_screen("captured")
    assert garage.session(key).status == "captured"


def test_a_link_from_the_pay_page_takes_the_payment_to_the_phones_own_browser_once(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    """The page was opened in the browser of a scanner app, which has no wallet."""
    phone.start()
    phone.page.locator("details.more summary").last.click()
    phone.page.get_by_role("link", name="Open it in your browser").locator("visible=true").click()
    link = phone.page.locator("a[href*='/t/']").get_attribute("href")
    assert link is not None
    assert link.startswith(phone.address)
    safari, thief = new_phone(), new_phone()
    safari.page.goto(link)
    safari.press("Go on with this phone")
    safari.wait_for_screen("created")
    safari.pay_with()
    safari.wait_for_screen("charging")
    phone.open(f"/s/{safari.key}")
    expect(phone.page.get_by_role("button", name=STOP)).to_be_visible()
    thief.expects("status of 410")
    thief.page.goto(link)
    expect(thief.heading).to_contain_text("Code is too old")
    assert garage.confirms() == 1


def test_the_link_to_watch_can_be_handed_on_from_the_pay_page_on(phone: Phone) -> None:
    phone.page.add_init_script("navigator.share = async (given) => { window.shared = given.url; }")
    key = phone.start()
    phone.page.locator("details.more summary").last.click()
    phone.press("Share the link to watch")
    assert phone.page.evaluate("window.shared") == f"{phone.address}/s/{key}"
    phone.pay_with()
    phone.wait_for_screen("charging")
    phone.press("Share the link to watch")
    assert phone.page.evaluate("window.shared") == f"{phone.address}/s/{key}"


def test_a_code_to_move_a_session_works_once_and_for_five_minutes(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    phone.was_charging(garage)
    codes: list[str] = []
    for _ in range(2):
        phone.open(f"/s/{phone.key}/move")
        found = re.search(r"/t/([A-Z0-9]{16})", phone.page.locator("main").inner_text().replace("\n", ""))
        assert found is not None
        codes.append(found[1])
    first, thief = new_phone(), new_phone()
    first.open(f"/t/{codes[0]}")
    first.press("Go on with this phone")
    first.wait_for_screen("charging")
    thief.expects("status of 410")
    thief.open(f"/t/{codes[0]}")
    expect(thief.heading).to_contain_text("Code is too old")
    garage.skip(301)
    thief.open(f"/t/{codes[1]}")
    expect(thief.heading).to_contain_text("Code is too old")


def test_a_guessed_key_and_a_tampered_cookie_open_nothing(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    (cookie,) = [one for one in phone.context.cookies() if one["name"] == "driver"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    value = cookie["value"]
    phone.context.add_cookies([{"name": "driver", "value": value[:-3] + "abc", "url": phone.address}])
    phone.page.reload()
    phone.wait_for_screen("charging")
    expect(phone.page.get_by_role("button", name=STOP)).to_have_count(0)
    phone.expects("status of 404")
    phone.open(f"/s/{key[:-1]}{'A' if key[-1] != 'A' else 'B'}")
    expect(phone.heading).to_contain_text("This page is not here")


@in_real_time
def test_the_fourth_start_in_a_minute_waits_in_line_and_goes_on_by_itself(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    _spend_the_starts(garage, new_phone)
    phone.scan()
    phone.choose(2)
    phone.go_on()
    phone.wait_for_screen("queued")
    phone.reads("Nothing is held and nothing is paid.")
    expect(phone.page.locator("[data-f='number']")).to_have_text("1")
    assert len(garage.upstream()) == 3
    garage.skip(61)
    phone.wait_for_screen("created")
    phone.reads("Hold, not a payment")
    assert len(garage.upstream()) == 4


@in_real_time
def test_leaving_the_line_asks_nothing_of_the_back_office(garage: Garage, phone: Phone, new_phone: NewPhone) -> None:
    _spend_the_starts(garage, new_phone)
    phone.scan()
    phone.choose(2)
    phone.go_on()
    phone.wait_for_screen("queued")
    phone.press("Leave the line")
    phone.wait_for_screen("left")
    phone.reads("You paid nothing and nothing is held.")
    garage.skip(120)
    phone.press("Back to the charger")
    expect(phone.page.locator("input[name=connector][value='2']")).to_be_attached()
    assert len(garage.upstream()) == 3


def _spend_the_starts(garage: Garage, new_phone: NewPhone) -> None:
    """Three starts a minute is all that the back office takes from one address."""
    for code, connector in ((CODE, 1), ("9QX6B", 1), ("9QX6B", 2)):
        new_phone().was_started(garage, code, connector)
