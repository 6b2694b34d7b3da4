"""The list of sessions, one session, and its acts, as somebody at the desk meets them."""

from __future__ import annotations

import re

import brotli  # type: ignore[import-untyped]
import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.desk import CONFIRMED, Role
from tests.web.conftest import NEAR, Kiosk

from .conftest import PASSWORD, SignIn


@pytest.fixture
def paid(kiosk: Kiosk, phone: FlaskClient) -> str:
    """The key of a session of 9.47 from bay 4, with a card that ends in 4242, begun at 14:00 of its site."""
    key = kiosk.charging(phone)
    kiosk.captured(key)
    kiosk.proven(key, received=947)
    return key


def numbers(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'href="/desk/sessions/(\d+)"', page)]


def number(kiosk: Kiosk, key: str) -> int:
    found = kiosk.store.finding.number_of(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "said",
    [
        "4242 14:03",
        "2:03\N{NARROW NO-BREAK SPACE}PM",
        "bay 4 2.03 p.m.",
        "9,47",
        "bay 4",
        "7mk4t",
        "DE*LND*E000204",
        "2026-000001",
        "4242 9.47",
    ],
)
def test_a_session_is_found_by_what_a_caller_can_say(kiosk: Kiosk, paid: str, at_desk: SignIn, said: str) -> None:
    page = at_desk(Role.VIEWER).get("/desk/sessions", query_string={"q": said}).text
    assert numbers(page) == [number(kiosk, paid)]


def test_what_means_nothing_is_said_and_what_is_not_there_too(paid: str, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    assert "This means nothing here" in browser.get("/desk/sessions?q=blah+4242").text
    assert "No session is all of that." in browser.get("/desk/sessions?q=4343").text
    assert paid not in browser.get("/desk/sessions").text


def test_the_filters_stand_in_the_address_and_a_view_keeps_them(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    page = browser.get("/desk/sessions?q=4242&from=2026-11-20&to=2026-11-20&view=paid").text
    assert numbers(page) == [number(kiosk, paid)]
    assert "q=4242&amp;from=2026-11-20&amp;to=2026-11-20&amp;view=open" in page
    assert numbers(browser.get("/desk/sessions?from=2026-11-21").text) == []
    assert numbers(browser.get("/desk/sessions?view=open").text) == []
    assert numbers(browser.get("/desk/sessions?view=odd&from=never&after=nonsense").text) == [number(kiosk, paid)]
    for end in (f"2026-11-21T00:00+00:00_{10**30}", "0001-01-01T00:00+23:59_1", "2026-11-21T00:00+00:00_-1"):
        assert numbers(browser.get("/desk/sessions", query_string={"after": end}).text) == [number(kiosk, paid)]


def test_what_of_the_address_means_nothing_is_said_and_makes_no_file(at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    page = browser.get("/desk/sessions?from=garbage&to=2026-11-31&view=<b>&after=here&site=").text
    assert "It was left out: View “&lt;b&gt;”; From “garbage”; To “2026-11-31”; Where to go on “here”." in " ".join(
        page.split()
    )
    assert 'value="garbage"' not in page
    assert "from=garbage" not in page
    assert "It was left out" not in browser.get("/desk/sessions?from=2026-11-20&view=paid&to=").text
    for address in ("sessions.csv?from=garbage", "queue.csv?kind=nonsense", "reconcile.csv?day=never"):
        assert browser.get(f"/desk/{address}").status_code == 400, address
    for address in (
        "queue?kind=nonsense",
        "queue?state=nonsense",
        "queue?site=nonsense",
        "reconcile?state=nonsense",
        "reconcile?month=nonsense",
        "reconcile?day=nonsense",
    ):
        assert "“nonsense”." in browser.get(f"/desk/{address}").text, address
    for address in ("reconcile?day=20261120", "reconcile?day=2026-11-20&state=", "queue?kind=&site=marktplatz"):
        assert "It was left out" not in browser.get(f"/desk/{address}").text, address


def test_a_session_tells_its_times_as_every_page_does(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    page = browser.get(f"/desk/sessions/{number(kiosk, paid)}").text
    assert not re.search(r"[+]0\d:00", page)
    assert "<h3>20 November 2026</h3>" in page
    assert re.search(r"held at \d\d:\d\d:\d\d[.;]", page), "a time of the same day goes without its day"
    kiosk.clock.advance(24 * 3600)
    later = at_desk(Role.VIEWER).get(f"/desk/sessions/{number(kiosk, paid)}").text
    assert re.search(r"seen \d\d:\d\d:\d\d on 20 Nov\.", later)


def test_older_sessions_are_on_the_next_page(kiosk: Kiosk, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.web.desk.sessions.ROWS", 2)
    for _ in range(5):
        kiosk.card()
        phone = kiosk.phone()
        key = kiosk.start(phone)
        phone.post(f"/s/{key}/leave")
        kiosk.clock.advance(60)
    browser, shown = at_desk(Role.VIEWER), []
    address = "/desk/sessions"
    while address:
        page = browser.get(address).text
        shown.append(numbers(page))
        found = re.findall(r'href="([^"]*after=[^"]*)"', page)
        address = found[0].replace("&amp;", "&") if found else ""
    assert shown == [[5, 4], [3, 2], [1]]


def test_somebody_limited_to_a_site_sees_its_sessions_alone(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    mine, others = at_desk(Role.SUPPORT, ["marktplatz"], "ann"), at_desk(Role.SUPPORT, [], "bob")
    place = number(kiosk, paid)
    assert numbers(mine.get("/desk/sessions").text) == [place]
    assert mine.get(f"/desk/sessions/{place}").status_code == 200
    for path in ("", "/stop", "/receipt"):
        assert others.get(f"/desk/sessions/{place}{path}").status_code == 404
    assert others.post(f"/desk/sessions/{place}/note", data={"text": "x"}).status_code == 404
    assert numbers(others.get("/desk/sessions").text) == []
    assert numbers(others.get("/desk/sessions?site=marktplatz").text) == []
    assert numbers(mine.get("/desk/sessions?site=elsewhere").text) == []
    assert numbers(mine.get("/desk/sessions?site=marktplatz").text) == [place]


def test_one_session_tells_its_story_its_money_and_its_proof(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    page = at_desk(Role.VIEWER).get(f"/desk/sessions/{number(kiosk, paid)}").text
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Receipt 2026-000001 was issued (captured): held 30.00 EUR, taken 9.47 EUR" in plain
    assert "On the receipt = taken: yes €9.47 = €9.47" in plain
    assert "Stripe received = taken: yes €9.47 = €9.47" in plain
    assert "Meter = energy: not known" in plain
    assert "Given back €20.53" in plain
    assert "DE*LND*E000204" in plain
    assert paid not in page


def test_what_differs_is_said(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    kiosk.proven(key, received=900)
    plain = re.sub(r"<[^>]+>", " ", at_desk(Role.VIEWER).get(f"/desk/sessions/{number(kiosk, key)}").text)
    assert "Stripe received = taken: no" in plain


def test_nothing_that_is_not_known_is_shown_as_zero(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    page = at_desk(Role.VIEWER).get(f"/desk/sessions/{number(kiosk, key)}").text
    assert "€0.00" not in page
    assert "0 Wh" not in page
    assert page.count("not known") >= 5


def test_a_viewer_is_offered_no_act_and_support_is(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    place = number(kiosk, kiosk.charging(phone))
    assert "Stop the charge" not in at_desk(Role.VIEWER).get(f"/desk/sessions/{place}").text
    page = at_desk(Role.SUPPORT).get(f"/desk/sessions/{place}").text
    assert f'href="/desk/sessions/{place}/stop"' in page
    assert f'href="/desk/sessions/{place}/cancel"' not in page


def test_a_charge_is_stopped_after_a_look_a_password_and_a_reason(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn
) -> None:
    key = kiosk.charging(phone)
    address = f"/desk/sessions/{number(kiosk, key)}/stop"
    browser = at_desk(Role.SUPPORT)
    kiosk.clock.advance(CONFIRMED.total_seconds() + 1)
    assert f'href="/desk/confirm?after={address}"' in browser.get(address).text
    sent = browser.post(address, data={"reason": "called", "seen": "open-charging"})
    assert sent.headers["Location"] == f"/desk/confirm?after={address}"
    assert not [one for one in kiosk.store.commands(key) if one.kind is Kind.STOP]
    browser.post("/desk/confirm", data={"password": PASSWORD, "after": address})
    page = browser.get(address).text
    assert "the cost so far is taken from the hold" in page
    seen = re.findall(r'name="seen" value="([^"]+)"', page)[0]
    assert browser.post(address, data={"reason": "", "seen": seen}).status_code == 422
    assert browser.post(address, data={"reason": "called", "seen": "open-created"}).status_code == 409
    assert browser.post(address, data={"reason": "called", "seen": seen}).status_code == 303
    assert browser.post(address, data={"reason": "called", "seen": seen}).status_code == 409, "twice is once"
    (stop,) = [one for one in kiosk.store.commands(key) if one.kind is Kind.STOP]
    assert stop.asked_by is AskedBy.OPERATOR
    page = browser.get(f"/desk/sessions/{number(kiosk, key)}").text
    assert "asked to stop a charge" in page
    assert "called" in page


def test_the_driver_reads_that_the_operator_asked_for_it(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    key = kiosk.charging(phone)
    address = f"/desk/sessions/{number(kiosk, key)}/stop"
    at_desk(Role.SUPPORT).post(address, data={"reason": "called", "seen": "open-charging"})
    page = phone.get(f"/s/{key}").text
    assert "We ask the charger to stop" in page
    assert "your stop" not in page
    (stop,) = [one for one in kiosk.store.commands(key) if one.kind is Kind.STOP]
    assert kiosk.store.claim(stop.id, kiosk.now)
    kiosk.store.finish(stop.id, CommandState.DONE, kiosk.now)
    kiosk.captured(key)
    assert "The operator asked the charger to stop." in phone.get(f"/s/{key}").text


def test_what_cannot_be_done_any_more_is_said(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    address = f"/desk/sessions/{number(kiosk, paid)}/stop"
    browser = at_desk(Role.SUPPORT)
    assert "cannot be done in the state" in browser.get(address).text
    assert browser.post(address, data={"reason": "x", "seen": "y"}).status_code == 409
    assert browser.get(address.replace("stop", "explode")).status_code == 404


def test_the_receipt_is_opened_as_the_driver_sees_it_and_the_log_says_so(
    kiosk: Kiosk, paid: str, at_desk: SignIn
) -> None:
    browser, place = at_desk(Role.SUPPORT), number(kiosk, paid)
    answer = browser.get(f"/desk/sessions/{place}/receipt")
    assert answer.headers["Location"] == f"/r/{paid}"
    entry = kiosk.store.desk.log_entries()[0]
    assert (entry.who, entry.did, entry.subject) == ("support", "opened_receipt", str(place))
    kiosk.card("Available", code=NEAR)
    other = kiosk.start(kiosk.phone(), connector=1, code=NEAR)
    assert browser.get(f"/desk/sessions/{number(kiosk, other)}/receipt").status_code == 404


def test_a_note_is_shown_and_a_search_for_an_address_is_logged_without_it(
    kiosk: Kiosk, paid: str, at_desk: SignIn
) -> None:
    browser, place = at_desk(Role.OWNER), number(kiosk, paid)
    browser.post(f"/desk/sessions/{place}/note", data={"text": "<b>called</b>"})
    assert "&lt;b&gt;called&lt;/b&gt;" in browser.get(f"/desk/sessions/{place}").text
    browser.get("/desk/sessions?q=ada@example.org")
    page = browser.get("/desk/log").text
    assert "searched for an e-mail address" in page
    assert "ada@example.org" not in page


@pytest.mark.parametrize("before", ["here", "-1", "1e3", "9" * 19, "9" * 20, "٣"])
def test_a_place_in_the_log_that_is_none_is_left_out_and_the_page_says_so(at_desk: SignIn, before: str) -> None:
    page = " ".join(at_desk(Role.OWNER).get(f"/desk/log?before={before}").text.split())
    assert f"It was left out: Where to go on “{before}”." in page


def test_the_log_goes_on_before_the_entry_with_which_a_page_ended(at_desk: SignIn) -> None:
    page = at_desk(Role.OWNER).get("/desk/log?before=1").text
    assert "It was left out" not in page
    assert "signed in" not in page


def test_a_page_of_the_desk_keeps_its_budget(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    """40 kB on the wire with its style sheets and all."""
    browser = at_desk(Role.OWNER)
    asset = kiosk.app.extensions["asset"]
    sheets = 0
    for name in ("app.css", "desk/desk.css"):
        with browser.get(asset(name), headers={"Accept-Encoding": "br"}) as answer:
            sheets += len(answer.data)
    session = f"/desk/sessions/{number(kiosk, paid)}"
    old = ("/desk/", "/desk/sessions", session, "/desk/log", "/desk/queue")
    new = ("/desk/keys", "/desk/reconcile", "/desk/reconcile/report", "/desk/plots", "/desk/setup", "/desk/account")
    for path in old + new:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        page = answer.data
        assert len(brotli.compress(page, quality=5)) + sheets <= 40_000, path


def test_a_side_that_is_not_known_is_said_once(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    key = kiosk.charging(phone)
    browser = at_desk(Role.VIEWER)
    page = browser.get("/desk/sessions/1").text
    assert "On the receipt = taken: not known<small>neither side yet</small>" in page
    assert "Meter = energy: not known<small>one side only: 13900 Wh</small>" in page
    kiosk.captured(key)
    assert "On the receipt = taken: yes<small>€9.47 = €9.47</small>" in browser.get("/desk/sessions/1").text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_at_the_ends_of_time_narrows_nothing_and_breaks_nothing(
    kiosk: Kiosk, paid: str, at_desk: SignIn, day: str
) -> None:
    page = at_desk(Role.VIEWER).get(f"/desk/sessions?from={day}&to={day}")
    assert page.status_code == 200
    assert numbers(page.text) == [number(kiosk, paid)]


def test_a_number_that_no_session_can_have_is_not_there(at_desk: SignIn) -> None:
    assert at_desk(Role.VIEWER).get(f"/desk/sessions/{2**80}").status_code == 404
