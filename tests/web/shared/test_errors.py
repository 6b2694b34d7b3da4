"""Errors as sentences with a next step, in the form and language of the reader, and never more than that."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from kiosk.config.sites import Helpline, Operator, SiteBook
from kiosk.news.news import TooManyStreams
from kiosk.web.shared.limits import client_address, limit_start
from tests.web.built import made_app

STATUSES = (400, 403, 404, 405, 413, 429, 500, 503)
OWN = {"Sec-Fetch-Site": "same-origin"}


def with_pages(app: Flask) -> Flask:
    app.testing = False  # errors are answered, as they are for drivers

    @app.get("/test/abort/<int:status>")
    def stop(status: int) -> str:
        abort(status)

    @app.get("/test/crash")
    def crash() -> str:
        raise ValueError("the secret is sk_live_abcdef")

    @app.get("/test/streams")
    def streams() -> str:
        raise TooManyStreams

    @app.post("/test/form")
    def form() -> str:
        from flask import request

        return str(len(request.form.get("text", "")))

    @app.post("/test/start")
    @limit_start
    def start() -> str:
        return "started"

    @app.get("/test/address")
    def address() -> str:
        return client_address()

    return app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    site = SiteBook(operator=Operator(name="Lindenau Energie", helpline=Helpline(text="0800 555", tel="+49800555")))
    return with_pages(made_app(tmp_path_factory.mktemp("kiosk"), site=site))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("status", STATUSES)
def test_a_page_says_what_happened_and_what_to_do(client: FlaskClient, status: int) -> None:
    response = client.get(f"/test/abort/{status}", headers={"Accept": "text/html"})
    assert response.status_code == status
    assert response.mimetype == "text/html"
    assert response.text.count("<h1") == 1
    assert 'class="say"' in response.text
    assert "0800 555" in response.text
    assert "Traceback" not in response.text
    assert str(status) not in response.text.split("</header>")[1].split("</main>")[0]


@pytest.mark.parametrize("status", STATUSES)
def test_a_script_gets_the_same_in_json(client: FlaskClient, status: int) -> None:
    response = client.get(f"/test/abort/{status}", headers={"Accept": "application/json"})
    assert response.status_code == status
    assert response.json is not None
    error = response.json["error"]
    assert error["status"] == status
    assert error["title"]
    assert error["text"].endswith(".")


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/json;q=0.9", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
        ("image/png", "text/html"),
    ],
)
def test_the_form_follows_what_the_caller_reads(client: FlaskClient, accept: str, mimetype: str) -> None:
    assert client.get("/nowhere", headers={"Accept": accept}).mimetype == mimetype


def test_an_address_that_ends_in_json_answers_in_json(client: FlaskClient) -> None:
    assert client.get("/nowhere.json", headers={"Accept": "*/*"}).mimetype == "application/json"


def test_a_crash_tells_nothing_about_itself(client: FlaskClient) -> None:
    response = client.get("/test/crash")
    assert response.status_code == 500
    assert "Something broke on our side" in response.text
    for word in ("ValueError", "secret", "sk_live", "Traceback", "File "):
        assert word not in response.text


def test_an_error_is_kept_by_no_cache(client: FlaskClient) -> None:
    assert client.get("/nowhere").headers["Cache-Control"] == "no-store"


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    response = client.get("/test/form")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_a_body_may_be_sixteen_kilobytes(client: FlaskClient) -> None:
    assert client.post("/test/form", data={"text": "x" * 16_000}, headers=OWN).text == "16000"
    too_much = client.post("/test/form", data={"text": "x" * 16_385}, headers=OWN)
    assert too_much.status_code == 413
    assert "That was too much text" in too_much.text


def test_too_many_streams_ask_to_poll_and_come_back(client: FlaskClient) -> None:
    response = client.get("/test/streams", headers={"Accept": "application/json"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")


def test_a_limit_says_how_long_to_wait(client: FlaskClient) -> None:
    here = {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}, "headers": OWN}
    answers = [client.post("/test/start", **here) for _ in range(11)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[10].status_code == 429
    assert 1 <= int(answers[10].headers["Retry-After"]) <= 61
    assert "Try again in" in answers[10].text


def test_a_limit_counts_each_address_by_itself(client: FlaskClient) -> None:
    for last in range(12):
        answer = client.post("/test/start", environ_base={"REMOTE_ADDR": f"198.51.100.{last}"}, headers=OWN)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("raw", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/56"),
        ("2001:db8:1:ff:ffff::1", "2001:db8:1::/56"),
        ("2001:db8:1:100::1", "2001:db8:1:100::/56"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/56"),
        ("unix", "unreadable"),
        ("x17", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_an_ipv6_customer_is_counted_once(client: FlaskClient, raw: str, counted: str) -> None:
    assert client.get("/test/address", environ_base={"REMOTE_ADDR": raw}).text == counted


def test_forwarded_addresses_that_are_none_share_one_count(tmp_path: Path) -> None:
    client = with_pages(made_app(tmp_path, trusted_proxies=1)).test_client()
    answers = [client.post("/test/start", headers={**OWN, "X-Forwarded-For": f"x{i}"}).status_code for i in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_without_an_address_limits_count_all_the_same(client: FlaskClient) -> None:
    here = {"environ_base": {"REMOTE_ADDR": ""}, "headers": OWN}
    assert [client.post("/test/start", **here).status_code for _ in range(12)][-1] == 429


@pytest.mark.parametrize("path", ["/c/3HW9P/start", "/s/nobody/stop", "/test/form"])
@pytest.mark.parametrize("more", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_body_that_is_too_large_gets_the_houses_page_and_no_traceback(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str, more: dict[str, str]
) -> None:
    answer = client.post(path, data={"text": "x" * 20_000}, headers={**OWN, "Accept": "text/html", **more})
    assert answer.status_code in (403, 404, 413)
    assert "0800 555" in answer.text
    assert '<html lang="en"' in answer.text
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL") or record.exc_info]


def test_a_body_that_breaks_off_gets_the_houses_page_and_no_traceback(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.post(
        "/test/form",
        input_stream=io.BytesIO(b"text=ab"),
        headers={**OWN, "Accept": "text/html"},
        environ_overrides={"CONTENT_LENGTH": "900"},
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 400
    assert "0800 555" in answer.text
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL") or record.exc_info]


def test_a_broken_frame_does_not_break_the_error(tmp_path: Path) -> None:
    app = with_pages(made_app(tmp_path))
    del app.jinja_env.globals["operator"]
    response = app.test_client().get("/nowhere")
    assert response.status_code == 404
    assert "<h1>This page is not here</h1>" in response.text
