"""The operator's client on a faked wire: what is asked, what each status means, the budget, the token that stays in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.commands import Refusal
from kiosk.domain.site_board import Listing, PublicCharging, SiteCharger, SiteTransaction
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused
from kiosk.upstream.http import Outcome, TimeLimits
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from tests.upstream.operator_wire import BASE, BEARER, CALLS, CHARGER, GOOD, SITE, charger, failure, transaction, wire
from tests.upstream.support import assert_tells_nothing, hear, loopback, say

every_call = pytest.mark.parametrize("name", list(CALLS))
PATHS = {
    "operator_sites": "/sites",
    "operator_site_chargers": f"/sites/{SITE}/chargers",
    "operator_site_connectors": f"/sites/{SITE}/connectors",
    "operator_chargers": "/chargers",
    "operator_charger": f"/chargers/{CHARGER}",
    "operator_public_charging": f"/chargers/{CHARGER}/settings/public-charging",
    "operator_site_transactions": f"/sites/{SITE}/transactions?filter%5Bstatus%5D=active",
    "operator_charger_transactions": f"/chargers/{CHARGER}/transactions",
    "operator_power_usage": f"/chargers/{CHARGER}/connectors/1/power-usage",
    "operator_latest_meter": f"/chargers/{CHARGER}/connectors/1/latest-metervalue",
}


# --- what is asked


@every_call
def test_each_call_is_one_read_of_the_documented_path_with_the_bearers_token(name: str) -> None:
    with wire(httpx.Response(200, json=GOOD[name])) as w:
        CALLS[name](w.api)
    (request,) = w.sent
    assert (request.method, str(request.url)) == ("GET", BASE + PATHS[name])
    assert request.headers["authorization"] == f"Bearer {BEARER}"
    assert w.counted == [(name, Outcome.OK, 200)]


def test_what_comes_back_is_the_domains() -> None:
    with wire(httpx.Response(200, json={"data": charger()})) as w:
        assert isinstance(w.api.charger(CHARGER.upper()), SiteCharger)
    with wire(httpx.Response(200, json=GOOD["operator_public_charging"])) as w:
        assert isinstance(w.api.public_charging(CHARGER), PublicCharging)


def test_a_list_knows_when_it_was_asked_for_and_when_it_was_whole() -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        w.clock.advance(3)
        return httpx.Response(200, json={"data": [charger()]})

    with wire(slow) as w:
        asked = w.clock.now()
        listing = w.api.chargers()
    assert (listing.asked_at, listing.seen_at) == (asked, asked + timedelta(seconds=3))


@pytest.mark.parametrize("of", ["site", "charger"])
def test_transactions_are_filtered_by_status_time_and_number(of: str) -> None:
    summer = timezone(timedelta(hours=2))
    with wire(httpx.Response(200, json={"data": [transaction()]})) as w:
        ask = w.api.site_transactions if of == "site" else w.api.charger_transactions
        ask(
            CHARGER,
            "finished",
            started_from=datetime(2026, 7, 1, 2, tzinfo=summer),
            stopped_until=datetime(2026, 7, 2, tzinfo=UTC),
            limit=500,
        )
    assert dict(w.sent[0].url.params) == {
        "filter[status]": "finished",
        "filter[started_from]": "2026-07-01T00:00:00Z",
        "filter[stopped_until]": "2026-07-02T00:00:00Z",
        "limit": "500",
    }


NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOPELESS: list[Callable[[PlugchoiceOperator], object]] = [
    lambda api: api.site_transactions(SITE, limit=0),
    lambda api: api.site_transactions(SITE, limit=10_001),
    lambda api: api.charger_transactions(CHARGER, started_from=NOON.replace(tzinfo=None)),
    lambda api: api.charger_transactions(CHARGER, stopped_until=NOON.replace(tzinfo=None)),
    lambda api: api.site_transactions(SITE, started_from=NOON, stopped_until=NOON - timedelta(seconds=1)),
    lambda api: api.site_chargers(""),
    lambda api: api.site_connectors(".."),
    lambda api: api.charger("x" * 513),
    lambda api: api.power_usage(" ", 1),
]


@pytest.mark.parametrize("call", HOPELESS)
def test_what_cannot_be_right_is_never_sent(call: Callable[[PlugchoiceOperator], object]) -> None:
    with wire(httpx.Response(500)) as w, pytest.raises(Refused) as failed:
        call(w.api)
    assert (failed.value.reason, failed.value.status, w.sent) == (Refusal.INVALID, 0, [])


def test_one_moment_is_a_time_too() -> None:
    with wire(httpx.Response(200, json={"data": []})) as w:
        assert w.api.site_transactions(SITE, started_from=NOON, stopped_until=NOON).entries == ()


@pytest.mark.parametrize("odd", ["a b", "a/b", "a?b", "a%2Fb", "ä"])
def test_an_odd_id_stays_one_part_of_the_path(odd: str) -> None:
    with wire(httpx.Response(200, json={"data": []})) as w:
        w.api.site_chargers(odd)
    path = w.sent[0].url.raw_path.decode()
    assert (path.count("/"), path.count("?")) == (5, 0)


# --- what each status means


@every_call
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_carries_its_status(name: str, status: int) -> None:
    failed = failure(name, httpx.Response(status, json={"message": "Unauthenticated.", "errors": {"page": ["no"]}}))
    assert isinstance(failed, Refused)
    assert (failed.reason, failed.status, failed.message) == (Refusal.INVALID, status, "Unauthenticated.")


@every_call
@pytest.mark.parametrize("status", [204, 301, 304, 408, 500, 502, 503, 504])
def test_trouble_upstream_is_no_answer(name: str, status: int) -> None:
    failed = failure(name, httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    assert isinstance(failed, NoAnswer)
    assert failed.status == status


@every_call
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"5", b'"x"', b"{}", b'{"data":null}', b'{"data":{}}', b"\xff"]
)
def test_garbage_is_no_answer(name: str, body: bytes) -> None:
    assert isinstance(failure(name, httpx.Response(200, content=body)), NoAnswer)


@pytest.mark.parametrize("body", [b"", b"no", b"[1]", b"\xff"])
def test_a_refusal_needs_no_body(body: bytes) -> None:
    failed = failure("operator_sites", httpx.Response(403, content=body))
    assert isinstance(failed, Refused)
    assert (failed.status, failed.message) == (403, "")


def test_a_server_that_cannot_be_reached_was_not_asked() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no {request.url}", request=request)

    assert isinstance(failure("operator_sites", broken), NotSent)


def test_a_failure_is_not_tried_again() -> None:
    with wire(httpx.Response(500)) as w, pytest.raises(NoAnswer):
        w.api.site_connectors(SITE)
    assert len(w.sent) == 1
    assert w.counted == [("operator_site_connectors", Outcome.NO_ANSWER, 500)]


def test_an_unreadable_answer_is_counted_as_none() -> None:
    with wire(httpx.Response(200, json={})) as w, pytest.raises(NoAnswer):
        w.api.charger(CHARGER)
    assert w.counted == [("operator_charger", Outcome.NO_ANSWER, 200)]


def test_a_server_that_dribbles_is_left_in_time() -> None:
    def script(connection: object, _number: int) -> None:
        hear(connection)  # type: ignore[arg-type]
        for byte in say({"data": []}):
            if server.done.wait(0.05):
                return
            connection.sendall(bytes([byte]))  # type: ignore[attr-defined]

    with loopback(script) as server:
        api = PlugchoiceOperator(server.url, BEARER, clock=ManualClock(), limits=TimeLimits(read=1, total=0.4))
        try:
            with pytest.raises(NoAnswer) as failed:
                api.sites()
        finally:
            api.close()
    assert_tells_nothing(failed.value, BEARER)


# --- the budget


def test_all_calls_share_one_budget() -> None:
    with wire(httpx.Response(200, json={"data": []}), per_minute=2) as w:
        w.api.sites()
        w.clock.advance(20)
        w.api.site_connectors(SITE)
        with pytest.raises(BudgetSpent) as failed:
            w.api.chargers()
        assert failed.value.wait == timedelta(seconds=40)
        w.clock.advance(40.5)
        w.api.chargers()
    assert len(w.sent) == 3
    assert w.counted[2] == ("operator_chargers", Outcome.BUDGET_SPENT, None)


def test_five_hundred_requests_leave_in_a_minute_and_not_one_more() -> None:
    with wire(httpx.Response(200, json=GOOD["operator_power_usage"])) as w:
        for _ in range(500):
            w.api.power_usage(CHARGER, 1)
        with pytest.raises(BudgetSpent):
            w.api.power_usage(CHARGER, 1)
    assert len(w.sent) == 500


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, 60), ("soon", 60)])
def test_too_many_requests_close_the_door_for_as_long_as_they_say(header: str | None, seconds: int) -> None:
    headers = {} if header is None else {"Retry-After": header}
    with wire(httpx.Response(429, headers=headers, json={"message": "Too Many Attempts."})) as w:
        with pytest.raises(Refused) as failed:
            w.api.sites()
        with pytest.raises(BudgetSpent) as closed:
            w.api.charger(CHARGER)
    assert (failed.value.reason, failed.value.status) == (Refusal.TOO_MANY, 429)
    assert failed.value.retry_after == timedelta(seconds=seconds) == closed.value.wait


def test_other_users_of_the_token_lower_our_own_count() -> None:
    headers = {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "1"}
    with wire(httpx.Response(200, headers=headers, json={"data": []})) as w:
        w.api.sites()
        w.api.sites()
        with pytest.raises(BudgetSpent):
            w.api.sites()


def test_a_list_that_the_budget_cuts_short_is_an_error_and_not_half_a_list() -> None:
    page = {"data": [charger()], "links": {"next": f"{BASE}/chargers?page=2"}}
    with wire(httpx.Response(200, json=page), per_minute=1) as w, pytest.raises(BudgetSpent):
        w.api.chargers()


# --- the token


@pytest.mark.parametrize("token", ["", " ", "to ken-7", "token-7\n", "tökén-7", "x" * 8193])
def test_a_token_that_cannot_be_a_header_is_refused_at_once_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="the operator's token") as failed:
        PlugchoiceOperator(BASE, token, clock=ManualClock())
    assert "ken-7" not in str(failed.value)


def test_a_token_of_oauth_may_be_very_long() -> None:
    long = "eyJ0eXAi." + "Ab9_-" * 300
    api = PlugchoiceOperator(
        BASE,
        long,
        clock=ManualClock(),
        transport=httpx.MockTransport(lambda r: httpx.Response(200 if r.headers["authorization"][7:] == long else 401)),
    )
    with pytest.raises(NoAnswer):  # not 401
        api.sites()
    api.close()


def test_a_refusal_that_quotes_the_token_is_cleaned() -> None:
    failed = failure("operator_sites", httpx.Response(401, json={"message": f"no user for {BEARER} here"}))
    assert isinstance(failed, Refused)
    assert failed.message == "no user for [hidden] here"


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), wire(httpx.Response(401, json={"message": BEARER})) as w:
        with pytest.raises(Refused):
            w.api.sites()
        assert "pat-9d8c" not in repr(w.api) + str(w.api)
    assert "pat-9d8c" not in caplog.text


def test_who_charges_is_not_in_a_repr() -> None:
    with wire(httpx.Response(200, json={"data": [transaction()]})) as w:
        listing: Listing[SiteTransaction] = w.api.site_transactions(SITE)
    assert listing.entries[0].id_tag == "DLJN5625"
    assert "DLJN5625" not in repr(listing)
