"""Every address of the desk, found by itself: who may come, who is led away, and what nobody is shown."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from kiosk.domain.desk import Role, may
from kiosk.web.desk.shell import Room, add_room
from tests.web.conftest import PAYMENT, Kiosk

from .conftest import SignIn

OPEN = {
    ("GET", "/desk/sign-in"),
    ("POST", "/desk/sign-in"),
    ("GET", "/desk/sign-in/directory"),
    ("GET", "/desk/sign-in/directory/back"),
}
"""What strangers may ask for."""


def addresses(kiosk: Kiosk) -> list[tuple[str, str, str]]:
    """Method, address and endpoint of everything at the desk; a number in an address is that of the first session, and
    of several words the first stands there."""
    return sorted(
        (method, re.sub(r"<[^>]+>", "1", re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)), rule.endpoint)
        for rule in kiosk.app.url_map.iter_rules()
        if f"{rule.rule}/".startswith("/desk/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def pages(kiosk: Kiosk) -> list[str]:
    """Whatever is read: all but the streams, which have no end."""
    return [path for method, path, _ in addresses(kiosk) if method == "GET" and not path.endswith("/events")]


def with_number(kiosk: Kiosk, number: int) -> list[tuple[str, str]]:
    """Method and address of whatever has a number in it, with that one."""
    return [
        (method, re.sub(r"<[^>]+>", "1", re.sub(r"<int:[^>]+>", str(number), rule.rule)))
        for rule in kiosk.app.url_map.iter_rules()
        if "<int:" in rule.rule
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def needed(kiosk: Kiosk, endpoint: str) -> Role | None:
    role: Role | None = kiosk.app.view_functions[endpoint].__dict__["needed"]
    return role


def test_every_view_of_the_desk_says_whom_it_needs(kiosk: Kiosk) -> None:
    found = addresses(kiosk)
    assert len(found) > 10
    unmarked = [path for _, path, end in found if "needed" not in kiosk.app.view_functions[end].__dict__]
    assert unmarked == []
    assert {(method, path) for method, path, end in found if needed(kiosk, end) is None} == OPEN


def test_two_rooms_cannot_stand_at_the_same_place() -> None:
    with pytest.raises(ValueError, match=r"desk_now\.now stands at 10 already"):
        add_room(10, Room("another", str))


def test_a_view_that_forgot_to_say_so_is_closed(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    endpoint = "desk_now.now"
    kiosk.app.view_functions[endpoint] = lambda: "open to everybody"
    assert browser.get("/desk/").status_code == 404
    assert kiosk.phone().get("/desk/").status_code == 404


def test_a_stranger_is_led_to_the_sign_in_everywhere(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.charging(phone)
    for method, path, _ in addresses(kiosk):
        if (method, path) in OPEN:
            continue
        answer = phone.open(path, method=method)
        if not path.endswith("/events"):  # a script asks for a stream, and leads nobody anywhere
            assert answer.status_code == 303, path
            assert answer.headers["Location"].startswith("/desk/sign-in?after="), path
        told = phone.open(path, method=method, headers={"Accept": "application/json"})
        assert told.status_code == 401, path


@pytest.mark.parametrize("role", list(Role))
def test_each_role_comes_as_far_as_it_may_and_no_further(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn, role: Role
) -> None:
    kiosk.charging(phone)
    for method, path, endpoint in addresses(kiosk):
        wanted = needed(kiosk, endpoint)
        if wanted is None:
            continue
        browser = at_desk(role)
        before = (kiosk.store.queue(), len(kiosk.store.desk.log_entries()))
        answer = browser.open(path, method=method)
        answer.close()
        if may(role, wanted):
            assert answer.status_code in {200, 303, 404, 409, 422}, (method, path)
            continue
        assert answer.status_code == 403, (method, path)
        assert f"It needs the role {wanted.value}" in answer.text
        assert (kiosk.store.queue(), len(kiosk.store.desk.log_entries())) == before
        assert browser.open(path, method=method, headers={"Accept": "application/json"}).status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
def test_a_write_of_another_site_changes_nothing(kiosk: Kiosk, at_desk: SignIn, headers: dict[str, str]) -> None:
    browser = at_desk(Role.OWNER)
    del browser.environ_base["HTTP_SEC_FETCH_SITE"]
    before = len(kiosk.store.desk.log_entries())
    for method, path, _ in addresses(kiosk):
        if method != "GET":
            assert browser.open(path, method=method, headers=headers).status_code == 403, path
    assert len(kiosk.store.desk.log_entries()) == before


def test_no_page_of_the_desk_is_kept_by_a_cache_or_tells_its_address(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn
) -> None:
    kiosk.charging(phone)
    browser = at_desk(Role.OWNER)
    for path in pages(kiosk):
        for client in (browser, kiosk.phone()):
            answer = client.get(path)
            assert "no-store" in answer.headers["Cache-Control"], path
            assert answer.headers["Referrer-Policy"] == "no-referrer", path


def test_no_page_of_the_desk_holds_a_secret(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    key = kiosk.charging(phone)
    browser = at_desk(Role.OWNER)
    (user,) = kiosk.store.desk.users()
    secret = (PAYMENT.client_secret, f"token-{key}", user.password, *kiosk.settings.secret_keys)
    for path in pages(kiosk):
        page = browser.get(path).get_data().decode("utf-8", "replace")  # a document is no text
        assert not [one for one in secret if one in page], path


def test_hostile_names_are_escaped_on_every_page(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    hostile = "<script>alert(1)</script>\"'"
    key = kiosk.held(phone)
    kiosk.observe(key, hostile, charger_name=hostile, authorized_minor=3000, failure_reason=hostile)
    kiosk.store.desk.log(hostile, hostile, kiosk.now, subject=hostile, reason=hostile)
    browser = at_desk(Role.OWNER)
    for path in pages(kiosk):
        page = browser.get(path, query_string={"q": hostile, "who": hostile, "subject": hostile, "after": hostile})
        assert b"<script>alert" not in page.get_data(), path


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**400])
def test_a_number_that_no_row_has_is_of_no_page_anywhere(kiosk: Kiosk, at_desk: SignIn, number: int) -> None:
    owner = at_desk(Role.OWNER)
    found = with_number(kiosk, number)
    assert len(found) > 10
    broken = [(method, path[:60]) for method, path in found if owner.open(path, method=method).status_code >= 500]
    assert broken == []
    assert owner.get(f"/desk/sessions/{number}").status_code == 404
