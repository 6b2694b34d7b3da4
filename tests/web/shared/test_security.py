"""Headers on every answer, Stripe's sources on the pay page only, and writes that only our own pages may send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kiosk.web.shared.devices import ensure_device
from kiosk.web.shared.security import allow_payment, no_store
from tests.web.built import PUBLIC, made_app

REAL: dict[str, Any] = {"plugchoice_url": "https://app.plugchoice.com/api/v3", "public_url": PUBLIC}
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def with_pages(app: Flask) -> Flask:
    @app.get("/test/plain")
    def plain() -> str:
        return "plain"

    @app.get("/test/pay")
    def pay() -> str:
        allow_payment()
        return "pay"

    @app.get("/test/session")
    @no_store
    def session() -> Response:
        return jsonify(a=1)

    @app.get("/test/device")
    def device() -> str:
        ensure_device()
        return "given"

    @app.post("/test/write")
    def write() -> str:
        return "written"

    return app


@pytest.fixture(scope="module")
def stand_in_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return with_pages(made_app(tmp_path_factory.mktemp("kiosk")))


@pytest.fixture(scope="module")
def real_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return with_pages(made_app(tmp_path_factory.mktemp("kiosk"), **REAL))


@pytest.fixture
def client(stand_in_app: Flask) -> FlaskClient:
    return stand_in_app.test_client()


@pytest.fixture
def real(real_app: Flask) -> FlaskClient:
    return real_app.test_client()


def sources(response: TestResponse, directive: str) -> set[str]:
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    return set(policy.get(directive, "").split())


@pytest.mark.parametrize("path", ["/test/plain", "/test/session", "/nowhere", "/healthz"])
def test_every_answer_has_the_strict_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == STRICT
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(), payment=()"
    assert "Cross-Origin-Embedder-Policy" not in headers
    assert "Server" not in headers


def test_a_refused_write_has_the_strict_headers_too(client: FlaskClient) -> None:
    response = client.post("/test/write")
    assert response.status_code == 403
    assert response.headers["Content-Security-Policy"] == STRICT


def test_the_pay_page_may_load_what_stripe_asks_for(real: FlaskClient, real_app: Flask) -> None:
    response = real.get("/test/pay")
    assert sources(response, "script-src") == {"'self'", "https://js.stripe.com", "https://*.js.stripe.com"}
    assert sources(response, "frame-src") == {
        "https://js.stripe.com",
        "https://*.js.stripe.com",
        "https://hooks.stripe.com",
    }
    assert sources(response, "connect-src") == {"'self'", "https://api.stripe.com"}
    assert sources(response, "img-src") == {"'self'", "data:", "https://*.stripe.com"}
    assert sources(response, "default-src") == {"'none'"}
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert sources(response, "style-src") == {"'self'", f"'sha256-{real_app.extensions['sheet_hash']}'"}
    assert 'payment=(self "https://js.stripe.com")' in response.headers["Permissions-Policy"]


def test_only_the_pay_page_may(real: FlaskClient) -> None:
    real.get("/test/pay")
    after = real.get("/test/plain")
    assert after.headers["Content-Security-Policy"] == STRICT
    assert after.headers["Permissions-Policy"].endswith("payment=()")


def test_a_stand_in_under_our_own_address_needs_nothing_of_stripes(tmp_path: Path) -> None:
    app = with_pages(made_app(tmp_path, stripe_js_url="/sandbox/stripe/endive/stripe.js"))
    response = app.test_client().get("/test/pay")
    assert "stripe.com" not in response.headers["Content-Security-Policy"]
    assert sources(response, "frame-src") == {"'self'"}
    assert "payment=(self)" in response.headers["Permissions-Policy"]


def test_a_stand_in_elsewhere_is_named_by_its_origin(tmp_path: Path) -> None:
    app = with_pages(made_app(tmp_path, stripe_js_url="http://127.0.0.1:8100/stripe/endive/stripe.js"))
    response = app.test_client().get("/test/pay")
    for directive in ("script-src", "frame-src", "connect-src"):
        assert "http://127.0.0.1:8100" in sources(response, directive)
    assert "stripe.com" not in response.headers["Content-Security-Policy"]


def test_tls_is_insisted_on_where_drivers_have_it(client: FlaskClient, real: FlaskClient) -> None:
    assert real.get("/test/plain").headers["Strict-Transport-Security"] == "max-age=63072000"
    assert "Strict-Transport-Security" not in client.get("/test/plain").headers


def test_session_data_is_kept_by_no_cache_and_its_address_told_to_nobody(client: FlaskClient) -> None:
    headers = client.get("/test/session").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"


def test_other_pages_tell_their_address_to_no_other_site(client: FlaskClient) -> None:
    assert client.get("/test/plain").headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC}, 403),
        ({"Sec-Fetch-Site": "", "Origin": PUBLIC}, 403),
        ({"Origin": PUBLIC}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://charge.example.evil.example"}, 403),
        ({"Origin": "http://charge.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Referer": f"{PUBLIC}/c/7MK4T"}, 403),
        ({}, 403),
    ],
)
def test_a_write_must_come_from_our_own_page(real: FlaskClient, headers: dict[str, str], status: int) -> None:
    assert real.post("/test/write", headers=headers).status_code == status


def test_a_hidden_origin_is_believed_with_our_own_cookie(client: FlaskClient) -> None:
    """Older Safari says `null` for a form on a page with `no-referrer`; a SameSite cookie proves where it came from."""
    client.get("/test/device")
    assert client.post("/test/write", headers={"Origin": "null"}).status_code == 200


def test_a_hidden_origin_is_not_believed_with_a_forged_cookie(client: FlaskClient) -> None:
    client.set_cookie("driver", "forged.abc.def")
    assert client.post("/test/write", headers={"Origin": "null"}).status_code == 403


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_every_method_that_changes_something_is_guarded(client: FlaskClient, method: str) -> None:
    assert getattr(client, method)("/test/write").status_code == 403


def test_a_refusal_is_a_sentence(client: FlaskClient) -> None:
    answer = client.post("/test/write", headers={"Accept": "application/json"})
    assert answer.json is not None
    assert answer.json["error"]["text"] == "Nothing was changed. Open the page of your charger and try once more."


def test_webhooks_come_from_no_page(client: FlaskClient) -> None:
    assert client.post("/webhooks/stripe").status_code == 404  # no secret is set: not refused, but not there


@pytest.mark.parametrize("proxies", [0, 1])
def test_a_forwarded_host_is_never_believed(tmp_path: Path, proxies: int) -> None:
    headers = {"Origin": "https://front.example", "X-Forwarded-Host": "front.example", "X-Forwarded-Proto": "https"}
    client = with_pages(made_app(tmp_path, trusted_proxies=proxies)).test_client()
    assert client.post("/test/write", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "charge.example.evil.example", "evil.example:443", "10.1.2.3"])
def test_a_browser_that_asks_under_another_name_is_refused(tmp_path: Path, host: str) -> None:
    client = made_app(tmp_path, public_url=PUBLIC).test_client()
    answer = client.get("/tablet", headers={"Host": host, "Accept": "text/html"})
    assert answer.status_code == 400
    assert "evil" not in str(answer.headers) + answer.text
    assert 'class="say"' in answer.text


@pytest.mark.parametrize("host", ["charge.example", "CHARGE.example:443", "127.0.0.1:8000", "[::1]:8000", "garage.lan"])
def test_a_browser_may_ask_under_every_name_of_ours(tmp_path: Path, host: str) -> None:
    client = made_app(tmp_path, public_url=PUBLIC, trusted_hosts="garage.lan, other.lan").test_client()
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_machines_may_ask_how_it_is_under_any_name(tmp_path: Path) -> None:
    client = made_app(tmp_path, public_url=PUBLIC).test_client()
    assert client.get("/healthz", headers={"Host": "node-7.cluster.internal"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [("/tablet", "/tablet/"), ("/tablet?lang=de", "/tablet/?lang=de"), ("/c//7MK4T", "/c/7MK4T")],
)
@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-Host": "evil.example"}])
def test_another_spelling_of_a_path_leads_to_a_path_and_never_to_a_host(
    tmp_path: Path, path: str, leads_to: str, forwarded: dict[str, str]
) -> None:
    client = made_app(tmp_path, public_url=PUBLIC, trusted_proxies=1).test_client()
    answer = client.get(path, headers={"Host": "charge.example", **forwarded})
    assert answer.status_code in (301, 302, 303, 308)
    assert answer.headers["Location"] == leads_to
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["//evil.example/tablet", "///evil.example//tablet", "/\\evil.example/tablet"])
def test_no_path_becomes_a_host(tmp_path: Path, path: str) -> None:
    client = made_app(tmp_path, public_url=PUBLIC).test_client()
    answer = client.open(path, headers={"Host": "charge.example"})
    location = answer.headers.get("Location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
