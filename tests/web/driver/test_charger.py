"""Before the start: codes as people type them, the charger's card in each state, and the form that starts."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.domain.charger import Connector
from kiosk.domain.codes import meant, normalise, possible
from kiosk.domain.commands import Kind, Refusal
from kiosk.domain.ownership import ListProblem
from kiosk.domain.session import Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.web.shared.devices import current_device
from tests.web.conftest import CODE, HOLD, NEAR, TARIFF, Kiosk

PAY = "Continue to payment"


# --- codes


def test_a_typed_code_leads_to_its_charger(phone: FlaskClient) -> None:
    answer = phone.get("/?code=%207mk-4t%20")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/c/{CODE}")


@pytest.mark.parametrize(
    "typed",
    [
        "ABCDEFGHIJK",
        "A" * 5000,
        "<script>alert(1)</script>",
        "' OR 1=1",
        "../../etc/passwd",
        "%00",
        "7MK4T\r\nSet-Cookie: x",
    ],
)
def test_an_impossible_code_is_refused_beside_the_field_with_what_was_typed(
    kiosk: Kiosk, phone: FlaskClient, typed: str
) -> None:
    answer = phone.get("/", query_string={"code": typed})
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="code-err"' in answer.text
    assert "<script>alert" not in answer.text
    assert kiosk.store.wanted_cards() == []


def test_an_empty_code_asks_for_one(phone: FlaskClient) -> None:
    answer = phone.get("/?code=%20-%20")
    assert answer.status_code == 422
    assert "Please type the code" in answer.text


@pytest.mark.parametrize("address", ["/c/7mk4t", "/c/%207MK4T%20", "/c/7MK-4T"])
def test_other_spellings_of_an_address_lead_to_the_one(phone: FlaskClient, address: str) -> None:
    answer = phone.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/c/{CODE}")


@pytest.mark.parametrize("address", ["/c/ABCDEFGHIJK", "/c/%3Cscript%3E", "/c/" + "A" * 300])
def test_an_impossible_address_is_not_found_and_nobody_is_asked(kiosk: Kiosk, phone: FlaskClient, address: str) -> None:
    answer = phone.get(address)
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert kiosk.store.wanted_cards() == []


def test_an_unknown_code_keeps_the_input_and_names_what_was_meant(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.note_card_problem("7MK4I", Refusal.UNKNOWN_CHARGER, kiosk.now)
    answer = phone.get("/c/7MK4I")
    assert answer.status_code == 404
    assert 'value="7MK4I"' in answer.text
    assert "Did you mean 7MK4T?" in answer.text


def test_signs_that_look_alike_are_pointed_out(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.note_card_problem("ZZ0ZZ", Refusal.UNKNOWN_CHARGER, kiosk.now)
    assert "O and 0, or I and 1, look alike" in phone.get("/c/ZZ0ZZ").text


def test_the_code_that_was_probably_meant() -> None:
    assert meant("7MK40", ["7MK4O", "AAAAA"]) == "7MK4O"
    assert meant("XXXXX", ["7MK4T"]) is None
    assert [possible(normalise(typed)) for typed in ("a b-c", "", "ä", "A" * 11)] == [True, False, False, False]


def test_with_one_site_its_chargers_are_listed(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    page = phone.get("/").text
    assert f'href="/c/{CODE}?bay=2"' in page
    assert f'href="/c/{NEAR}"' in page
    assert '<span class="vh">Bay </span>7' in page


# --- the card


def test_a_fresh_card_shows_everything_for_the_decision_without_scripts(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    page = phone.get(f"/c/{CODE}").text
    for part in (
        "Lindenau Energie",
        "lindenau.<wbr>example",
        "tel:+498005550142",
        '<span class="vh">Code </span>7MK4T',
        '<span class="vh">Checked </span>',
        ">14:00:00</span>",
        "per kWh <small>with VAT</small>",
        "with 19% VAT",
        "20 \N{MULTIPLICATION SIGN} €0.49 + €0.35",
        "€10.15",
        "€30.00 is enough for about 60.5 kWh.",
        "You pay only what you use, at most €30.00. The rest goes back when charging ends.",
        PAY,
    ):
        assert part in page, part
    order = [page.index(part) for part in ("per kWh", "per session, once", "Hold, not a payment", PAY)]
    assert order == sorted(order)
    assert kiosk.bell.rings == 0


def test_closed_bays_stay_visible_with_word_and_icon_and_cannot_be_chosen(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Charging", "Available")
    page = phone.get(f"/c/{CODE}").text
    assert page.count('name="connector"') == 1
    assert re.search(r'name="connector" value="2"[^>]*checked', page)
    assert re.search(r'data-tone="mute"><svg[^>]*><use href="#i-busy"/></svg>In use', page)


def test_since_when_a_bay_is_in_use_is_said_when_it_was_seen(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    kiosk.clock.advance(20)
    kiosk.card("Charging", "Available")
    assert "since 14:00" in phone.get(f"/c/{CODE}").text


def test_a_bay_that_a_session_of_ours_keeps_is_starting(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    kiosk.start(kiosk.phone(), connector=2)
    page = phone.get(f"/c/{CODE}").text
    assert "Starting" in page
    assert 'name="connector" value="2"' not in page


def test_an_older_card_is_shown_at_once_while_a_new_one_is_asked_for(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.clock.advance(31)
    page = phone.get(f"/c/{CODE}").text
    assert PAY in page
    assert [wish.code for wish in kiosk.store.wanted_cards()] == [CODE]
    assert kiosk.bell.rings == 1


def test_a_card_older_than_a_minute_waits_for_a_new_one(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.clock.advance(61)
    kiosk.bell.act = lambda: kiosk.card()
    page = phone.get(f"/c/{CODE}").text
    assert PAY in page
    assert ">14:01:01</span>" in page


def test_a_card_that_stays_old_is_not_known_and_cannot_be_paid(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    kiosk.clock.advance(61)
    page = phone.get(f"/c/{CODE}").text
    assert PAY not in page
    assert "Not known" in page
    assert "Our last news of it is from 14:00." in page
    assert ">Free<" not in page.replace("</svg>", ">")


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        (("Charging", "SuspendedEV"), "Both bays are in use"),
        (("Charging", "Faulted"), "Bay 4 is out of order"),
        (("Unavailable", "Charging"), "Bay 3 is out of order"),
        (("Charging", "Levitating"), "No bay is free"),
    ],
)
def test_when_nothing_is_free_the_reason_and_the_nearest_free_bay_are_shown(
    kiosk: Kiosk, phone: FlaskClient, statuses: tuple[str, str], sentence: str
) -> None:
    kiosk.card(*statuses)
    kiosk.card("Available", code=NEAR)
    page = phone.get(f"/c/{CODE}").text
    assert sentence in page
    assert PAY not in page
    assert "Free near you" in page
    assert f'href="/c/{NEAR}"' in page


def test_an_old_neighbour_is_never_called_free_and_is_asked_for(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", code=NEAR)
    kiosk.clock.advance(61)
    kiosk.card("Charging", "Charging")
    assert "Free near you" not in phone.get(f"/c/{CODE}").text
    assert NEAR in [wish.code for wish in kiosk.store.wanted_cards()]


def test_an_offline_charger_cannot_be_paid(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available", online=False)
    page = phone.get(f"/c/{CODE}").text
    assert "No connection to this charger" in page
    assert PAY not in page


@pytest.mark.parametrize("missing", [{"tariff": None}, {"preauth_minor": None}, {"preauth_minor": 0}])
def test_without_a_price_or_a_hold_nothing_is_sold(kiosk: Kiosk, phone: FlaskClient, missing: dict[str, Any]) -> None:
    kiosk.card(**missing)
    page = phone.get(f"/c/{CODE}").text
    assert "We cannot read the price" in page
    assert PAY not in page
    assert phone.post(f"/c/{CODE}/start", data={"connector": "2"}).status_code == 409


def test_a_price_line_that_does_not_apply_is_left_out(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card(tariff=Tariff("EUR", 49, 0))
    page = phone.get(f"/c/{CODE}").text
    assert "per session" not in page
    assert "20 \N{MULTIPLICATION SIGN} €0.49, with 19% VAT</small>" in page


def test_without_a_card_the_page_looks_and_goes_on_by_itself(kiosk: Kiosk, phone: FlaskClient) -> None:
    answer = phone.get("/c/ABCDE")
    assert answer.status_code == 202
    assert "Looking for the charger" in answer.text
    assert '<noscript><meta http-equiv="refresh"' in answer.text
    assert [wish.code for wish in kiosk.store.wanted_cards()] == ["ABCDE"]


def test_a_card_that_comes_within_the_wait_is_shown_at_once(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.bell.act = lambda: kiosk.card()
    assert PAY in phone.get(f"/c/{CODE}").text


def test_when_the_back_office_is_down_there_is_a_retry_and_a_number(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.note_card_problem(CODE, None, kiosk.now)
    answer = phone.get(f"/c/{CODE}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in answer.text
    assert "We cannot reach the charging service." in answer.text
    assert "Call 0800 555 0142" in answer.text


def test_a_failed_read_is_not_repeated_at_once(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.note_card_problem(CODE, None, kiosk.now)
    phone.get(f"/c/{CODE}")
    assert kiosk.store.wanted_cards() == []
    kiosk.clock.advance(2)
    phone.get(f"/c/{CODE}")
    assert kiosk.store.wanted_cards() != []


def test_without_a_card_who_cannot_be_asked_about_says_so_and_goes_on_by_itself(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.bell.act = lambda: kiosk.store.put_off_cards([CODE])
    answer = phone.get(f"/c/{CODE}")
    assert answer.status_code == 503
    assert "We cannot ask about this charger just now." in answer.text
    assert "data-looking" in answer.text
    assert "No connection" not in answer.text


def test_an_old_card_that_nobody_can_be_asked_about_is_not_called_a_lost_connection(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.card("Available", "Available")
    kiosk.clock.advance(61)
    kiosk.bell.act = lambda: kiosk.store.put_off_cards([CODE])
    page = phone.get(f"/c/{CODE}").text
    assert "We cannot ask about this charger just now. What you see is from 14:00." in page
    assert PAY not in page
    assert "no connection" not in page.lower()
    assert "No news" not in page


def test_a_start_at_a_bay_that_is_out_of_order_is_not_told_that_it_is_in_use(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Faulted")
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
    assert answer.status_code == 409
    assert "That bay cannot be used now. Please choose another one." in answer.text
    assert "is in use" not in answer.text


# --- codes that nobody knows


def test_a_person_may_mistype_ten_codes_a_minute_and_not_more(kiosk: Kiosk, phone: FlaskClient) -> None:
    answers = [phone.get(f"/c/ZZ{number:03}").status_code for number in range(12)]
    assert answers == [202] * 10 + [429] * 2
    assert "Those were many codes." in phone.get("/c/ZZ099").text
    kiosk.card()
    assert phone.get(f"/c/{CODE}").status_code == 200


def test_many_phones_at_one_address_may_wait_in_front_of_a_charger(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Charging", "Charging")
    assert {phone.get(f"/c/{CODE}?n={number}").status_code for number in range(130)} == {200}
    assert phone.get("/?code=!!").status_code == 422


def test_what_leads_nowhere_counts_for_everybody_at_that_address(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    assert [phone.get("/?code=!!").status_code for _ in range(121)] == [422] * 120 + [429]
    assert phone.get(f"/c/{CODE}").status_code == 429


def test_a_page_that_renews_itself_is_one_code(phone: FlaskClient) -> None:
    assert {phone.get("/c/ZZ001").status_code for _ in range(25)} == {202}
    assert phone.get("/c/ZZ002").status_code == 202


def test_an_answer_that_is_remembered_is_not_counted(kiosk: Kiosk, phone: FlaskClient) -> None:
    for number in range(15):
        kiosk.store.note_card_problem(f"ZZ{number:03}", Refusal.UNKNOWN_CHARGER, kiosk.now)
    assert {phone.get(f"/c/ZZ{number:03}").status_code for number in range(15)} == {404}


def test_of_a_charger_of_ours_that_is_closed_nobody_is_told_that_they_meant_it(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.store.note_card_problem(CODE, Refusal.UNKNOWN_CHARGER, kiosk.now)
    answer = phone.get(f"/c/{CODE}")
    assert answer.status_code == 404
    assert f"Charger {CODE} cannot be used at the moment." in answer.text
    assert "Did you mean" not in answer.text


# --- addresses as people type them


@pytest.mark.parametrize("address", [f"/c/{CODE}/", f"/C/{CODE}", f"/C/{CODE.lower()}", f"/{CODE}", f"/{CODE.lower()}"])
def test_an_address_typed_by_hand_leads_to_the_charger(kiosk: Kiosk, phone: FlaskClient, address: str) -> None:
    kiosk.card()
    answer = phone.get(address, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, f"/c/{CODE}")
    assert PAY in answer.text


def test_a_trailing_slash_keeps_what_stands_behind_it(phone: FlaskClient) -> None:
    assert phone.get(f"/c/{CODE}/?lang=de&bay=2").headers["Location"] == f"/c/{CODE}?lang=de&bay=2"


@pytest.mark.parametrize("word", ["/admin", "/ZZZZZ", "/wp-login.php"])
def test_a_word_that_is_no_charger_of_ours_is_no_page_and_nobody_is_asked(
    kiosk: Kiosk, phone: FlaskClient, word: str
) -> None:
    assert phone.get(word).status_code == 404
    assert kiosk.store.wanted_cards() == []


@pytest.mark.parametrize(
    "typed", ["{host}/c/7MK4T", "https://{host}/c/7MK4T", "HTTP://{host}/C/7mk4t/?lang=de", " {host}/c/7MK-4T#top "]
)
def test_a_whole_address_of_ours_typed_into_the_box_leads_there(kiosk: Kiosk, phone: FlaskClient, typed: str) -> None:
    host = kiosk.app.extensions["kiosk"].settings.public_host
    answer = phone.get("/", query_string={"code": typed.format(host=host)})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/c/{CODE}")


def test_an_address_of_somebody_else_is_not_taken_for_a_code(phone: FlaskClient) -> None:
    answer = phone.get("/", query_string={"code": "https://elsewhere.example/c/7MK4T"})
    assert answer.status_code == 422
    assert 'value="https://elsewhere.example/c/7MK4T"' in answer.text


# --- coming back


def test_scanning_again_brings_the_driver_back_to_the_session(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    answer = phone.get(f"/c/{CODE}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/s/{key}")
    assert kiosk.phone().get(f"/c/{CODE}").status_code == 200


def test_an_ended_session_leaves_a_link_to_its_receipt_for_a_day(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    kiosk.card()
    assert f'href="/r/{key}"' in phone.get(f"/c/{CODE}").text
    assert f'href="/r/{key}"' not in kiosk.phone().get(f"/c/{CODE}").text
    kiosk.clock.advance(timedelta(hours=25).total_seconds())
    kiosk.card()
    assert f'href="/r/{key}"' not in phone.get(f"/c/{CODE}").text


def test_a_bill_that_waits_for_the_operator_does_not_lock_the_driver_out(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    kiosk.observe(key, "capture_failed", authorized_minor=HOLD, cost_minor=576)
    kiosk.card()
    page = phone.get(f"/c/{CODE}")
    assert page.status_code == 200
    assert f'href="/r/{key}"' in page.text


# --- the start


def test_a_start_keeps_the_terms_that_were_shown(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone, limit="1500", seen="EUR-49-35-3000")
    session = kiosk.store.session(key)
    assert session is not None
    assert (session.phase, session.code, session.connector_id) == (Phase.QUEUED, CODE, 2)
    assert (session.tariff, session.hold_minor, session.limit_minor) == (Tariff("EUR", 49, 35), HOLD, 1500)
    assert [c.kind for c in kiosk.store.commands(key)] == [Kind.START]
    assert kiosk.bell.rings == 1
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", key)


def test_the_answer_to_a_start_is_the_pay_page_when_the_engine_is_quick(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.bell.act = lambda: kiosk.start_answer(kiosk.store.queue()[0])
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"}, follow_redirects=True)
    assert "Pay and start charging" in answer.text


def test_a_price_that_changed_after_it_was_read_is_shown_again_and_nothing_starts(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.card(tariff=Tariff("EUR", 59, 35))
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2", "seen": "EUR-49-35-3000"})
    assert answer.status_code == 409
    assert "has just changed" in answer.text
    assert "€0.59" in answer.text
    assert kiosk.store.queue() == []


@pytest.mark.parametrize("connector", ["0", "101", "", "two", "-1", "1.5", "٢", "9" * 400, "3"])
def test_a_connector_that_cannot_be_is_refused_beside_the_choice(
    kiosk: Kiosk, phone: FlaskClient, connector: str
) -> None:
    kiosk.card()
    answer = phone.post(f"/c/{CODE}/start", data={"connector": connector})
    assert answer.status_code == 422
    assert 'id="bay-err" role="alert"' in answer.text
    assert kiosk.store.queue() == []


def test_a_start_without_a_connector_is_refused(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    assert phone.post(f"/c/{CODE}/start").status_code == 422


@pytest.mark.parametrize(("form", "limit"), [({}, None), ({"limit": ""}, None), ({"limit": "1500"}, 1500)])
def test_a_start_that_names_no_limit_has_none_and_the_page_to_pay_on_says_which_one_stands(
    kiosk: Kiosk, phone: FlaskClient, form: dict[str, str], limit: int | None
) -> None:
    """Nothing is removed by a field that is absent: there is no limit yet, and the driver sees that before they pay."""
    kiosk.card()
    key = kiosk.start(phone, 2, CODE, **form)
    kiosk.start_answer(key)
    session = kiosk.store.session(key)
    assert session is not None
    assert session.limit_minor == limit
    page = phone.get(f"/s/{key}").text
    assert ("Charging stops at" in page and "€15.00" in page) == (limit is not None)


@pytest.mark.parametrize("limit", ["1", "1501", "3000", "999999", "ten", "-1000"])
def test_a_limit_that_was_not_offered_is_refused(kiosk: Kiosk, phone: FlaskClient, limit: str) -> None:
    kiosk.card()
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2", "limit": limit})
    assert answer.status_code == 422
    assert "Please choose one of the limits" in answer.text
    assert kiosk.store.queue() == []


def test_a_double_click_starts_once(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    first = kiosk.start(phone)
    assert kiosk.start(phone) == first
    assert kiosk.store.queue() == [first]


def test_a_bay_that_somebody_else_took_meanwhile_is_in_use(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.start(kiosk.phone())
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
    assert answer.status_code == 409
    assert "Bay 4 is in use. Nothing is held." in answer.text
    assert len(kiosk.store.queue()) == 1


@pytest.mark.parametrize("statuses", [("Charging", "Charging"), ("Available", "Faulted")])
def test_a_bay_that_is_not_free_is_refused(kiosk: Kiosk, phone: FlaskClient, statuses: tuple[str, str]) -> None:
    kiosk.card(*statuses)
    assert phone.post(f"/c/{CODE}/start", data={"connector": "2"}).status_code == 409


def test_an_old_card_starts_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.clock.advance(90)
    assert phone.post(f"/c/{CODE}/start", data={"connector": "2"}).status_code == 409
    assert kiosk.store.queue() == []


def test_an_old_card_that_is_renewed_in_time_starts(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.clock.advance(90)
    kiosk.bell.act = lambda: kiosk.card()
    assert phone.post(f"/c/{CODE}/start", data={"connector": "2"}).status_code == 303


def test_a_start_from_another_site_is_refused(kiosk: Kiosk) -> None:
    kiosk.card()
    stranger = kiosk.app.test_client()
    stranger.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"
    assert stranger.post(f"/c/{CODE}/start", data={"connector": "2"}).status_code == 403
    assert kiosk.store.queue() == []


def test_the_language_survives_and_the_links_keep_the_address(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    page = phone.get(f"/c/{CODE}?lang=de").text
    assert '<html lang="de"' in page
    assert f'href="/c/{CODE}?lang=fr"' in page
    refused = phone.post(f"/c/{CODE}/start", data={"connector": "0"}).text
    assert f'href="/c/{CODE}?lang=fr"' in refused


def test_scanning_again_leads_to_a_session_that_upstream_forgot(kiosk: Kiosk) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    for _ in range(2):
        kiosk.clock.advance(5)
        kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    kiosk.card()
    assert key in phone.get(f"/c/{CODE}").get_data(as_text=True)


# --- two phones in the same second, and connectors that cannot be started

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
    phone.post(f"/s/{first}/leave")
    meanwhile(kiosk, device_of(kiosk, phone))
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
    assert (answer.status_code, answer.headers.get("Location")) == (303, f"/s/{OTHERS_KEY}")
    assert kiosk.store.queue() == [OTHERS_KEY]


@pytest.mark.parametrize("number", [0, 101, 999])
def test_a_connector_that_upstream_cannot_start_is_refused_even_when_upstream_lists_it(
    kiosk: Kiosk, phone: FlaskClient, number: int
) -> None:
    kiosk.card(connectors=(Connector(number, "Available", "IEC 62196", "Socket", "AC_3_PHASE"),))
    answer = phone.post(f"/c/{CODE}/start", data={"connector": str(number)})
    assert answer.status_code == 422
    assert "Please choose a bay." in answer.text
    assert kiosk.store.queue() == []


# --- chargers of other operators

OTHERS = "ZZZZZ"


def test_a_charger_of_another_operator_is_not_sold_and_said_to_be_theirs(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", code=OTHERS, name="Tower 9")
    answer = phone.get(f"/c/{OTHERS}")
    assert answer.status_code == 404
    assert "This charger belongs to another operator" in answer.text
    assert "Tower 9" in answer.text
    assert "Please read the label at the charger" in answer.text
    assert PAY not in answer.text
    started = phone.post(f"/c/{OTHERS}/start", data={"connector": "1"})
    assert started.status_code == 404
    assert kiosk.store.queue() == []


def test_the_drivers_of_anothers_charger_are_sent_to_its_own_page_where_that_is_known(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.set(unlisted_url="https://scan.example/{code}?from=kiosk")
    kiosk.card("Available", code=OTHERS)
    text = phone.get(f"/c/{OTHERS}").text
    assert f'href="https://scan.example/{OTHERS}?from=kiosk"' in text
    assert "Please read the label at the charger" not in text


def test_nobody_is_asked_about_anothers_charger_again(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", code=OTHERS)
    kiosk.clock.advance(3600)
    rings = kiosk.bell.rings
    assert phone.get(f"/c/{OTHERS}").status_code == 404
    assert (kiosk.bell.rings, kiosk.store.wanted_cards()) == (rings, [])


def test_a_thousand_codes_of_others_are_no_more_than_any_unknown_ones(kiosk: Kiosk) -> None:
    """Ten a minute by address, and few of them are asked about; a code that was asked about costs nobody anything."""
    stranger = kiosk.phone()
    answers = [stranger.get(f"/c/Z{number}").status_code for number in range(40)]
    assert answers.count(429) >= 20  # thirty, unless a minute of the wall clock ends meanwhile
    assert len(kiosk.store.wanted_cards()) <= 12


def test_until_it_is_known_whose_a_charger_is_the_page_says_just_that_and_goes_on(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.set(plugchoice_token="operator")
    kiosk.card("Available", code=OTHERS)
    answer = phone.get(f"/c/{OTHERS}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "3")
    assert "We are asking whether this charger is one of ours" in answer.text
    assert "data-looking" in answer.text
    assert "another operator" not in answer.text
    assert phone.post(f"/c/{OTHERS}/start", data={"connector": "1"}).status_code == 202
    assert kiosk.store.queue() == []
    kiosk.store.own_list_was_read(["uuid-1"], kiosk.now, whole=True)
    kiosk.store.own_charger_told("uuid-1", OTHERS, kiosk.now)
    assert PAY in phone.get(f"/c/{OTHERS}").text


def test_without_an_engine_nobody_is_asked_whose_a_charger_is_and_the_page_does_not_say_so(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.set(plugchoice_token="operator")
    kiosk.bell.up = False
    kiosk.card("Available", code=OTHERS)
    answer = phone.get(f"/c/{OTHERS}")
    assert answer.status_code == 503
    assert "We cannot find out just now" in answer.text


def test_when_nobody_can_tell_whose_a_charger_is_the_page_says_what_to_do(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.set(plugchoice_token="operator")
    kiosk.store.own_list_failed(ListProblem.NOT_ALLOWED, kiosk.now)
    kiosk.card("Available", code=OTHERS)
    answer = phone.get(f"/c/{OTHERS}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "We cannot find out just now whether this charger is one of ours" in answer.text
    assert "The label at the charger says who runs it" in answer.text
    assert "0800 555 0142" in answer.text
    assert "another operator" not in answer.text


def test_a_charge_at_a_charger_that_became_anothers_goes_on_and_its_receipt_stays(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.set(sell_unlisted=True)
    kiosk.card("Available", code=OTHERS)
    key = kiosk.start(phone, connector=1, code=OTHERS)
    kiosk.set(sell_unlisted=False)
    assert phone.get(f"/c/{OTHERS}").headers["Location"] == f"/s/{key}"
    kiosk.start_answer(key)
    kiosk.observe(key, "charging", energy_kwh=Decimal("1.0"), cost_minor=84, authorized_minor=HOLD)
    assert "Stop" in phone.get(f"/s/{key}").text
    assert phone.post(f"/s/{key}/stop").status_code == 303
    assert [one.kind for one in kiosk.store.commands(key)][-1] is Kind.STOP
    kiosk.captured(key)
    page = phone.get(f"/c/{OTHERS}")
    assert "This charger belongs to another operator" in page.text
    assert f"/r/{key}" in page.text
    assert phone.get(f"/r/{key}").status_code == 200


def test_whoever_has_paid_at_another_charger_reads_that_a_start_here_cancels_that_before_it_does(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    cancels = "It has not begun to charge. A start here cancels it."
    first = kiosk.held(phone)
    kiosk.card(code=NEAR)
    assert cancels in phone.get(f"/c/{NEAR}").text
    assert cancels not in kiosk.phone().get(f"/c/{NEAR}").text
    kiosk.start(phone, code=NEAR)
    assert [one.kind for one in kiosk.store.commands(first)] == [Kind.START, Kind.CANCEL]


def test_what_charges_at_another_charger_goes_on_and_nobody_says_otherwise(kiosk: Kiosk, phone: FlaskClient) -> None:
    first = kiosk.charging(phone)
    kiosk.card(code=NEAR)
    page = phone.get(f"/c/{NEAR}").text
    assert "elsewhere" in page
    assert "A start here cancels it." not in page
    kiosk.start(phone, code=NEAR)
    assert [one.kind for one in kiosk.store.commands(first)] == [Kind.START]
