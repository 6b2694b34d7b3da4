"""Traces, as a collector on this machine gets them: by OTLP over HTTP, from the kiosk as it is wired."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kiosk.app import running, stop
from kiosk.clock import ManualClock
from kiosk.config.logs import session_mark
from kiosk.config.settings import SettingsError
from kiosk.domain.commands import AskedBy, Kind
from kiosk.engine import engine
from kiosk.eyes.traces import Traces, traces_of
from kiosk.upstream.errors import UpstreamError
from tests.store.build import charging, later, opened
from tests.web.built import made_app, made_settings
from tests.worlds.hook_server import HookServer, Taken


@contextmanager
def collector() -> Iterator[HookServer]:
    server = HookServer(200)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def traced(folder: Path) -> Iterator[tuple[Traces, Callable[[], list[Span]]]]:
    """Traces alone, and what of them has arrived once they are closed."""
    with collector() as server:
        traces = traces_of(made_settings(folder, otlp_endpoint=base(server)))
        assert traces is not None

        def arrived() -> list[Span]:
            traces.close()
            return spans(server)

        yield traces, arrived


def base(server: HookServer) -> str:
    return server.address.removesuffix("/hook")


def spans(server: HookServer) -> list[Span]:
    assert {taken.path for taken in server.taken} <= {"/v1/traces"}
    found: list[Span] = []
    for taken in server.taken:
        assert by_name(taken)["content-type"] == "application/x-protobuf"
        for resource in ExportTraceServiceRequest.FromString(taken.body).resource_spans:
            assert "charge-kiosk" in {one.value.string_value for one in resource.resource.attributes}
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def by_name(taken: Taken) -> dict[str, str]:
    return {name.lower(): value for name, value in taken.headers.items()}


def said(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}


def test_requests_jobs_and_calls_of_the_kiosk_arrive_and_nothing_secret(tmp_path: Path) -> None:
    with collector() as server:
        app = made_app(tmp_path, otlp_endpoint=base(server), clock=ManualClock())
        store, client = running(app).store, app.test_client()
        key = opened(store)
        store.observe(key, charging(60), source="read")
        assert client.get(f"/s/{key}?secret=sk_test_hidden", headers={"Cookie": "c=hidden"}).status_code == 200
        assert client.get("/healthz").status_code == 200
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(61))
        store.claim(asked.id, later(61))
        running(app).engine.round()
        stop(app)
        found = {span.name: span for span in spans(server)}
    request = found["GET /s/<key>"]
    assert request.kind == Span.SPAN_KIND_SERVER
    assert said(request)["kiosk.status"] == 200
    assert request.end_time_unix_nano > request.start_time_unix_nano
    assert "GET /healthz" not in found
    job = found["engine: cut-off commands"]
    assert said(job)["kiosk.session"] == session_mark(key)
    whole = b"".join(taken.body for taken in server.taken)
    assert not [word for word in (key, "hidden", "token-1") if word.encode() in whole]


def test_a_call_lies_in_the_span_of_the_job_that_made_it(tmp_path: Path) -> None:
    def nowhere(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no way out")

    with collector() as server:
        app = made_app(tmp_path, otlp_endpoint=base(server))
        running(app).outside.public._http._client._transport = httpx.MockTransport(nowhere)
        traces = running(app).closers[0].__self__  # type: ignore[attr-defined]
        with traces.span("engine: read sessions"), pytest.raises(UpstreamError):
            running(app).outside.public.get_charger("7MK4T")
        stop(app)
        found = {span.name: span for span in spans(server)}
    call, job = found["plugchoice get_charger"], found["engine: read sessions"]
    assert (call.kind, call.parent_span_id) == (Span.SPAN_KIND_CLIENT, job.span_id)
    assert said(call)["kiosk.outcome"] == "not_sent"
    assert call.status.code == call.status.STATUS_CODE_ERROR


def test_an_error_is_named_by_its_class_alone(tmp_path: Path) -> None:
    with traced(tmp_path) as (traces, arrived):
        with pytest.raises(RuntimeError), traces.span("engine: proofs", session="key-1"):
            raise RuntimeError("sk_live_secret")
        (span,) = arrived()
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert said(span)["error.type"] == "RuntimeError"
    assert not span.events
    assert b"sk_live_secret" not in span.SerializeToString()


def test_what_is_secret_by_its_name_or_its_form_does_not_leave(tmp_path: Path) -> None:
    with traced(tmp_path) as (traces, arrived):
        traces.record("one", 0.1, token="hidden", said="write to a@b.example", count=3, none=None)
        (span,) = arrived()
    assert said(span) == {"kiosk.token": "[removed]", "kiosk.said": "write to [removed]", "kiosk.count": 3}


def test_a_round_is_told_when_it_took_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as server:
        app = made_app(tmp_path, otlp_endpoint=base(server))
        monkeypatch.setattr(engine, "WORTH_A_SPAN", 3600.0)
        running(app).engine.round()
        monkeypatch.setattr(engine, "WORTH_A_SPAN", -1.0)
        running(app).engine.round()
        stop(app)
        assert [span.name for span in spans(server)].count("engine: round") == 1


def test_a_collector_that_is_not_there_keeps_nobody_waiting(tmp_path: Path) -> None:
    app = made_app(tmp_path, otlp_endpoint="http://127.0.0.1:9")
    assert app.test_client().get("/").status_code == 200


def test_without_an_endpoint_there_are_none_and_no_library_is_loaded(tmp_path: Path) -> None:
    assert traces_of(made_settings(tmp_path)) is None


def test_without_its_libraries_the_setting_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT needs .*charge-kiosk\[eyes\]"):
        traces_of(made_settings(tmp_path, otlp_endpoint="http://127.0.0.1:4318"))


@pytest.mark.parametrize(
    "address", ["collector:4318", "ftp://collector", "http://", "http://a/?key=1", "http://user@collector:4318"]
)
def test_an_endpoint_that_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        made_settings(tmp_path, otlp_endpoint=address)


def test_a_collector_in_the_same_network_needs_no_certificate(tmp_path: Path) -> None:
    assert made_settings(tmp_path, otlp_endpoint="http://collector:4318/").otlp_endpoint == "http://collector:4318"
