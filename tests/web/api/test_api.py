"""The JSON interface: who may ask, what each answer says by its own description, and that nothing secret is in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.money import Money
from kiosk.service.api_keys import CannotMake, Scope, make_key, revoke_key
from kiosk.service.parts import Parts
from kiosk.store.access import Access
from kiosk.store.errors import CannotWrite, Trouble
from kiosk.web.api.answers import amount
from kiosk.web.api.description import description
from tests.web.conftest import PAYMENT, Kiosk

Ask = Callable[..., Any]
ALL = frozenset(Scope)
ADDRESSES = ("/api/v1/sessions", "/api/v1/sessions/1", "/api/v1/sessions/1/receipt", "/api/v1/queue")


def parts_of(kiosk: Kiosk) -> Parts:
    parts: Parts = kiosk.app.extensions["kiosk"]
    return parts


def program(kiosk: Kiosk, scopes: frozenset[Scope] = ALL, sites: set[str] | None = None) -> FlaskClient:
    """Asks with a key of its own, and without a cookie."""
    key = make_key(parts_of(kiosk), "kim", "books", scopes, sites)
    client = kiosk.app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def checked(client: FlaskClient, address: str, schema: str, status: int = 200) -> Any:
    """The answer, which is what its description says."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    whole = description("https://charge.example")
    path = address.partition("?")[0].removeprefix("/api/v1").replace("/1", "/{number}")
    said = whole["paths"][path]["get"]["responses"][str(status)]["content"]["application/json"]["schema"]
    assert said == {"$ref": f"#/components/schemas/{schema}"}
    root = {"$ref": f"#/components/schemas/{schema}", "components": whole["components"]}
    jsonschema.Draft202012Validator(root, format_checker=jsonschema.FormatChecker()).validate(answer.get_json())
    return answer.get_json()


@pytest.fixture
def paid(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    kiosk.proven(key, received=947)
    return key


def test_the_description_is_openapi_and_open_to_everybody(kiosk: Kiosk) -> None:
    answer = kiosk.app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    validate(answer.get_json())
    assert answer.get_json()["openapi"] == "3.1.0"
    described = {f"/api/v1{path}" for path in answer.get_json()["paths"]}
    rules = {str(rule.rule).replace("<int:number>", "{number}") for rule in kiosk.app.url_map.iter_rules()}
    views = {rule.endpoint for rule in kiosk.app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert {one for one in views if "scope" not in kiosk.app.view_functions[one].__dict__} == {"api.openapi"}
    assert {rule for rule in rules if rule.startswith("/api/")} == described | {"/api/v1/openapi.json"}


def test_a_paid_session_is_listed_and_told_with_its_receipt(kiosk: Kiosk, paid: str) -> None:
    client = program(kiosk)
    page = checked(client, "/api/v1/sessions", "SessionPage")
    (one,) = page["sessions"]
    assert page["next"] is None
    assert (one["number"], one["charger"], one["bay"], one["site"]) == (1, "7MK4T", "4", "marktplatz")
    assert one["taken"] == {"minor": 947, "currency": "EUR", "amount": "9.47"}
    assert one["released"]["amount"] == "20.53"
    assert one["sent_back"]["minor"] == 0
    assert (one["energy_kwh"], one["time_zone"], one["card_last4"]) == ("18.62", "Europe/Berlin", "4242")
    whole = checked(client, "/api/v1/sessions/1", "Session")
    assert whole["receipt"] == "2026-000001"
    assert whole["proof"]["received"]["minor"] == 947
    assert any("was issued" in entry["text"] for entry in whole["story"])
    kiosk.prove(paid, "succeeded", received=947)
    told = checked(client, "/api/v1/sessions/1/receipt", "Receipt")
    assert told["number"] == "2026-000001"
    assert told["document"]["taken"]["minor"] == 947
    entry = kiosk.store.desk.log_entries()[0]
    assert (entry.who, entry.did, entry.subject) == ("key books", "read_receipt", "1")


def test_a_start_of_which_nothing_is_known_says_null_and_never_zero(kiosk: Kiosk) -> None:
    kiosk.card()
    kiosk.start(kiosk.phone())
    one = checked(program(kiosk), "/api/v1/sessions/1", "Session")
    assert {one[name] for name in ("energy_kwh", "cost", "held", "taken", "released", "sent_back", "proof")} == {None}
    assert checked(program(kiosk), "/api/v1/sessions/1/receipt", "Problem", 404)["error"] == "not_there"


def test_the_queue_is_told_row_by_row(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    matters = [
        Matter(Attention.REVIEW, key, "7MK4T", kiosk.now - timedelta(hours=1), Act.READ, 947, "EUR"),
        Matter(Attention.STARTS_REFUSED, "9QX6B", "9QX6B", kiosk.now, Act.READ),
    ]
    kiosk.store.keep_exceptions(matters, (), kiosk.now)
    client = program(kiosk)
    page = checked(client, "/api/v1/queue", "QueuePage")
    assert {(one["kind"], one["bay"]) for one in page["rows"]} == {("review", "4"), ("starts_refused", None)}
    first = checked(client, "/api/v1/queue?limit=1", "QueuePage")
    second = checked(client, f"/api/v1/queue?limit=1&cursor={first['next']}", "QueuePage")
    assert [one["number"] for one in (*first["rows"], *second["rows"])] == [one["number"] for one in page["rows"]]
    assert second["next"] is None
    assert len(checked(client, "/api/v1/queue?kind=review&site=marktplatz", "QueuePage")["rows"]) == 1
    assert checked(client, "/api/v1/queue?state=closed", "QueuePage")["rows"] == []
    assert checked(client, "/api/v1/queue?cursor=eA", "Problem", 400)["error"] == "wrong_parameter"


def test_a_cursor_goes_through_every_session_once(kiosk: Kiosk) -> None:
    for _ in range(5):
        kiosk.card()
        browser = kiosk.phone()
        browser.post(f"/s/{kiosk.start(browser)}/leave")
        kiosk.clock.advance(60)
    client, seen = program(kiosk), []
    cursor: str | None = ""
    while cursor is not None:
        page = checked(client, f"/api/v1/sessions?limit=2&cursor={cursor}", "SessionPage")
        seen += [one["number"] for one in page["sessions"]]
        cursor = page["next"]
    assert seen == [5, 4, 3, 2, 1]


def test_filters_narrow_the_list(kiosk: Kiosk, paid: str) -> None:
    client = program(kiosk)
    for query, count in (("view=paid", 1), ("view=open", 0), ("from=2026-11-21", 0), ("to=2026-11-20", 1)):
        assert len(checked(client, f"/api/v1/sessions?{query}", "SessionPage")["sessions"]) == count
    assert len(checked(client, "/api/v1/sessions?site=marktplatz", "SessionPage")["sessions"]) == 1
    assert paid


@pytest.mark.parametrize(
    "query",
    [
        *("view=odd", "site=elsewhere", "from=never", "to=2026-13-01", "limit=0", "limit=201", "limit=x", "vew=paid"),
        *("cursor=x", "cursor=%C3%BC", "cursor=bm9uc2Vuc2U", "cursor=" + "a" * 300, "cursor=MjAyNi0xMS0yMF8x"),
        *("cursor=MjAyNi0xMS0yMFQxMzowMDowMCswMDowMF85OTk5OTk5OTk5OTk5OTk5OTk5OTk", "from=0001-01-01"),
    ],
)
def test_what_cannot_be_meant_is_said_instead_of_answering_with_everything(kiosk: Kiosk, query: str) -> None:
    answer = checked(program(kiosk), f"/api/v1/sessions?{query}", "Problem", 400)
    assert answer["error"] == "wrong_parameter"


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_reads_without_a_key_that_may(kiosk: Kiosk, paid: str, address: str) -> None:
    client = kiosk.app.test_client()
    for header in ("", "Bearer", "Bearer kiosk_wrong", "Bearer x", "Basic a2lvc2s6eA==", f"Bearer {paid}"):
        answer = client.get(address, headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert paid not in answer.text
    scope = {"queue": Scope.QUEUE, "receipt": Scope.RECEIPTS}.get(address.rpartition("/")[2], Scope.SESSIONS)
    refused = program(kiosk, ALL - {scope}).get(address)
    assert (refused.status_code, refused.get_json()["error"]) == (403, "not_allowed")
    assert program(kiosk, frozenset({scope})).get(address).status_code == 200


def test_a_revoked_key_opens_nothing_from_that_moment(kiosk: Kiosk, paid: str) -> None:
    client = program(kiosk)
    assert client.get(ADDRESSES[0]).status_code == 200
    (key,) = kiosk.store.access.all_keys()
    revoke_key(parts_of(kiosk), "kim", key.id)
    revoke_key(parts_of(kiosk), "kim", key.id)
    assert client.get(ADDRESSES[0]).status_code == 401
    assert [one.did for one in kiosk.store.desk.log_entries()][:2] == ["revoked_key", "made_key"]
    assert paid


def test_a_key_of_a_site_sees_that_site_alone(kiosk: Kiosk, paid: str) -> None:
    mine, others = program(kiosk, sites={"marktplatz"}), program(kiosk, sites={"elsewhere"})
    matter = Matter(Attention.REVIEW, paid, "7MK4T", kiosk.now, Act.READ)
    kiosk.store.keep_exceptions([matter], (), kiosk.now)
    for address in ADDRESSES:
        assert mine.get(address).status_code == 200, address
    assert others.get("/api/v1/sessions").get_json() == {"sessions": [], "next": None}
    assert others.get("/api/v1/sessions?site=marktplatz").get_json()["sessions"] == []
    assert mine.get("/api/v1/sessions?site=marktplatz").get_json()["sessions"] != []
    assert others.get("/api/v1/queue?site=marktplatz").get_json()["rows"] == []
    assert mine.get("/api/v1/queue?site=marktplatz").get_json()["rows"] != []
    assert others.get("/api/v1/sessions/1").status_code == 404
    assert others.get("/api/v1/sessions/1/receipt").status_code == 404


def test_it_says_nothing_secret_and_is_kept_by_no_cache(kiosk: Kiosk, paid: str) -> None:
    client = program(kiosk)
    for address in ADDRESSES:
        answer = client.get(address, headers={"Origin": "https://other.example"})
        assert "no-store" in answer.headers["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        for secret in (paid, PAYMENT.client_secret, f"token-{paid}", "@"):
            assert secret not in answer.text, address
        for method in ("post", "put", "delete", "patch"):
            wrote = getattr(client, method)(address, headers={"Sec-Fetch-Site": "same-origin"})
            assert wrote.status_code == 405


def test_when_a_key_was_used_last_is_known_to_the_minute(
    kiosk: Kiosk, paid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = program(kiosk)
    assert kiosk.store.access.all_keys()[0].used_at is None
    client.get(ADDRESSES[0])
    first = kiosk.store.access.all_keys()[0].used_at
    assert first == kiosk.now
    kiosk.clock.advance(30)
    client.get(ADDRESSES[0])
    assert kiosk.store.access.all_keys()[0].used_at == first
    kiosk.clock.advance(40)

    def full(*_more: object) -> None:
        raise CannotWrite(Trouble.FULL)

    with monkeypatch.context() as broken:
        broken.setattr(Access, "key_used", full)
        assert client.get(ADDRESSES[0]).status_code == 200
    client.get(ADDRESSES[0])
    assert kiosk.store.access.all_keys()[0].used_at == kiosk.now
    assert paid


def test_a_storm_of_wrong_keys_is_slowed_and_keeps_no_right_one_out(kiosk: Kiosk, paid: str) -> None:
    client, stranger = program(kiosk), kiosk.app.test_client()
    codes = [
        stranger.get(ADDRESSES[0], headers={"Authorization": f"Bearer kiosk_{number}"}).status_code
        for number in range(40)
    ]
    assert codes == [401] * 30 + [429] * 10
    told = stranger.get(ADDRESSES[0])
    assert told.status_code == 429
    assert int(told.headers["Retry-After"]) > 0
    jsonschema.validate(told.get_json(), description("")["components"]["schemas"]["Problem"])
    assert client.get(ADDRESSES[0]).status_code == 200
    assert {client.get(ADDRESSES[0]).status_code for _ in range(320)} == {200, 429}
    assert paid


def test_an_address_that_is_not_there_answers_in_json(kiosk: Kiosk) -> None:
    answer = program(kiosk).get("/api/v1/nothing")
    assert answer.status_code == 404
    assert json.loads(answer.text)


def test_a_session_of_a_number_that_cannot_be_is_not_there(kiosk: Kiosk) -> None:
    assert program(kiosk).get(f"/api/v1/sessions/{2**70}").status_code == 404


def test_a_key_needs_a_name_and_something_to_read(kiosk: Kiosk) -> None:
    for name, scopes, why in ((" ", ALL, "no_name"), ("x", frozenset[Scope](), "no_scope")):
        with pytest.raises(CannotMake) as refused:
            make_key(parts_of(kiosk), "kim", name, scopes, None)
        assert refused.value.why == why
    assert kiosk.store.access.all_keys() == []


def test_an_amount_is_written_as_its_currency_is() -> None:
    assert amount(Money(50_000, "ISK")) == {"minor": 50_000, "currency": "ISK", "amount": "500"}
    assert amount(Money(-5, "EUR")) == {"minor": -5, "currency": "EUR", "amount": "-0.05"}
