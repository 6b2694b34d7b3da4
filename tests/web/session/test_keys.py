"""Keys and cookies that are nearly right, secrets that were rotated or removed, and a server that was started anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import Kind
from kiosk.domain.status import TABLE, Status
from kiosk.web.shared.devices import current_device
from tests.web.conftest import CODE, HOLD, KEY, SECRET, Kiosk

NEW = "a-newer-secret-key-that-is-long-enough-too"
COOKIE = "__Host-driver"
OWNERS = ("confirm", "cancel", "stop", "limit", "receipt-email", "leave")


@contextmanager
def reopened(kiosk: Kiosk, secret_key: str = KEY) -> Iterator[Kiosk]:
    """The same database and clock under a new process, perhaps with other secrets."""
    again = Kiosk(kiosk.folder, kiosk.clock, kiosk.book, secret_key)
    try:
        yield again
    finally:
        again.close()


def cookie_of(phone: FlaskClient) -> str:
    cookie = phone.get_cookie(COOKIE)
    assert cookie is not None
    return str(cookie.value)


def with_cookie(kiosk: Kiosk, value: str) -> FlaskClient:
    phone = kiosk.phone()
    phone.set_cookie(COOKIE, value, secure=True, path="/")
    return phone


def signer_of(kiosk: Kiosk, cookie: str) -> str:
    """Which of the two secrets signed it: the one without which it is no cookie."""
    for secret in (KEY, NEW):
        with (
            reopened(kiosk, secret) as only,
            only.app.test_request_context(headers={"Cookie": f"{COOKIE}={cookie}"}),
        ):
            if current_device() is not None:
                return secret
    return "neither"


# --- secrets


def test_a_cookie_of_a_rotated_secret_watches_and_stops(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    with reopened(kiosk, f"{NEW},{KEY}") as later:
        old = with_cookie(later, cookie_of(phone))
        assert "Stop charging" in old.get(f"/s/{key}").text
        assert old.post(f"/s/{key}/stop").status_code == 303
        assert [c.kind for c in later.store.commands(key)] == [Kind.START, Kind.STOP]


def test_a_cookie_of_a_rotated_secret_is_renewed_at_the_next_start_and_keeps_both_sessions(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    first = kiosk.charging(phone)
    with reopened(kiosk, f"{NEW},{KEY}") as later:
        old = with_cookie(later, cookie_of(phone))
        assert signer_of(later, cookie_of(old)) == KEY
        later.card("Available", "Charging")
        second = later.start(old, connector=1)
        assert signer_of(later, cookie_of(old)) == NEW
        for key in (first, second):
            assert old.get(f"/s/{key}/move").status_code != 403


def test_a_cookie_of_a_removed_secret_still_watches_and_cannot_stop(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    with reopened(kiosk, NEW) as later:
        old = with_cookie(later, cookie_of(phone))
        page = old.get(f"/s/{key}")
        assert page.status_code == 200
        assert "13.9" in page.text
        assert "Stop charging" not in page.text
        for action in OWNERS:
            refused = old.post(f"/s/{key}/{action}", data={"email": "a@b.example", "limit": "1000"})
            assert refused.status_code == 403, action
            assert "unplug the cable at the car" in refused.text
        assert [c.kind for c in later.store.commands(key)] == [Kind.START]
        assert old.get(f"/s/{key}.json").status_code == 200
        assert "Set-Cookie" not in page.headers


def test_a_cookie_of_a_removed_secret_is_quietly_replaced_at_the_next_start(kiosk: Kiosk, phone: FlaskClient) -> None:
    first = kiosk.charging(phone)
    with reopened(kiosk, NEW) as later:
        old = with_cookie(later, cookie_of(phone))
        later.card("Available", "Charging")
        second = later.start(old, connector=1)
        assert signer_of(later, cookie_of(old)) == NEW
        assert old.post(f"/s/{second}/leave").status_code == 303
        assert old.post(f"/s/{first}/stop").status_code == 403


def test_a_bay_whose_driver_lost_the_cookie_is_in_use_and_holds_nothing_twice(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    with reopened(kiosk, NEW) as later:
        old = with_cookie(later, cookie_of(phone))
        answer = old.post(f"/c/{CODE}/start", data={"connector": "2"})
        assert answer.status_code == 409
        assert "Nothing is held." in answer.text
        assert later.store.queue() == [key]


# --- nearly right


def changed(text: str, place: int) -> str:
    """`text` with another sign of the same alphabet at `place`."""
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def nearly(key: str) -> list[str]:
    ways: list[Callable[[str], str]] = [str.swapcase, str.lower, lambda k: k[:-1], lambda k: k + "A", lambda k: k[::-1]]
    made = [way(key) for way in ways] + [changed(key, place) for place in range(len(key))]
    return [one for one in made if one != key] + [f"{key}%20", f"%20{key}", f"{key}%00", f"{key}%27--", "%25", "_" * 22]


def test_a_key_that_is_nearly_right_opens_nothing_even_for_the_owner(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    for wrong in nearly(key):
        for path in (f"/s/{wrong}", f"/s/{wrong}.json", f"/s/{wrong}/events", f"/r/{wrong}", f"/r/{wrong}.json"):
            assert phone.get(path).status_code == 404, path
    for path in (f"/s/{key}", f"/s/{key}.json", f"/r/{key}", f"/r/{key}.json"):
        assert phone.get(path).status_code == 200, path


def test_a_cookie_with_any_sign_changed_is_a_strangers(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    cookie = cookie_of(phone)
    # The last sign of base64 carries spare bits, so it may be written in more than one way.
    for place in [place for place in range(len(cookie) - 1) if cookie[place] != "."]:
        stranger = with_cookie(kiosk, changed(cookie, place))
        stranger.environ_base["REMOTE_ADDR"] = f"198.51.100.{place}"
        assert stranger.post(f"/s/{key}/stop").status_code == 403, place
    assert [c.kind for c in kiosk.store.commands(key)] == [Kind.START]
    assert with_cookie(kiosk, cookie).post(f"/s/{key}/stop").status_code == 303


def test_the_cookie_of_another_driver_changes_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    other = kiosk.phone()
    kiosk.card("Available", "Charging")
    kiosk.start(other, connector=1)
    for action in OWNERS:
        assert other.post(f"/s/{key}/{action}", data={"limit": "1000"}).status_code == 403
    assert other.get(f"/s/{key}/move").status_code == 403
    assert [c.kind for c in kiosk.store.commands(key)] == [Kind.START]


# --- the server started anew


@pytest.mark.parametrize("status", list(Status))
def test_a_page_is_the_same_after_the_server_was_started_anew(kiosk: Kiosk, phone: FlaskClient, status: Status) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    held: dict[str, Any] = {}
    if status not in {Status.CREATED, Status.EXPIRED}:
        held = {"authorized_minor": HOLD, "authorized_at": kiosk.now}
    if status is not Status.CREATED:
        kiosk.observe(key, "authorized", **held) if held else None
        if TABLE[status].final:
            kiosk.ended(key, status.value, **held)
        else:
            kiosk.observe(key, status.value, **held)
    before = phone.get(f"/s/{key}.json").json
    assert before is not None
    with reopened(kiosk) as later:
        again = with_cookie(later, cookie_of(phone))
        assert again.get(f"/s/{key}.json").json == before
        assert before["screen"] == status.value
        assert again.get(f"/s/{key}").status_code == 200
        payment = again.get(f"/s/{key}/payment")
        assert (payment.status_code, SECRET in payment.text) == (
            (200, True) if status is Status.CREATED else (409, False)
        )


def test_a_secret_that_is_removed_shows_no_card_field_to_anybody(kiosk: Kiosk, phone: FlaskClient) -> None:
    """The payment was stored under the removed secret, so it cannot be shown: nobody is asked for a card."""
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    with reopened(kiosk, "another-secret-key-that-is-long-enough-here") as later:
        stranger = later.phone()
        assert stranger.get(f"/s/{key}/payment").status_code == 403
        assert 'id="payform"' not in stranger.get(f"/s/{key}").text
    assert KEY not in phone.get(f"/s/{key}").text
