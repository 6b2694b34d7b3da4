"""OCPPLAB's client on a faked wire and on a slow socket: paths, refusals, provisioning, logs, no token that escapes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.commands import Refusal
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.http import Outcome, TimeLimits
from kiosk.upstream.ocpplab.client import MOST_PAGES, Ocpplab
from kiosk.upstream.ocpplab.commands import ChargerChange, NewCharger, Target, plug_connector
from kiosk.upstream.ocpplab.reading import Provisioning, Stage
from tests.upstream.support import assert_tells_nothing, hear, loopback, say
from tests.worlds.faked_wire import Answers, FakedWire

BASE = "https://lab.example"
BEARER = "eyJhbGciOiJub25lIn0.lab.token"
ORGANIZATION = "org-of-ours"
WS_URL = "wss://user:hunter2@office.example/ws"
START = datetime(2026, 1, 1, tzinfo=UTC)
CHARGER = {
    "id": "dep-123",
    "identity": "CP-TEST-001",
    "name": "Main",
    "vendor_name": "ABB",
    "max_charging_power": 22000,
}
NEW = NewCharger("CP-FAST-201", "abb", "terra-184", "CCS2", WS_URL, ocpp_version="OCPP2.0.1")


class Wire(FakedWire):
    def __init__(self, answer: Answers, **more: Any) -> None:
        super().__init__(answer, START)
        self.api = Ocpplab(more.pop("base", BASE), BEARER, **self.wired, **more)


@contextmanager
def wire(answer: Answers, **more: Any) -> Iterator[Wire]:
    made = Wire(answer, **more)
    try:
        yield made
    finally:
        made.api.close()


def failure(answer: Answers, call: Callable[[Ocpplab], object] = lambda api: api.charger("dep-123")) -> UpstreamError:
    with wire(answer) as w, pytest.raises(UpstreamError) as failed:
        call(w.api)
    assert_tells_nothing(failed.value, BEARER, "hunter2", "lab.example")
    return failed.value


def ok(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def state(word: str | None, **more: Any) -> httpx.Response:
    return ok({"charger_id": "dep-9", "status": word, "error": None, "provisioned_at": None, **more})


# --- the request


@pytest.mark.parametrize(
    ("base", "prefix", "url"),
    [
        (BASE, "/ocpp", "https://lab.example/ocpp/chargers/dep-123"),
        (BASE + "/", "ocpp/", "https://lab.example/ocpp/chargers/dep-123"),
        (BASE, "", "https://lab.example/chargers/dep-123"),
        (BASE, "/", "https://lab.example/chargers/dep-123"),
        (BASE + "/api", "/evcharger", "https://lab.example/api/evcharger/chargers/dep-123"),
        (BASE, "/v2/ocpp", "https://lab.example/v2/ocpp/chargers/dep-123"),
    ],
)
def test_the_prefix_is_a_switch(base: str, prefix: str, url: str) -> None:
    with wire(ok(CHARGER), base=base, prefix=prefix) as w:
        w.api.charger("dep-123")
    assert str(w.sent[0].url) == url


def test_the_token_is_sent_as_a_bearer_and_no_organization_without_one() -> None:
    with wire(ok(CHARGER)) as w:
        w.api.charger("dep-123")
    assert w.sent[0].headers["authorization"] == f"Bearer {BEARER}"
    assert "x-organization-id" not in w.sent[0].headers


def test_an_administrators_token_names_its_organization() -> None:
    answer = httpx.Response(403, json={"detail": f"not of {ORGANIZATION}"})
    with wire(answer, organization_id=ORGANIZATION) as w, pytest.raises(Refused) as failed:
        w.api.charger("dep-123")
    assert w.sent[0].headers["x-organization-id"] == ORGANIZATION
    assert failed.value.message == "not of [hidden]"


@pytest.mark.parametrize("token", ["", "two words", "naïve", "line\nbreak"])
def test_a_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ValueError, match="printable") as failed:
        Ocpplab(BASE, token, clock=ManualClock())
    assert not token or token not in str(failed.value)


def test_an_organization_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="organization"):
        Ocpplab(BASE, BEARER, clock=ManualClock(), organization_id="a b")


@pytest.mark.parametrize("prefix", ["/ocpp?x=1", "/../admin", "/a//b", "/a b", "https://elsewhere.example"])
def test_a_prefix_that_is_no_path_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Ocpplab(BASE, BEARER, clock=ManualClock(), prefix=prefix)


def test_an_id_is_one_part_of_the_path() -> None:
    with wire(ok({"id": "a/b?c", "identity": "x"})) as w:
        w.api.charger("a/b?c")
    assert w.sent[0].url.raw_path == b"/ocpp/chargers/a%2Fb%3Fc"


@pytest.mark.parametrize("charger_id", ["", " ", "..", "x" * 513])
def test_what_cannot_be_an_id_is_not_sent(charger_id: str) -> None:
    with wire(ok(CHARGER)) as w, pytest.raises(Refused) as failed:
        w.api.status(charger_id)
    assert (w.sent, failed.value.reason, failed.value.status) == ([], Refusal.UNKNOWN_CHARGER, 0)


# --- chargers


def test_a_page_is_asked_for_and_read() -> None:
    with wire(ok({"data": [CHARGER], "total": 51, "page": 1, "limit": 50})) as w:
        page = w.api.chargers(location_id="loc 1")
    assert str(w.sent[0].url) == "https://lab.example/ocpp/chargers?location_id=loc+1&page=1&limit=50"
    assert ([each.id for each in page.chargers], page.total, page.next_page) == (["dep-123"], 51, 2)


@pytest.mark.parametrize(("page", "limit", "sent"), [(0, 0, "page=1&limit=1"), (3, 500, "page=3&limit=100")])
def test_a_page_stays_within_the_documented_bounds(page: int, limit: int, sent: str) -> None:
    with wire(ok({"data": [], "total": 0})) as w:
        w.api.chargers(page, limit)
    assert w.sent[0].url.query.decode() == sent


def test_all_chargers_come_from_all_pages() -> None:
    pages = [
        ok({"data": [{"id": f"dep-{n}"} for n in part], "total": 230, "page": number, "limit": 100})
        for number, part in enumerate((range(100), range(100, 200), range(200, 230)), 1)
    ]
    with wire(pages) as w:
        found = w.api.all_chargers()
    assert [each.id for each in found] == [f"dep-{n}" for n in range(230)]
    assert [request.url.params["page"] for request in w.sent] == ["1", "2", "3"]


def test_a_server_that_repeats_its_first_page_is_left() -> None:
    with wire(ok({"data": [{"id": "dep-1"}], "total": 10_000})) as w:
        assert len(w.api.all_chargers()) == 1
    assert len(w.sent) == 2


def test_a_list_without_an_end_is_left() -> None:
    def more(request: httpx.Request) -> httpx.Response:
        return ok({"data": [{"id": f"dep-{request.url.params['page']}"}], "total": 10**9})

    with wire(more) as w:
        assert len(w.api.all_chargers()) == MOST_PAGES
    assert len(w.sent) == MOST_PAGES


def test_a_create_sends_what_is_given_and_is_not_ready_yet() -> None:
    with wire(ok({"charger_id": "dep-9", "identity": "CP-FAST-201", "status": "PROVISIONING"}, 202)) as w:
        made = w.api.create(NEW)
    assert (w.sent[0].method, w.sent[0].url.path) == ("POST", "/ocpp/chargers")
    assert w.body() == {
        "identity": "CP-FAST-201",
        "brand_slug": "abb",
        "model_slug": "terra-184",
        "connector_type": "CCS2",
        "ws_url": WS_URL,
        "ocpp_version": "OCPP2.0.1",
    }
    assert made == Provisioning("dep-9", Stage.PROVISIONING)
    assert w.counted == [("ocpplab_create", Outcome.OK, 202)]
    assert "hunter2" not in repr(NEW)


@pytest.mark.parametrize("body", [{}, [], {"identity": "CP-FAST-201"}, {"charger_id": "dep-9", "identity": "other"}])
def test_a_create_that_names_no_charger_of_ours_is_unknown(body: object) -> None:
    assert isinstance(failure(ok(body, 202), lambda api: api.create(NEW)), NoAnswer)


def test_an_update_sends_only_what_changes() -> None:
    with wire(ok(CHARGER)) as w:
        changed = w.api.update("dep-123", ChargerChange(name="Main", ws_url=WS_URL))
    assert (w.sent[0].method, w.body()) == ("PUT", {"name": "Main", "ws_url": WS_URL})
    assert changed.facts.name == "Main"


@pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(200, json={"ok": True}), httpx.Response(202)])
def test_a_delete_needs_no_body(answer: httpx.Response) -> None:
    with wire(answer) as w:
        w.api.delete("dep-123")
    assert (w.sent[0].method, w.counted) == ("DELETE", [("ocpplab_delete", Outcome.OK, answer.status_code)])


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (Ocpplab.start_runtime, "start-charger"),
        (Ocpplab.stop_runtime, "stop-charger"),
        (Ocpplab.restart_runtime, "reset-charger"),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_the_runtime_is_asked_with_an_empty_object(call: Any, path: str, status: int) -> None:
    with wire(ok({"id": "cmd-1", "event_type": path, "ocpp_version": "1.6", "payload": {}}, status)) as w:
        queued = call(w.api, "dep-123")
    assert (w.sent[0].url.path, w.body()) == (f"/ocpp/chargers/dep-123/{path}", {})
    assert (queued.id, queued.event_type) == ("cmd-1", path)


# --- provisioning


def deadline(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_charger_is_waited_for_without_sleeping() -> None:
    words = [state("PENDING"), state("PROVISIONING"), state(None), state("READY")]
    with wire(words) as w:
        assert w.api.wait_until_ready("dep-9", w.clock, deadline(60)).stage is Stage.READY
        assert w.clock.now() == deadline(6)


def test_a_failed_provisioning_ends_the_wait_and_says_why() -> None:
    error = {
        "code": "quota_new",
        "message": "see https://lab.example/x",
        "step": "s-1",
        "param": None,
        "retryable": True,
    }
    with wire([state("PENDING"), state("FAILED", error=error)]) as w:
        ended = w.api.wait_until_ready("dep-9", w.clock, deadline(60))
    assert ended.stage is Stage.FAILED
    assert ended.error is not None
    assert (ended.error.code, ended.error.said_code, ended.error.retryable) == ("unknown_error", "quota_new", True)
    assert ended.error.message == "see [hidden]"


def test_the_wait_ends_at_its_deadline_with_what_was_seen_last() -> None:
    with wire(state("PROVISIONING")) as w:
        assert w.api.wait_until_ready("dep-9", w.clock, deadline(5)).stage is Stage.PROVISIONING
        assert (w.clock.now(), len(w.sent)) == (deadline(5), 4)


def test_a_wait_whose_deadline_is_over_asks_once() -> None:
    with wire(state("READY")) as w:
        assert w.api.wait_until_ready("dep-9", w.clock, deadline(-1)).stage is Stage.READY


def test_silence_and_too_many_are_bridged() -> None:
    answers = [httpx.Response(503), httpx.Response(429, headers={"Retry-After": "9"}), state("READY")]
    with wire(answers) as w:
        assert w.api.wait_until_ready("dep-9", w.clock, deadline(60)).stage is Stage.READY
        assert w.clock.now() == deadline(11)


def test_a_wait_in_which_nothing_was_seen_ends_with_the_last_error() -> None:
    with wire(httpx.Response(503)) as w, pytest.raises(NoAnswer):
        w.api.wait_until_ready("dep-9", w.clock, deadline(5))
    assert len(w.sent) == 4


def test_silence_at_the_end_does_not_hide_what_was_seen() -> None:
    with wire([state("PENDING"), httpx.Response(503)]) as w:
        assert w.api.wait_until_ready("dep-9", w.clock, deadline(2)).stage is Stage.PENDING


def test_any_other_refusal_ends_the_wait_at_once() -> None:
    with wire(httpx.Response(404, json={"detail": "no"})) as w, pytest.raises(Refused):
        w.api.wait_until_ready("dep-9", w.clock, deadline(60))
    assert (w.clock.now(), len(w.sent)) == (START, 1)


def test_a_wait_can_be_ended_from_outside() -> None:
    ended = threading.Event()
    ended.set()
    with wire(state("PENDING")) as w:
        w.api.wait_until_ready("dep-9", w.clock, deadline(60), ended=ended)
        assert (w.clock.now(), len(w.sent)) == (START, 1)


# --- logs


def row(status: str, at: str | None, connector: int = 1) -> dict[str, Any]:
    message = json.dumps([2, "m", "StatusNotification", {"connectorId": connector, "status": status}])
    return {"direction": "out", "action": "StatusNotification", "message": message, "timestamp": at}


def log(rows: list[dict[str, Any]], **more: Any) -> httpx.Response:
    return ok({"data": rows, "limit": 200, "offset": 0, **more})


def test_a_page_of_the_log_is_asked_for_and_read() -> None:
    rows = [row("Available", "2026-01-01T00:00:00Z")]
    with wire(log(rows, total=120)) as w:
        page = w.api.logs(
            "dep-123", start=START, end=START + timedelta(seconds=1), event="Authorize", limit=5000, offset=-3
        )
    assert dict(w.sent[0].url.params) == {
        "start_date": "2026-01-01T00:00:00.000Z",
        "end_date": "2026-01-01T00:00:01.000Z",
        "event": "Authorize",
        "limit": "1000",
        "offset": "0",
    }
    assert (len(page.entries), page.total, page.next_offset, page.newest_at) == (1, 120, 1, START)


def test_the_last_status_comes_from_one_page_when_there_is_one() -> None:
    with wire(log([row("Available", "2026-01-01T00:00:00Z"), row("Charging", "2026-01-01T00:05:00Z")], total=2)) as w:
        found = w.api.connector_status("dep-123", 1, since=START)
    assert found is not None
    assert (found.word, found.at, len(w.sent)) == ("Charging", START + timedelta(minutes=5), 1)


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_a_long_log_the_newer_end_is_believed(newest_first: bool) -> None:
    old, new = row("Available", "2026-01-01T00:00:00Z"), row("Charging", "2026-01-01T09:00:00Z")
    pages = [log([new], total=900), log([old], total=900)]
    with wire(pages if newest_first else pages[::-1]) as w:
        found = w.api.connector_status("dep-123", 1)
    assert found is not None
    assert found.word == "Charging"
    assert [request.url.params["offset"] for request in w.sent] == ["0", "700"]


def test_a_connector_that_is_not_on_the_newer_page_is_unknown() -> None:
    pages = [
        log([row("Available", "2026-01-01T00:00:00Z")], total=900),
        log([row("Charging", "2026-01-01T09:00:00Z", 2)]),
    ]
    with wire(pages) as w:
        assert w.api.connector_status("dep-123", 1) is None


def test_a_long_log_without_times_is_unknown() -> None:
    with wire(log([row("Available", None)], total=900)) as w:
        assert w.api.connector_status("dep-123", 1) is None


def test_a_log_of_unknown_length_is_unknown() -> None:
    with wire(log([row("Available", "2026-01-01T00:00:00Z")] * 200)) as w:
        assert w.api.connector_status("dep-123", 1) is None
    assert len(w.sent) == 1


# --- commands


def test_a_command_carries_its_target_and_event() -> None:
    with wire(ok({"targeted_count": 1, "queued_count": 1, "failed_count": 0, "results": [], "failed": []})) as w:
        w.api.command(Target("dep-123"), plug_connector(1, evse_id=2))
    assert (w.sent[0].method, w.sent[0].url.path) == ("POST", "/ocpp/commands/plug-connector")
    assert w.body() == {"target": {"charger_id": "dep-123"}, "event": {"evse_id": 2, "connector_id": 1}}
    assert w.counted == [("ocpplab_plug_connector", Outcome.OK, 200)]


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b"null", b'{"results":5,"failed":"x"}'])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_accepted_command_needs_no_body(status: int, body: bytes) -> None:
    with wire(httpx.Response(status, content=body)) as w:
        assert w.api.command(Target("dep-123"), plug_connector(1)).queued == ()


# --- refusals


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Refusal.INVALID),
        (401, Refusal.INVALID),
        (403, Refusal.INVALID),
        (404, Refusal.UNKNOWN_CHARGER),
        (409, Refusal.NOT_NOW),
        (422, Refusal.INVALID),
    ],
)
def test_a_refusal_carries_status_and_detail(status: int, reason: Refusal) -> None:
    failed = failure(httpx.Response(status, json={"detail": f"no, not with {BEARER}"}))
    assert isinstance(failed, Refused)
    assert (failed.reason, failed.status, failed.message) == (reason, status, "no, not with [hidden]")


def test_a_create_that_is_not_found_is_about_its_make_or_place() -> None:
    failed = failure(httpx.Response(404, json={"detail": "Brand not found"}), lambda api: api.create(NEW))
    assert isinstance(failed, Refused)
    assert (failed.reason, failed.message) == (Refusal.INVALID, "Brand not found")


def test_a_list_of_complaints_becomes_one_sentence_without_values() -> None:
    detail = [
        {"loc": ["body", "connector_type"], "msg": "Field required", "type": "missing", "input": {"ws_url": WS_URL}},
        {"loc": ["body", "ws_url"], "msg": f"{WS_URL} is no URL", "type": "url", "ctx": {"given": WS_URL}},
    ]
    failed = failure(httpx.Response(422, json={"detail": detail}), lambda api: api.create(NEW))
    assert isinstance(failed, Refused)
    assert failed.message == "connector_type: Field required; ws_url: [hidden] is no URL"


@pytest.mark.parametrize("body", [b"", b"no", b"[1]", b"\xff", b'{"detail":null}', b'{"detail":[]}', b'{"detail":[5]}'])
def test_a_refusal_needs_no_body(body: bytes) -> None:
    failed = failure(httpx.Response(422, content=body))
    assert isinstance(failed, Refused)
    assert failed.message == ""


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, 60)])
def test_too_many_requests_say_how_long_to_wait(header: str | None, seconds: int) -> None:
    failed = failure(httpx.Response(429, headers={} if header is None else {"Retry-After": header}))
    assert isinstance(failed, Refused)
    assert (failed.reason, failed.retry_after) == (Refusal.TOO_MANY, timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [301, 304, 408, 500, 502, 503, 504])
def test_trouble_upstream_is_no_answer(status: int) -> None:
    failed = failure(httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    assert isinstance(failed, NoAnswer)
    assert failed.status == status


GARBAGE = [b"", b"<html>", b"null", b"5", b'"x"', b"{}", b'{"data":{}}', b"[" * 100_000]
READS: list[Callable[[Ocpplab], object]] = [
    lambda api: api.chargers(),
    lambda api: api.charger("dep-123"),
    lambda api: api.status("dep-123"),
    lambda api: api.update("dep-123", ChargerChange(name="x")),
    lambda api: api.logs("dep-123"),
]


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_no_answer(body: bytes) -> None:
    for call in READS:
        assert isinstance(failure(httpx.Response(200, content=body), call), NoAnswer)


def test_a_server_that_cannot_be_reached_was_not_asked() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no {request.url}", request=request)

    assert isinstance(failure(broken), NotSent)


def test_one_call_is_one_attempt_and_is_counted() -> None:
    with wire(httpx.Response(503)) as w, pytest.raises(NoAnswer):
        w.api.charger("dep-123")
    assert (len(w.sent), w.counted) == (1, [("ocpplab_charger", Outcome.NO_ANSWER, 503)])


def test_a_server_that_dribbles_is_left_in_time() -> None:
    def script(connection: object, _number: int) -> None:
        hear(connection)  # type: ignore[arg-type]
        for byte in say(CHARGER):
            if server.done.wait(0.05):
                return
            connection.sendall(bytes([byte]))  # type: ignore[attr-defined]

    with loopback(script) as server:
        api = Ocpplab(server.url, BEARER, clock=ManualClock(), limits=TimeLimits(read=1, total=0.3))
        try:
            with pytest.raises(NoAnswer) as failed:
                api.charger("dep-123")
        finally:
            api.close()
    assert_tells_nothing(failed.value, BEARER)


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), wire(httpx.Response(401, json={"detail": BEARER})) as w:
        with pytest.raises(Refused):
            w.api.create(NEW)
        assert BEARER not in repr(w.api)
    assert BEARER not in caplog.text
    assert "hunter2" not in caplog.text
