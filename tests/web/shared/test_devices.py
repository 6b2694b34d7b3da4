"""The cookie that makes a browser the owner of its session."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer

from kiosk.clock import ManualClock
from kiosk.web.shared.devices import COOKIE_SECONDS, current_device, ensure_device
from tests.web.built import KEY, OLDER_KEY, PUBLIC, made_app


def with_pages(app: Flask) -> Flask:
    @app.get("/test/who")
    def who() -> str:
        return current_device() or "nobody"

    @app.get("/test/start")
    def start() -> str:
        before = ensure_device()
        assert current_device() == before
        return before

    return app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return with_pages(made_app(tmp_path_factory.mktemp("kiosk")))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


NOW = int(ManualClock().now().timestamp())


def signed(device: object, key: str = KEY, *, issued: object = NOW, salt: str = "kiosk.device") -> str:
    return URLSafeSerializer(key, salt=salt).dumps({"device": device, "issued": issued})


def test_a_browser_is_nobody_until_it_starts(client: FlaskClient) -> None:
    response = client.get("/test/who")
    assert response.text == "nobody"
    assert "Set-Cookie" not in response.headers


def test_a_start_gives_an_identity_that_stays(client: FlaskClient) -> None:
    given = client.get("/test/start").text
    assert len(given) >= 43  # 32 bytes
    assert client.get("/test/who").text == given
    assert client.get("/test/start").text == given


def test_two_browsers_are_two(app: Flask) -> None:
    assert app.test_client().get("/test/start").text != app.test_client().get("/test/start").text


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.get("/test/start").headers["Set-Cookie"]
    assert cookie.startswith("driver=")
    parts = {part.strip() for part in cookie.split(";")}
    assert {"HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={COOKIE_SECONDS}"} <= parts
    assert "Domain" not in cookie


def test_over_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    app = with_pages(made_app(tmp_path, public_url=PUBLIC))
    cookie = app.test_client().get("/test/start", base_url=PUBLIC).headers["Set-Cookie"]
    assert cookie.startswith("__Host-driver=")
    assert "; Secure" in cookie
    assert "Domain" not in cookie


def test_over_tls_the_weaker_cookie_does_not_count(tmp_path: Path) -> None:
    client = with_pages(made_app(tmp_path, public_url=PUBLIC)).test_client()
    client.set_cookie("driver", signed("planted"))
    assert client.get("/test/who").text == "nobody"


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "%00", "ImEi.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"])
def test_a_made_up_cookie_is_no_cookie(client: FlaskClient, cookie: str) -> None:
    client.set_cookie("driver", cookie)
    assert client.get("/test/who").text == "nobody"


@pytest.mark.parametrize("device", [7, None, ["a"], {"a": 1}])
def test_a_signed_thing_that_is_no_identity_is_no_cookie(client: FlaskClient, device: object) -> None:
    client.set_cookie("driver", signed(device))
    assert client.get("/test/who").text == "nobody"


def test_a_cookie_of_an_older_key_counts_and_is_renewed_with_the_newest(tmp_path: Path) -> None:
    client = with_pages(made_app(tmp_path, secret_key=f"{KEY},{OLDER_KEY}")).test_client()
    client.set_cookie("driver", signed("driver-one", OLDER_KEY))
    assert client.get("/test/start").text == "driver-one"
    renewed = client.get_cookie("driver")
    assert renewed is not None
    assert URLSafeSerializer(KEY, salt="kiosk.device").loads(renewed.value) == {"device": "driver-one", "issued": NOW}


def test_a_cookie_of_a_removed_key_is_replaced_at_the_next_start(client: FlaskClient) -> None:
    client.set_cookie("driver", signed("driver-one", OLDER_KEY))
    assert client.get("/test/who").text == "nobody"
    fresh = client.get("/test/start").text
    assert fresh not in {"nobody", "driver-one"}
    assert client.get("/test/who").text == fresh


def test_a_cookie_is_too_old_after_thirty_days(client: FlaskClient) -> None:
    client.set_cookie("driver", signed("driver-one", issued=NOW - COOKIE_SECONDS))
    assert client.get("/test/who").text == "driver-one"
    client.set_cookie("driver", signed("driver-one", issued=NOW - COOKIE_SECONDS - 1))
    assert client.get("/test/who").text == "nobody"


def test_a_cookie_from_before_the_clock_was_set_back_still_counts(client: FlaskClient) -> None:
    client.set_cookie("driver", signed("driver-one", issued=NOW + 3600))
    assert client.get("/test/who").text == "driver-one"


@pytest.mark.parametrize("issued", [None, "1", 1.5, [1]])
def test_a_cookie_that_does_not_say_when_it_was_given_is_no_cookie(client: FlaskClient, issued: object) -> None:
    client.set_cookie("driver", signed("driver-one", issued=issued))
    assert client.get("/test/who").text == "nobody"


def test_a_cookie_signed_for_another_purpose_does_not_count(client: FlaskClient) -> None:
    client.set_cookie("driver", signed("driver-one", salt="something else"))
    assert client.get("/test/who").text == "nobody"
