"""People at the desk of the kiosk of `tests/web`: one of each role, signed in in a browser of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from kiosk.domain.desk import Role
from kiosk.service.desk_people import add_person
from tests.web.conftest import Kiosk

PASSWORD = "three plain words"

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def at_desk(kiosk: Kiosk) -> SignIn:
    """`at_desk(Role.SUPPORT)`: a browser in which somebody of that role is signed in; `sites` limits what they see."""

    def sign_in(role: Role, sites: list[str] | None = None, name: str = "") -> FlaskClient:
        name = name or role.value
        if kiosk.store.desk.user(name) is None:
            assert add_person(kiosk.store, name, PASSWORD, role, sites, kiosk.now, "test") is None
        browser = kiosk.phone()
        answer = browser.post("/desk/sign-in", data={"name": name, "password": PASSWORD})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/")
        return browser

    return sign_in
