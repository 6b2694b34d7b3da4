"""The counters: what is counted, what is asked only when somebody looks, and who may look."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import responses
from flask import Flask

from kiosk.app import running
from kiosk.clock import ManualClock
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.commands import AskedBy, Command, CommandState, Kind
from kiosk.domain.session import Event
from kiosk.domain.status import Group
from kiosk.engine.engine import Engine
from kiosk.metrics import Metrics
from kiosk.outside import Transports, connect
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.store.database import Database
from kiosk.store.errors import Trouble, Unavailable
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.http import Outcome
from kiosk.upstream.plugchoice.budget import Budgets
from tests.engine.house import House
from tests.store.build import charging, later, opened, queued, stored, whole_end
from tests.web.built import made_app, made_settings

TOKEN = "a-token-for-the-monitoring"
HERE = {"REMOTE_ADDR": "127.0.0.1"}
AWAY = {"REMOTE_ADDR": "192.0.2.7"}


def samples(text: str) -> dict[str, float]:
    """`name{labels}` to value."""
    rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def read(metrics: Metrics) -> dict[str, float]:
    return samples(metrics.text().decode())


def test_a_call_is_counted_by_system_endpoint_and_outcome_and_timed() -> None:
    metrics = Metrics()
    note = metrics.on_call("plugchoice")
    note("get_session", Outcome.OK, 200, 0.2)
    note("get_session", Outcome.OK, 200, 3.0)
    note("start", Outcome.NO_ANSWER, None, 20.0)
    counted = read(metrics)
    labels = 'endpoint="get_session",outcome="ok",system="plugchoice"'
    assert counted[f"kiosk_upstream_calls_total{{{labels}}}"] == 2
    assert counted['kiosk_upstream_calls_total{endpoint="start",outcome="no_answer",system="plugchoice"}'] == 1
    seconds = {name: value for name, value in counted.items() if name.startswith("kiosk_upstream_call_seconds")}
    session = 'endpoint="get_session"'
    assert [value for name, value in seconds.items() if 'le="0.25"' in name and session in name] == [1]
    assert [value for name, value in seconds.items() if "_sum" in name and session in name] == [pytest.approx(3.2)]


def test_a_call_that_never_left_says_nothing_about_how_fast_the_other_side_is() -> None:
    metrics = Metrics()
    note = metrics.on_call("plugchoice")
    note("start", Outcome.BUDGET_SPENT, None, 0.0)
    note("start", Outcome.NOT_SENT, None, 3.0)
    counted = read(metrics)
    assert sum(value for name, value in counted.items() if name.startswith("kiosk_upstream_calls_total")) == 2
    assert not [name for name in counted if name.startswith("kiosk_upstream_call_seconds")]


def test_answers_429_are_counted_apart() -> None:
    metrics = Metrics()
    note = metrics.on_call("plugchoice")
    note("start", Outcome.REFUSED, 429, 0.1)
    note("start", Outcome.REFUSED, 409, 0.1)
    too_many = {name: value for name, value in read(metrics).items() if "too_many_requests_total" in name}
    assert too_many == {'kiosk_upstream_too_many_requests_total{endpoint="start",system="plugchoice"}': 1}


def test_every_event_stands_there_as_zero_before_it_happens() -> None:
    metrics = Metrics(events=[event.value for event in Event])
    metrics.on_event(Event.ENERGY_FELL)
    counted = read(metrics)
    for event in Event:
        assert counted[f'kiosk_session_events_total{{event="{event.value}"}}'] == (event is Event.ENERGY_FELL)


def test_two_kiosks_in_one_process_do_not_add_up() -> None:
    one, other = Metrics(events=["status"]), Metrics(events=["status"])
    one.on_event(Event.STATUS)
    assert read(other)['kiosk_session_events_total{event="status"}'] == 0


def broken(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no way out")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return made_app(tmp_path)


def counted_by(app: Flask) -> dict[str, float]:
    metrics: Metrics = app.extensions["kiosk.metrics"]
    return read(metrics)


def test_the_store_is_counted_when_somebody_looks(app: Flask) -> None:
    store = running(app).store
    assert counted_by(app)['kiosk_sessions{group="running"}'] == 0
    key = opened(store)
    store.observe(key, charging(60), source="read")
    ended = opened(store, queued("key-2", connector_id=2), token="token-2")
    store.observe(ended, whole_end(60), source="read")
    stored(store, queued("key-3", connector_id=3))
    asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(70))
    store.claim(asked.id, later(71))
    store.finish(asked.id, CommandState.UNKNOWN, later(-120), detail="no answer")
    counted = counted_by(app)
    groups = {"queued", *(group.value for group in Group)}
    assert {group: counted[f'kiosk_sessions{{group="{group}"}}'] for group in groups} == {
        group: float(group in {"queued", "running"}) for group in groups
    }
    assert counted["kiosk_commands_waiting"] == 1
    assert counted["kiosk_oldest_unknown_command_seconds"] == 120


def test_without_an_unknown_command_its_age_is_0(app: Flask) -> None:
    assert counted_by(app)["kiosk_oldest_unknown_command_seconds"] == 0


def test_the_room_of_a_budget_is_asked_when_somebody_looks(app: Flask) -> None:
    name = 'kiosk_budget_room{endpoint="start"}'
    assert counted_by(app)[name] == 3
    outside = running(app).outside
    with pytest.raises(UpstreamError):
        outside.public.start("ABC", 1)
    assert counted_by(app)[name] < 3


ALL: dict[str, Any] = {
    "plugchoice_token": "operator-hidden",
    "chargepilot_url": "https://pilot.example/rest/v1",
    "chargepilot_key": "key-hidden",
    "chargepilot_secret": "hidden",
    "ocpplab_url": "https://lab.example",
    "ocpplab_token": "lab-hidden",
    "stripe_api_key": "rk_test_hidden",
}


def test_each_client_tells_of_its_calls_under_the_name_of_its_system(tmp_path: Path) -> None:
    """No system answers here: what counts is that every call is counted, and for whom."""
    nowhere = httpx.MockTransport(broken)
    metrics = Metrics()
    transports = Transports(public=nowhere, operator=nowhere, pilot=nowhere, lab=nowhere, pictures=False)
    settings = made_settings(tmp_path, **ALL)
    outside = connect(settings, ManualClock(), Budgets(), transports, metrics.on_call)
    assert outside.operator is not None
    assert outside.pilot is not None
    assert outside.lab is not None
    assert outside.proofs is not None
    calls: list[Callable[[], object]] = [
        lambda: outside.public.get_charger("ABC"),
        outside.operator.sites,
        outside.pilot.sites,
        outside.lab.chargers,
        partial(outside.proofs.proof, "pi_1", "acct_1"),
    ]
    with responses.RequestsMock() as stripe:
        stripe.get("https://api.stripe.com/v1/payment_intents/pi_1", body=ConnectionError("no way out"))
        for call in calls:
            with pytest.raises(UpstreamError):
                call()
    outside.close()
    found = [re.search(r'^kiosk_upstream_calls_total\{.*system="(\w+)"', name) for name in read(metrics)]
    assert {one[1] for one in found if one} == {"plugchoice", "plugchoice_operator", "chargepilot", "ocpplab", "stripe"}


def ask(app: Flask, sent: dict[str, str] | None = None, environ: dict[str, str] = HERE) -> int:
    """How the counters are answered. The state of the duties is shown to the same machines, and to no others."""
    client = app.test_client()
    counters = client.get("/metrics", headers=sent, environ_overrides=environ).status_code
    duties = client.get("/readyz?verbose", headers=sent, environ_overrides=environ).status_code
    assert (counters == 404) == (duties == 404)
    return counters


def test_this_machine_may_see_the_counters(app: Flask) -> None:
    answer = app.test_client().get("/metrics", environ_overrides=HERE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    assert samples(answer.text)["kiosk_commands_waiting"] == 0


def test_another_machine_sees_nothing(app: Flask) -> None:
    assert ask(app, environ=AWAY) == 404
    assert ask(app, {"Authorization": "Bearer "}, AWAY) == 404


@pytest.mark.parametrize(
    "sent",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"CF-Connecting-IP": "127.0.0.1"},
        {"True-Client-IP": "127.0.0.1"},
        {"Host": "127.evil.example"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "charge.example"},
    ],
)
@pytest.mark.parametrize("hops", [0, 1])
def test_a_proxy_on_this_machine_does_not_open_it_to_the_world(tmp_path: Path, sent: dict[str, str], hops: int) -> None:
    app = made_app(tmp_path, trusted_proxies=hops)
    assert ask(app) == 200
    assert ask(app, sent) == 404


def test_with_a_token_only_the_token_opens_it(tmp_path: Path) -> None:
    app = made_app(tmp_path, metrics_token=TOKEN)
    assert ask(app, {"Authorization": f"Bearer {TOKEN}"}, AWAY) == 200
    assert ask(app, {"Authorization": f"Bearer {TOKEN}x"}, AWAY) == 404
    assert ask(app, {"Authorization": "Bearer \xfcn\xefcode"}, AWAY) == 404
    assert ask(app) == 404


def test_every_counter_is_documented(app: Flask) -> None:
    metrics: Metrics = app.extensions["kiosk.metrics"]
    metrics.on_call("plugchoice")("start", Outcome.REFUSED, 429, 0.1)
    running(app).store.observe(opened(running(app).store), charging(60), source="read")
    running(app).engine.round()
    page = (Path(__file__).parent.parent / "docs" / "evidence.md").read_text(encoding="utf-8")
    names = {name.partition("{")[0] for name in counted_by(app)}
    kinds = {re.sub("_(bucket|count|sum)$", "", name) for name in names if not name.endswith("_created")}
    assert set(re.findall(r"^\| `(kiosk_\w+)` \|", page, re.M)) == kinds


def test_how_a_command_ended_is_counted_by_kind_and_a_start_by_its_reason_too() -> None:
    metrics = Metrics()
    metrics.on_command("stop", "done", 4.0)
    metrics.on_command("start", "refused", 1.0, "charger_offline")
    metrics.on_command("start", "done", -3.0)  # the clock was set back meanwhile
    counted = read(metrics)
    assert counted['kiosk_command_seconds_count{kind="stop",outcome="done"}'] == 1
    assert counted['kiosk_command_seconds_sum{kind="start",outcome="done"}'] == 0
    assert {name: value for name, value in counted.items() if name.startswith("kiosk_starts_total")} == {
        'kiosk_starts_total{outcome="charger_offline"}': 1,
        'kiosk_starts_total{outcome="done"}': 1,
    }


def test_what_a_command_that_was_sent_comes_to_is_counted_by_the_engine(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    key = opened(running(app).store)
    clock = app.extensions["kiosk"].clock
    asked = running(app).store.ask(key, Kind.STOP, AskedBy.DRIVER, clock.now())
    running(app).store.claim(asked.id, clock.now())
    running(app).engine.round()  # it was left sent by somebody who is dead
    running(app).engine.stop()
    assert counted_by(app)['kiosk_command_seconds_count{kind="stop",outcome="unknown"}'] == 1


def test_holds_and_figures_and_what_needs_a_person_are_told_with_their_ages(app: Flask) -> None:
    store = running(app).store
    nobody = counted_by(app)
    assert (nobody["kiosk_holds"], nobody["kiosk_oldest_hold_seconds"]) == (0, 0)
    assert not [name for name in nobody if name.startswith("kiosk_figure_age_seconds")]
    for number in range(20):
        key = opened(store, queued(f"key-{number}", connector_id=number + 1), token=f"token-{number}")
        store.observe(key, charging(60), source="read")
    now = app.extensions["kiosk"].clock.now()
    matter = Matter(Attention.HOLD_OVERDUE, "key-1", "7MK4T", now - timedelta(hours=2), Act.READ)
    store.keep_exceptions([matter], ["key-1"], now)
    counted = counted_by(app)
    sessions = store.sessions_to_watch()
    ages = sorted((now - one.fresh_at).total_seconds() for one in sessions if one.fresh_at is not None)
    assert len(ages) == 20
    assert counted["kiosk_holds"] == 20
    held = [one.held_seen_at for one in sessions if one.held_seen_at is not None]
    assert counted["kiosk_oldest_hold_seconds"] == max(0, (now - min(held)).total_seconds())
    assert counted['kiosk_figure_age_seconds{share="0.95"}'] == max(0, ages[18])
    assert counted['kiosk_figure_age_seconds{share="1"}'] == max(0, ages[19])
    assert counted['kiosk_attention{level="loud"}'] == 1
    assert counted['kiosk_attention{level="alarm"}'] == 0
    assert counted["kiosk_oldest_attention_seconds"] == 7200


def test_without_its_database_a_kiosk_still_tells_what_it_has_counted_itself(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_database: Database) -> object:
        raise Unavailable(Trouble.AWAY)

    assert counted_by(app)["kiosk_store_answers"] == 1
    monkeypatch.setattr(Database, "read", away)
    counted = counted_by(app)
    assert counted["kiosk_store_answers"] == 0
    assert "kiosk_sessions" not in {name.partition("{")[0] for name in counted}
    assert counted['kiosk_budget_limit{endpoint="start"}'] == 3


def test_who_leads_tells_of_its_duties(app: Flask) -> None:
    before = counted_by(app)
    assert (before["kiosk_leading"], before["kiosk_engine_alive"]) == (0, 0)
    assert not [name for name in before if name.startswith("kiosk_duty_last_run_seconds")]
    running(app).engine.round()
    after = counted_by(app)
    assert (after["kiosk_leading"], after["kiosk_engine_alive"], after["kiosk_store_takes_writes"]) == (1, 1, 1)
    assert after['kiosk_duty_last_run_seconds{duty="send"}'] == 0
    assert {after[f'kiosk_duty_{what}{{duty="send"}}'] for what in ("late", "failing", "jobs_aside")} == {0}


def test_a_counter_that_fails_costs_no_command_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken_counter(_command: Command) -> None:
        raise RuntimeError("no")

    house = House(tmp_path)
    house.engine = Engine(replace(house.context, on_command=broken_counter), inline=True)
    key = house.charging()
    house.ask(key, Kind.STOP)
    house.run(90)
    assert house.session(key).final
    assert "a command was not counted" in caplog.text
    house.close()


def test_a_command_that_waits_again_has_not_ended(tmp_path: Path) -> None:
    ended: list[Command] = []
    house = House(tmp_path)
    house.engine = Engine(replace(house.context, on_command=ended.append), inline=True)
    house.faults.add(Rule(Fault.TOO_MANY, "start", retry_after=30))
    house.request()
    house.run(5)
    assert (house.answered("start", 429), ended) == (1, [])
    house.close()


def test_open_streams_are_counted(app: Flask) -> None:
    with running(app).news.subscribe("session:x"), running(app).news.subscribe("session:y"):
        assert counted_by(app)["kiosk_streams"] == 2
    assert counted_by(app)["kiosk_streams"] == 0


def test_no_label_names_a_session_a_charger_or_an_address(app: Flask) -> None:
    store = running(app).store
    opened(store, queued(code="SECRETCODE"))
    text = app.extensions["kiosk.metrics"].text().decode()
    assert "SECRETCODE" not in text
    assert "key-1" not in text
