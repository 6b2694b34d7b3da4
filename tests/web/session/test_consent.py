"""Nobody pays on terms that they have not read: what changed is shown beside what was read, before any card field."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from kiosk.domain.commands import CommandState, Refusal
from kiosk.domain.ownership import ListProblem
from kiosk.domain.session import Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.store.tables import sessions
from tests.web.conftest import CODE, HOLD, PAYMENT, TARIFF, Kiosk

DEARER = Tariff("EUR", 88, 35)
READ = f"EUR-49-35-{HOLD}"
NOW = f"EUR-88-35-{HOLD}"


def session(kiosk: Kiosk, key: str) -> Session:
    found = kiosk.store.session(key)
    assert found is not None
    return found


def dearer(kiosk: Kiosk, phone: FlaskClient) -> str:
    """A start by the old price, answered with a new one."""
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.made(key, PAYMENT, tariff=DEARER)
    return key


def put_aside(kiosk: Kiosk, phone: FlaskClient, why: Refusal = Refusal.NOBODY_WATCHED) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    (waiting,) = kiosk.store.waiting_starts()
    assert kiosk.store.put_aside(waiting.command_id, kiosk.now, why) is not None
    return key


# --- after the start's answer


def test_another_price_is_shown_beside_the_one_that_was_read_and_no_card_field(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    page = phone.get(f"/s/{dearer(kiosk, phone)}").text
    for text in ("New price", "before: €0.49", "€0.88", "I agree, continue to payment", "No, cancel"):
        assert text in page
    assert "pay.js" not in page
    assert "Pay and start charging" not in page
    assert "js.stripe.com" not in page


def test_nobody_gets_the_payment_form_before_they_have_agreed(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = dearer(kiosk, phone)
    assert phone.get(f"/s/{key}/payment").status_code == 409
    assert session(kiosk, key).payment_shown_at is None
    assert phone.post(f"/s/{key}/agree", data={"seen": NOW}).status_code == 303
    assert session(kiosk, key).agreed == NOW
    assert phone.get(f"/s/{key}/payment").status_code == 200
    page = phone.get(f"/s/{key}").text
    assert "pay.js" in page
    assert "before:" not in page


@pytest.mark.parametrize("seen", [READ, "", "EUR-89-35-3000", "nonsense", None])
def test_agreeing_to_other_terms_than_those_of_now_agrees_to_nothing(
    kiosk: Kiosk, phone: FlaskClient, seen: str | None
) -> None:
    key = dearer(kiosk, phone)
    phone.post(f"/s/{key}/agree", data={"seen": seen} if seen is not None else {})
    assert session(kiosk, key).agreed == READ
    assert phone.get(f"/s/{key}/payment").status_code == 409


def test_another_hold_is_agreed_to_as_well(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    command = kiosk.claim(key)
    seen = kiosk.observation("created", payment=PAYMENT, created_at=kiosk.now)
    kiosk.store.start_done(command, "token", seen, kiosk.now, hold_minor=HOLD + 3000)
    page = phone.get(f"/s/{key}").text
    for text in ("New hold", "before: €30.00", "€60.00", "at most €60.00"):
        assert text in page
    assert phone.get(f"/s/{key}/payment").status_code == 409


def test_who_watches_is_shown_the_new_price_and_may_not_agree(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = dearer(kiosk, phone)
    stranger = kiosk.phone()
    page = stranger.get(f"/s/{key}").text
    assert "€0.88" in page
    assert "I agree" not in page
    assert stranger.post(f"/s/{key}/agree", data={"seen": NOW}).status_code == 403
    assert session(kiosk, key).agreed == READ


def test_whoever_does_not_agree_cancels_and_the_bay_is_free(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = dearer(kiosk, phone)
    assert phone.post(f"/s/{key}/cancel").status_code == 303
    assert kiosk.store.occupied(CODE) == {}
    assert "I agree" not in phone.get(f"/s/{key}").text


def test_the_page_changes_by_itself_when_the_price_does(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    before = phone.get(f"/s/{key}.json").json
    kiosk.store.agree(key, "EUR-39-35-3000", kiosk.now)
    after = phone.get(f"/s/{key}.json").json
    assert before is not None
    assert after is not None
    assert before["shape"] != after["shape"]


def test_a_later_answer_with_another_price_is_told_and_rewrites_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.observe(key, "charging", tariff=Tariff("EUR", 79, 35), charger_online=True)
    page = phone.get(f"/s/{key}").text
    assert "The charging service now names another price" in page
    assert session(kiosk, key).tariff == TARIFF
    assert "€0.79" not in page


# --- before it was sent


def test_a_start_that_nobody_waited_for_asks_whether_somebody_is_still_there(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = put_aside(kiosk, phone)
    kiosk.clock.advance(9 * 3600)
    kiosk.card()
    page = phone.get(f"/s/{key}").text
    for text in ("Still there?", "nobody had this page open", "Yes, go on at bay 4", "€0.49", "€30.00"):
        assert text in page
    assert "before:" not in page


def test_one_tap_takes_it_up(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = put_aside(kiosk, phone)
    kiosk.card()
    assert phone.post(f"/s/{key}/again", data={"seen": READ}).status_code == 303
    assert kiosk.store.queue() == [key]
    assert session(kiosk, key).phase is Phase.QUEUED
    assert [one.state for one in kiosk.store.commands(key)] == [CommandState.WAITING]


def test_a_price_that_changed_in_the_line_is_shown_beside_the_old_one(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = put_aside(kiosk, phone, Refusal.TERMS_CHANGED)
    kiosk.card(tariff=DEARER)
    page = phone.get(f"/s/{key}").text
    for text in ("Price or hold changed", "before: €0.49", "€0.88", f'value="{NOW}"'):
        assert text in page
    refused = phone.post(f"/s/{key}/again", data={"seen": READ})
    assert refused.status_code == 409
    assert "The price or the hold has just changed." in refused.text
    assert kiosk.store.queue() == []
    assert phone.post(f"/s/{key}/again", data={"seen": NOW}).status_code == 303
    assert session(kiosk, key).agreed == NOW


def test_where_the_bay_is_taken_by_now_another_one_is_named(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = put_aside(kiosk, phone)
    kiosk.card()
    kiosk.card("Available", code="9QX6B")
    kiosk.start(kiosk.phone())
    page = phone.get(f"/s/{key}").text
    assert "Yes, go on" not in page
    assert "Back to the charger" in page
    assert "/c/9QX6B" in page
    refused = phone.post(f"/s/{key}/again", data={"seen": READ})
    assert refused.status_code == 409
    assert "This bay was taken a moment ago." in refused.text


def test_who_has_another_unpaid_start_by_now_pays_or_cancels_that_first(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = put_aside(kiosk, phone)
    kiosk.card("Available", "Available")
    kiosk.start(phone, connector=1)
    refused = phone.post(f"/s/{key}/again", data={"seen": READ})
    assert refused.status_code == 409
    assert "You have not paid another start yet." in refused.text
    assert len(kiosk.store.queue()) == 1


def test_at_a_charger_that_became_anothers_it_is_not_taken_up_and_the_page_says_whose_it_is(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.set(sell_unlisted=True)
    kiosk.card(code="ZZZZZ")
    key = kiosk.start(phone, code="ZZZZZ")
    (waiting,) = kiosk.store.waiting_starts()
    assert kiosk.store.put_aside(waiting.command_id, kiosk.now, Refusal.NOBODY_WATCHED) is not None
    kiosk.set(sell_unlisted=False)
    assert "Yes, go on" not in phone.get(f"/s/{key}").text
    refused = phone.post(f"/s/{key}/again", data={"seen": READ})
    assert refused.status_code == 409
    assert "This charger belongs to another operator." in refused.text
    kiosk.set(plugchoice_token="operator")
    kiosk.store.own_list_failed(ListProblem.TOKEN, kiosk.now)
    unknown = phone.post(f"/s/{key}/again", data={"seen": READ}).text
    assert "We cannot find out just now whether this charger is one of ours." in unknown
    assert kiosk.store.queue() == []


def test_a_stranger_takes_nothing_up(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = put_aside(kiosk, phone)
    kiosk.card()
    assert kiosk.phone().post(f"/s/{key}/again", data={"seen": READ}).status_code == 403
    assert kiosk.store.queue() == []


# --- in the line


def test_a_full_charger_promises_no_minute_and_names_another(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.card("Available", code="9QX6B")
    key = kiosk.start(phone)
    number = kiosk.claim(key)
    kiosk.store.put_back(number, kiosk.store.close_charger(CODE, kiosk.now), Refusal.CHARGER_FULL)
    page = phone.get(f"/s/{key}").text
    assert "This charger takes no new starts just now. Nothing is held yet." in page
    assert 'data-f="seconds"' not in page
    assert "/c/9QX6B" in page


def test_a_service_that_cannot_be_reached_promises_no_minute(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.store.put_back(kiosk.claim(key), kiosk.now + timedelta(seconds=5), Refusal.UPSTREAM_DOWN)
    page = phone.get(f"/s/{key}").text
    assert "We cannot reach the charging service just now, and try again by ourselves." in page
    assert 'data-f="seconds"' not in page


def test_an_old_session_from_before_terms_were_kept_is_asked_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = dearer(kiosk, phone)
    with kiosk.store._database.write() as connection:
        connection.execute(update(sessions).where(sessions.c.key == key).values(agreed=None))
    assert phone.get(f"/s/{key}/payment").status_code == 200
