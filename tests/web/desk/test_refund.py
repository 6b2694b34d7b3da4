"""Sending money back at the desk: previewed, with a password and a reason, once, by owners alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from kiosk.config.settings import Settings
from kiosk.domain.desk import CONFIRMED, Role
from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundState
from kiosk.service.desk_refunds import Outcome, ask
from kiosk.service.desk_sessions import whole
from kiosk.service.parts import Parts
from kiosk.store.desk import User
from tests.web.conftest import Kiosk

from .conftest import PASSWORD, SignIn


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    """One with a second key."""
    made = Kiosk(tmp_path)
    allow(made, "rk_test_two")
    yield made
    made.close()


def allow(kiosk: Kiosk, key: str | None) -> None:
    parts: Parts = kiosk.app.extensions["kiosk"]
    values = {"stripe_api_key": "sk_test_one", "stripe_refund_key": key}
    settings = Settings.model_validate({**parts.settings.model_dump(), **values})
    object.__setattr__(parts, "settings", settings)


@pytest.fixture
def paid(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    kiosk.proven(key, received=947)
    return key


ADDRESS = "/desk/sessions/1/refund"


def seen(page: str) -> str:
    return str(re.findall(r'name="seen" value="([^"]+)"', page)[0])


def form(browser: FlaskClient, amount: str = "3.00", reason: str = "broken cable") -> dict[str, str]:
    return {"amount": amount, "reason": reason, "seen": seen(browser.get(ADDRESS).text)}


def test_a_part_is_asked_for_after_a_preview_a_password_and_a_reason(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    assert f'href="{ADDRESS}"' in browser.get("/desk/sessions/1").text
    kiosk.clock.advance(CONFIRMED.total_seconds() + 1)
    assert f'href="/desk/confirm?after={ADDRESS}"' in browser.get(ADDRESS).text
    sent = browser.post(ADDRESS, data={"amount": "3", "reason": "x", "seen": "0-947"})
    assert sent.headers["Location"] == f"/desk/confirm?after={ADDRESS}"
    assert kiosk.store.refunds_of(paid) == []
    browser.post("/desk/confirm", data={"password": PASSWORD, "after": ADDRESS})
    page = browser.get(ADDRESS).text
    assert "Left of what was taken: <b>€9.47</b>" in page
    assert 'value="9.47"' in page
    data = form(browser)
    assert browser.post(ADDRESS, data=data).headers["Location"] == "/desk/sessions/1#money"
    (wish,) = kiosk.store.refunds_of(paid)
    assert (wish.amount, wish.who, wish.state) == (Money(300, "EUR"), "owner", RefundState.WAITING)
    entry = kiosk.store.desk.log_entries()[0]
    assert (entry.did, entry.subject, entry.reason) == ("asked_refund", "1", "3.00 EUR: broken cable")
    page = browser.get("/desk/sessions/1").text
    assert "waits to be sent to Stripe" in page
    assert f'href="{ADDRESS}"' not in page, "nothing else is offered meanwhile"


def test_clicked_twice_and_from_two_desks_it_is_asked_for_once(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    one, other = at_desk(Role.OWNER, name="kim"), at_desk(Role.OWNER, name="ann")
    first, second = form(one), form(other)
    assert one.post(ADDRESS, data=first).status_code == 303
    assert one.post(ADDRESS, data=first).status_code == 409
    answer = other.post(ADDRESS, data=second)
    assert answer.status_code == 409
    assert "Something was sent back or asked for since you looked" in answer.text
    (wish,) = kiosk.store.refunds_of(paid)
    kiosk.store.end_refund(wish, RefundState.REFUSED, kiosk.now, "Stripe refused: no")
    assert one.post(ADDRESS, data=first).status_code == 409, "also after its end"
    assert "nothing was sent back (Stripe refused: no)" in one.get(ADDRESS).text
    assert one.post(ADDRESS, data=form(one)).status_code == 303
    assert len(kiosk.store.refunds_of(paid)) == 2


def test_another_desk_may_be_faster_by_a_moment(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    at_desk(Role.OWNER, name="kim")
    user = kiosk.store.desk.user("kim")
    assert isinstance(user, User)
    parts: Parts = kiosk.app.extensions["kiosk"]
    shown = whole(parts, 1, lambda _code: True)
    assert shown is not None
    real = kiosk.store.desk.log

    def log(*told: object, **more: object) -> None:
        real(*told, **more)  # type: ignore[arg-type]
        kiosk.store.ask_refund(paid, Money(1, "EUR"), "ann", kiosk.now, earlier=0)

    parts.store.desk.log = log  # type: ignore[method-assign]
    assert ask(parts, user.person, shown, "3", "why", "0-947") is Outcome.CHANGED
    (wish,) = kiosk.store.refunds_of(paid)
    assert wish.who == "ann"


@pytest.mark.parametrize(
    ("amount", "reason", "said"),
    [
        ("9.48", "x", "more than what is left"),
        ("0", "x", "Type an amount above zero"),
        ("=1", "x", "Type an amount above zero"),
        ("1", " ", "Say why"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_asked_for(
    kiosk: Kiosk, paid: str, at_desk: SignIn, amount: str, reason: str, said: str
) -> None:
    browser = at_desk(Role.OWNER)
    answer = browser.post(ADDRESS, data=form(browser, amount, reason))
    assert answer.status_code == 422
    assert said in answer.text
    assert kiosk.store.refunds_of(paid) == []


def test_only_owners_may(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    support = at_desk(Role.SUPPORT)
    assert f'href="{ADDRESS}"' not in support.get("/desk/sessions/1").text
    assert support.post(ADDRESS, data={"amount": "1", "reason": "x", "seen": "0-947"}).status_code == 403
    others = at_desk(Role.OWNER, [], "bob")
    assert others.get(ADDRESS).status_code == 404
    assert kiosk.store.refunds_of(paid) == []


def test_without_a_second_key_it_is_said_where_to_do_it(kiosk: Kiosk, paid: str, at_desk: SignIn) -> None:
    allow(kiosk, None)
    browser = at_desk(Role.OWNER)
    assert "KIOSK_STRIPE_REFUND_KEY" in browser.get(ADDRESS).text
    assert f'href="{ADDRESS}"' not in browser.get("/desk/sessions/1").text
    answer = browser.post(ADDRESS, data={"amount": "1", "reason": "x", "seen": "0-"})
    assert answer.status_code == 409
    assert "Nothing can be sent back" in answer.text
    assert kiosk.store.refunds_of(paid) == []


def test_a_running_charge_has_nothing_to_send_back(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.charging(phone)
    assert "Nothing can be sent back of this session now" in at_desk(Role.OWNER).get(ADDRESS).text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RefundState.SENT, "it is not known yet whether it worked"),
        (RefundState.PENDING, "its end is not known yet"),
        (RefundState.DONE, "sent back"),
    ],
)
def test_each_state_is_told_in_words(kiosk: Kiosk, paid: str, at_desk: SignIn, state: RefundState, said: str) -> None:
    wish = kiosk.store.ask_refund(paid, Money(300, "EUR"), "kim", kiosk.now, earlier=0)
    if state is RefundState.SENT:
        assert kiosk.store.claim_refund(wish, kiosk.now)
    elif state is RefundState.PENDING:
        kiosk.store.put_off_refund(wish, kiosk.now, "Stripe has it and works on it", "re_1")
    else:
        kiosk.store.end_refund(wish, state, kiosk.now, "sent back", "re_1")
    assert said in at_desk(Role.VIEWER).get("/desk/sessions/1").text
