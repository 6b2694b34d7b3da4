"""From JSON that cannot be trusted to the domain: right where it is readable, None where it is not, never a crash."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.session import Observation, PaymentContext
from kiosk.domain.tariff import Tariff
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.plugchoice.public_reading import (
    read_card,
    read_observation,
    read_payment,
    read_tariff,
    read_token,
)
from kiosk.upstream.values import (
    MOST_MINOR,
)
from tests.upstream.support import EMAIL, SECRET, TOKEN, charger_body, session_body, started_body

ASKED = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SEEN = ASKED + timedelta(seconds=1)
NAN, INFINITE = Decimal("NaN"), Decimal("Infinity")


def observe(**changes: Any) -> Observation:
    return read_observation(session_body(**changes), ASKED, SEEN)


def card(**changes: Any) -> ChargerCard:
    return read_card(charger_body(**changes), "ab12cd", SEEN)


# Whole bodies


def test_the_documented_session_is_read_whole() -> None:
    assert observe(driver_email=EMAIL) == Observation(
        asked_at=ASKED,
        seen_at=SEEN,
        status="charging",
        connector_id=1,
        connector_status="Charging",
        charger_code="AB12CD",
        charger_name="Main Office 1",
        charger_online=True,
        tariff=Tariff("EUR", 45, 100),
        authorized_minor=5000,
        energy_kwh=Decimal("7.940"),
        cost_minor=457,
        driver_email=EMAIL,
        created_at=datetime(2026, 1, 10, 1, 14, 32, tzinfo=UTC),
        authorized_at=datetime(2026, 1, 10, 1, 15, 2, tzinfo=UTC),
        charging_started_at=datetime(2026, 1, 10, 1, 15, 40, tzinfo=UTC),
    )


def test_a_captured_session_has_its_final_figures() -> None:
    seen = observe(
        status="captured",
        amount_captured=457,
        tax_amount=79,
        failure_reason="none given",
        completed_at="2026-01-10T02:00:00.000000Z",
        captured_at="2026-01-10T02:00:05.000000Z",
    )
    assert (seen.captured_minor, seen.tax_minor, seen.failure_reason) == (457, 79, "none given")
    assert seen.completed_at == datetime(2026, 1, 10, 2, tzinfo=UTC)
    assert seen.captured_at == datetime(2026, 1, 10, 2, 0, 5, tzinfo=UTC)


def test_a_started_session_has_its_payment_beside_it() -> None:
    body = started_body()
    assert read_observation(body, ASKED, SEEN).payment == PaymentContext(SECRET, "pk_test_1", "acct_1")
    assert read_token(body) == TOKEN


def test_an_unwrapped_session_is_read_too() -> None:
    bare = session_body()["data"]
    assert read_observation(bare, ASKED, SEEN) == observe()


def test_a_session_with_nothing_but_a_status_is_a_session() -> None:
    assert read_observation({"data": {"status": "authorized"}}, ASKED, SEEN) == Observation(ASKED, SEEN, "authorized")


def test_a_status_that_nobody_knows_is_kept_as_it_is() -> None:
    assert observe(status="awaiting_moon").status == "awaiting_moon"


@pytest.mark.parametrize("body", [None, [], "x", 1, {}, {"data": None}, {"data": []}, {"data": {}}, {"message": "ok"}])
def test_a_body_without_a_session_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_observation(body, ASKED, SEEN)


@pytest.mark.parametrize("status", [None, "", "  ", 5, True, [], {}, "\u202e"])
def test_a_session_without_a_readable_status_is_no_answer(status: object) -> None:
    with pytest.raises(NoAnswer):
        observe(status=status)


def test_the_documented_charger_is_read_whole() -> None:
    assert card() == ChargerCard(
        code="AB12CD",
        name="Main Office 1",
        online=True,
        connectors=(
            Connector(1, "Available", "IEC 62196", "Socket", "AC_3_PHASE"),
            Connector(2, None),
        ),
        tariff=Tariff("EUR", 45, 0),
        preauth_minor=5000,
        seen_at=SEEN,
    )


def test_an_unwrapped_charger_is_read_too() -> None:
    assert read_card(charger_body()["data"], "AB12CD", SEEN) == card()


def test_a_charger_without_a_code_has_the_one_that_was_asked_for() -> None:
    assert card(public_code=None).code == "ab12cd"


def test_a_code_that_is_a_number_is_a_code() -> None:
    assert read_card(charger_body(public_code=123456), "123456", SEEN).code == "123456"


def test_the_price_of_another_charger_is_never_shown() -> None:
    with pytest.raises(NoAnswer):
        card(public_code="ZZ99ZZ")


@pytest.mark.parametrize("body", [None, [], "x", {}, {"data": None}, {"data": {}}, {"data": {"name": "x"}}])
def test_a_body_without_a_charger_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_card(body, "AB12CD", SEEN)


def test_connectors_without_a_number_and_repeated_ones_are_left_out() -> None:
    entries = [{"connector_id": n} for n in (None, "2", 1.5, -1, True, 2, 3, "x")]
    found = card(connectors=[*entries, None, "x", {"connector_id": 3, "status": "Available"}]).connectors
    assert found == (Connector(2, None), Connector(3, None))


@pytest.mark.parametrize("value", [None, {}, "x", 3])
def test_connectors_that_are_no_list_are_none(value: object) -> None:
    assert card(connectors=value).connectors == ()


def test_an_absurd_number_of_connectors_is_cut() -> None:
    assert len(card(connectors=[{"connector_id": n} for n in range(5000)]).connectors) == 100


# Parts


@pytest.mark.parametrize(
    ("pricing", "tariff"),
    [
        ({"currency": "eur", "price_per_kwh": 45, "start_fee": 100}, Tariff("EUR", 45, 100)),
        ({"currency": "Jpy", "price_per_kwh": "60", "start_fee": None}, Tariff("JPY", 60, 0)),
        ({"currency": "EUR", "price_per_kwh": 0}, Tariff("EUR", 0, 0)),
        ({"currency": "EUR", "price_per_kwh": 45, "start_fee": "some"}, None),
        ({"currency": "EUR", "price_per_kwh": 45, "start_fee": -1}, None),
        ({"currency": "EUR", "price_per_kwh": None, "start_fee": 0}, None),
        ({"currency": "EUR", "price_per_kwh": -1, "start_fee": 0}, None),
        ({"currency": "EUR", "price_per_kwh": Decimal("45.5"), "start_fee": 0}, None),
        ({"currency": "EUR", "price_per_kwh": True, "start_fee": 0}, None),
        ({"currency": "XXX", "price_per_kwh": 45, "start_fee": 0}, None),
        ({"currency": "€", "price_per_kwh": 45, "start_fee": 0}, None),
        ({"currency": None, "price_per_kwh": 45, "start_fee": 0}, None),
        ({"currency": 978, "price_per_kwh": 45, "start_fee": 0}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_tariff_is_whole_or_absent(pricing: object, tariff: Tariff | None) -> None:
    assert read_tariff(pricing) == tariff


@pytest.mark.parametrize("name", ["client_secret", "publishable_key", "stripe_account_id"])
@pytest.mark.parametrize("value", [None, "", "with blank", "line\nbreak", 5, "é", "x" * 513])
def test_a_payment_with_an_unusable_part_is_no_payment(name: str, value: object) -> None:
    assert read_payment(started_body()["payment"] | {name: value}) is None


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_a_secret_key_is_never_taken_for_a_publishable_one(key: str) -> None:
    assert read_payment(started_body()["payment"] | {"publishable_key": key}) is None


@pytest.mark.parametrize("token", [None, "", " ", "a b", "a\n", 7, {}, "..", "x" * 513])
def test_a_token_that_cannot_be_used_is_no_answer(token: object) -> None:
    with pytest.raises(NoAnswer):
        read_token(started_body(session_token=token))


@pytest.mark.parametrize("value", [None, "nobody", 5, "", ["a@b"]])
def test_an_email_that_is_none_is_absent(value: object) -> None:
    assert observe(driver_email=value).driver_email is None


# Anything at all

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text()
    | st.sampled_from(["charging", "4900", "1e400", "NaN", "EUR", "2026-01-10T01:14:32Z", "\ud800"])
)
NAMES = st.sampled_from(
    [
        "data",
        "payment",
        "session_token",
        "client_secret",
        "publishable_key",
        "stripe_account_id",
        "message",
        "errors",
        *session_body()["data"],
        *charger_body()["data"],
        *session_body()["data"]["pricing"],
        *session_body()["data"]["charger"],
    ]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


def some_of(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


SESSIONS = st.fixed_dictionaries(
    {"data": some_of(*session_body()["data"]).map(lambda data: data | {"status": "charging"}), "payment": JSON}
)
CHARGERS = st.fixed_dictionaries(
    {"data": some_of(*charger_body()["data"]).map(lambda data: {"connectors": []} | data | {"public_code": None})}
)


@given(JSON | SESSIONS)
def test_any_json_is_a_sane_observation_or_no_answer(body: object) -> None:
    try:
        seen = read_observation(body, ASKED, SEEN)
    except NoAnswer:
        return
    assert seen.status
    for minor in (seen.authorized_minor, seen.cost_minor, seen.captured_minor, seen.tax_minor):
        assert minor is None or (type(minor) is int and 0 <= minor <= MOST_MINOR)
    assert seen.energy_kwh is None or 0 <= seen.energy_kwh <= 10**5
    for text in (seen.status, seen.failure_reason, seen.charger_name, seen.connector_status, seen.charger_code):
        assert text is None or (text.isprintable() or not text.isascii())
        assert text is None or text.encode()
    for moment in (seen.created_at, seen.authorized_at, seen.completed_at, seen.captured_at):
        assert moment is None or moment.utcoffset() == timedelta(0)


@given(JSON | CHARGERS, st.text(max_size=20))
def test_any_json_is_a_sane_card_or_no_answer(body: object, code: str) -> None:
    try:
        found = read_card(body, code, SEEN)
    except NoAnswer:
        return
    numbers = [connector.connector_id for connector in found.connectors]
    assert len(set(numbers)) == len(numbers)
    assert found.preauth_minor is None or 0 <= found.preauth_minor <= MOST_MINOR


@given(JSON)
def test_any_json_is_a_token_or_no_answer(body: object) -> None:
    with contextlib.suppress(NoAnswer):
        assert read_token(body).isascii()
