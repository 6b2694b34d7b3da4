"""OCPPLAB's stand-in: the world's chargers as virtual ones, new ones, commands that act on the world, logs, faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from kiosk.sandbox.chargepilot.gateway import fuse_tree
from kiosk.sandbox.ocpplab.fleet import LOCATION_ID, LabSwitches
from kiosk.sandbox.ocpplab.gateway import NO_HAND, create_ocpplab_app
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Kind, Rule
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.ocpplab import commands as lab
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.commands import ChargerChange, LabCommand, NewCharger, Target
from kiosk.upstream.ocpplab.log import LogEntry
from kiosk.upstream.ocpplab.reading import Stage
from tests.sandbox.ocpplab import orders
from tests.sandbox.sandbox_garage import AC, DC, Garage

BEARER = "lab-token-of-a-tenant"
BASE = "http://lab.example"
POST = Target(f"dep-{AC.lower()}")
NEW = NewCharger("N3W22", "example", "post-22", "Type2", "wss://user:hunter2@office.example/ws")


def app_of(garage: Garage, switches: LabSwitches | None = None, faults: Faults | None = None, **more: Any) -> Any:
    return create_ocpplab_app(garage.world, BEARER, faults=faults, switches=switches, **more)


@contextmanager
def client(
    garage: Garage,
    switches: LabSwitches | None = None,
    *,
    faults: Faults | None = None,
    token: str = BEARER,
    prefix: str = "/ocpp",
) -> Iterator[Ocpplab]:
    """The kiosk's own client."""
    transport: httpx.BaseTransport = httpx.WSGITransport(app_of(garage, switches, faults))
    if faults is not None:
        transport = FaultyTransport(transport, faults, lambda _method, _path: "charger")
    made = Ocpplab(BASE, token, clock=garage.clock, prefix=prefix, transport=transport)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def raw(garage: Garage, switches: LabSwitches | None = None) -> Iterator[httpx.Client]:
    transport = httpx.WSGITransport(app_of(garage, switches))
    with httpx.Client(
        transport=transport, base_url=f"{BASE}/ocpp/", headers={"Authorization": f"Bearer {BEARER}"}
    ) as http:
        yield http


def refused(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as failed:
        call()
    return failed.value


# --- who may ask, and where


def test_a_wrong_token_is_refused(garage: Garage) -> None:
    with client(garage, token="another-token") as api:
        assert refused(api.chargers).status == 401


def test_no_token_is_refused_with_a_detail(garage: Garage) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app_of(garage)), base_url=BASE) as http:
        answer = http.get("/ocpp/chargers")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


@pytest.mark.parametrize("prefix", ["", "/ocpp", "/evcharger"])
def test_the_prefix_is_a_switch(garage: Garage, prefix: str) -> None:
    transport = httpx.WSGITransport(app_of(garage, prefix=prefix))
    api = Ocpplab(BASE, BEARER, clock=garage.clock, prefix=prefix, transport=transport)
    assert len(api.all_chargers()) == 2
    api.close()


def test_another_prefix_is_not_found(garage: Garage) -> None:
    with client(garage, prefix="/evcharger") as api:
        assert refused(api.chargers).status == 404


# --- the world's chargers


def test_the_chargers_are_those_of_the_world(garage: Garage) -> None:
    with client(garage) as api:
        post, tower = api.all_chargers()
        assert api.charger(post.id) == post
    assert (post.identity, post.connector_count, post.location_id) == (AC, 2, LOCATION_ID)
    assert (tower.identity, tower.facts.max_kw, tower.facts.connector_type) == (DC, Decimal(150), "CCS2")
    assert post.facts.name == "Charger 2"
    assert post.facts.image_url is not None


def test_pages_are_counted_from_one(garage: Garage) -> None:
    with client(garage) as api:
        first, second = api.chargers(1, 1), api.chargers(2, 1)
        assert (first.total, first.next_page, second.next_page) == (2, 2, None)
        assert [page.chargers[0].identity for page in (first, second)] == [AC, DC]
        assert api.chargers(location_id="loc-9").chargers == ()


@pytest.mark.parametrize("query", ["page=0", "limit=0", "limit=101", "limit=many", "page=%C2%B2"])
def test_a_page_that_cannot_be_is_a_422_with_a_list(garage: Garage, query: str) -> None:
    with raw(garage) as http:
        answer = http.get(f"chargers?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", query.split("=")[0]]


def test_an_unknown_charger_is_not_found(garage: Garage) -> None:
    with client(garage) as api:
        for call in (api.charger, api.status, api.delete, api.start_runtime):
            assert refused(lambda call=call: call("dep-nobody")).status == 404  # type: ignore[misc]


@pytest.mark.parametrize(("word", "stage"), [("READY", Stage.READY), (None, None)])
def test_a_charger_that_was_always_there_is_ready_or_null(garage: Garage, word: Any, stage: Stage | None) -> None:
    with client(garage, LabSwitches(status_of_old=word)) as api:
        assert api.status(POST.charger_id or "").stage is stage


def test_an_update_changes_what_the_lab_says(garage: Garage) -> None:
    with client(garage) as api:
        changed = api.update(POST.charger_id or "", ChargerChange(name="Bay A", connector_type="Type1"))
        assert (changed.facts.name, changed.facts.connector_type) == ("Bay A", "Type1")
        assert api.charger(changed.id) == changed
        assert refused(lambda: api.update(changed.id, ChargerChange())).status == 400
        assert refused(lambda: api.update(changed.id, ChargerChange(location_id="loc-9"))).status == 404
        assert refused(lambda: api.update(changed.id, ChargerChange(name=""))).status == 422


# --- new chargers


def test_a_new_charger_joins_the_world_after_a_while(garage: Garage) -> None:
    with client(garage) as api:
        made = api.create(NEW)
        assert made.stage is Stage.PROVISIONING
        assert api.status(made.charger_id).stage is Stage.PENDING
        assert garage.world.charger("N3W22") is None
        ready = api.wait_until_ready(made.charger_id, garage.clock, garage.clock.now() + timedelta(seconds=60))
        assert ready.stage is Stage.READY
        assert ready.provisioned_at == garage.clock.now()
    joined = garage.world.charger("N3W22")
    assert joined is not None
    assert [each.status for each in joined.connectors] == ["Available", "Available"]
    garage.begin("N3W22", 1)  # and can be sold


def test_an_identity_that_is_no_public_code_gets_one(garage: Garage) -> None:
    with client(garage) as api:
        made = api.create(
            NewCharger("CP-FAST-201", "abb", "terra-184", "CCS2", "wss://x.example", charge_point_name="X")
        )
        api.wait_until_ready(made.charger_id, garage.clock, garage.clock.now() + timedelta(seconds=60))
        assert api.charger(made.charger_id).identity == "CP-FAST-201"
        assert len(api.all_chargers()) == 3
    (joined,) = garage.world.chargers()[2:]
    assert joined.spec.name == "X"
    (cabinet, _roof) = fuse_tree([joined.spec], garage.clock.now())["children"]
    bay = cabinet["children"][0]["parameters"]["connectors"][0]
    assert bay["charging_station_id"] == "CP-FAST-201"


def test_a_provisioning_that_fails_says_why_and_nothing_joins(garage: Garage) -> None:
    with client(garage, LabSwitches(fails_with="no_capacity", fails_retryable=False)) as api:
        made = api.create(NEW)
        ended = api.wait_until_ready(made.charger_id, garage.clock, garage.clock.now() + timedelta(seconds=60))
        assert ended.stage is Stage.FAILED
        assert ended.error is not None
        assert (ended.error.said_code, ended.error.code, ended.error.retryable) == (
            "no_capacity",
            "unknown_error",
            False,
        )
        assert refused(lambda: api.start_runtime(made.charger_id)).status == 422
        answer = api.command(Target(made.charger_id), lab.plug_connector(1))
        assert (answer.queued, answer.failed[0].error) == ((), "the charger is not ready")
        api.delete(made.charger_id)
        assert len(api.all_chargers()) == 2
    assert len(garage.world.chargers()) == 2


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"brand_slug": "nobody"}, 404),
        ({"connector_type": "Schuko"}, 400),
        ({"location_id": "loc-9"}, 404),
        ({"identity": AC}, 400),
        ({"identity": ""}, 422),
    ],
)
def test_a_create_that_cannot_be_is_refused(garage: Garage, changes: dict[str, str], status: int) -> None:
    with client(garage) as api:
        assert refused(lambda: api.create(NewCharger(**{**NEW.wire(), **changes}))).status == status  # type: ignore[arg-type]


def test_a_422_repeats_what_was_sent_and_the_client_does_not(garage: Garage) -> None:
    with raw(garage) as http:
        sent = {"ws_url": NEW.ws_url, "identity": 5}
        answer = http.post("chargers", json=sent)
        assert "hunter2" in answer.text
        assert [each["loc"][-1] for each in answer.json()["detail"]] == [
            "brand_slug",
            "model_slug",
            "connector_type",
            "identity",
        ]
    with client(garage) as api:
        failed = refused(lambda: api.create(NewCharger("", "abb", "", "CCS2", NEW.ws_url)))
    assert failed.message == "identity: Input should be a valid string; model_slug: Input should be a valid string"


@pytest.mark.parametrize("body", [b"", b"no", b"[1]"])
def test_a_body_that_is_no_object_is_a_422(garage: Garage, body: bytes) -> None:
    with raw(garage) as http:
        assert http.post("chargers", content=body).status_code == 422


def test_a_deleted_charger_loses_its_connection_and_stays_on_record(garage: Garage) -> None:
    with client(garage) as api:
        api.delete(POST.charger_id or "")
        assert [each.identity for each in api.all_chargers()] == [DC]
        assert refused(lambda: api.charger(POST.charger_id or "")).status == 404
    view = garage.world.charger(AC)
    assert view is not None
    assert not view.online


# --- the runtime


def online(garage: Garage) -> bool:
    view = garage.world.charger(AC)
    return view is not None and view.online


def actions(api: Ocpplab, event: str | None = None) -> list[str | None]:
    return [each.action for each in api.logs(POST.charger_id or "", event=event).entries]


def test_the_runtime_is_the_connection(garage: Garage) -> None:
    with client(garage) as api:
        queued = api.stop_runtime(POST.charger_id or "")
        assert (queued.event_type, online(garage)) == ("stop_charger", False)
        api.start_runtime(POST.charger_id or "")
        assert online(garage)
        api.restart_runtime(POST.charger_id or "")
        assert online(garage)
        assert actions(api, "BootNotification") == ["BootNotification"] * 3


# --- commands


def test_a_whole_charge_is_played_with_commands(garage: Garage) -> None:
    with client(garage) as api:
        token = garage.begin()
        garage.pay(token)
        garage.world.confirm(token)
        answer = api.command(POST, lab.plug_connector(1))
        assert (answer.targeted, [each.event_type for each in answer.queued]) == (1, ["plug_connector"])
        garage.until(token, "charging")
        garage.wait(60, step=5)
        api.command(POST, lab.ev_requests_energy(1))
        assert garage.connector_status() == "Charging"
        api.command(POST, orders.ev_stops_energy(1))
        garage.wait(10)
        assert garage.connector_status() == "SuspendedEV"
        api.command(POST, lab.stop_session(1))
        assert garage.connector_status() == "Available"
        garage.until(token, "captured")
        told = api.logs(POST.charger_id or "", limit=1000).entries
    meters = {each.action: each.payload for each in told if each.action in {"StartTransaction", "StopTransaction"}}
    start, stop = meters["StartTransaction"], meters["StopTransaction"]
    assert start is not None
    assert stop is not None
    assert int(str(stop["meterStop"])) - int(str(start["meterStart"])) == garage.session(token).energy_wh
    assert stop["reason"] == "Local"


def test_unplugging_ends_a_charge(garage: Garage) -> None:
    token = garage.charging()
    with client(garage) as api:
        api.command(POST, lab.unplug_connector(1))
    assert garage.status(token) == "settling"
    assert garage.connector_status() == "Available"


def test_a_transaction_is_stopped_by_its_number(garage: Garage) -> None:
    token = garage.charging()
    (running,) = garage.world.transactions()
    with client(garage, LabSwitches(impossible="failed")) as api:
        assert api.command(POST, orders.stop_transaction("999")).failed[0].error == "no such transaction"
        assert garage.status(token) == "charging"
        assert api.command(POST, orders.stop_transaction(str(running.id))).failed == ()
        assert garage.connector_status() == "Finishing"
        assert api.command(POST, orders.stop_transaction()).failed[0].error == "no such transaction"


def test_a_session_can_be_stopped_before_it_charges(garage: Garage) -> None:
    garage.world.plug_in(AC, 1)
    with client(garage) as api:
        api.command(POST, lab.stop_session())
    assert garage.connector_status() == "Available"


def test_a_fault_comes_and_goes(garage: Garage) -> None:
    with client(garage) as api:
        assert api.command(POST, orders.inject_fault("OverCurrent", 2)).status == "Faulted"
        assert garage.connector_status(AC, 2) == "Faulted"
        newest = api.logs(POST.charger_id or "", event="StatusNotification", limit=1).entries[0]
        assert newest.payload is not None
        assert newest.payload["errorCode"] == "OverCurrent"
        garage.clock.advance(1)
        assert api.command(POST, orders.clear_fault(2)).status == "Available"
        found = api.connector_status(POST.charger_id or "", 2)
        assert found is not None
        assert (found.word, garage.connector_status(AC, 2)) == ("Available", "Available")


def test_a_fault_without_a_type_is_another_error(garage: Garage) -> None:
    with client(garage) as api:
        api.command(POST, orders.inject_fault("", 1))
        newest = api.logs(POST.charger_id or "", event="StatusNotification", limit=1).entries[0]
    assert newest.payload is not None
    assert newest.payload["errorCode"] == "OtherError"


@pytest.mark.parametrize(
    "command",
    [
        lab.unplug_connector(1),
        lab.ev_requests_energy(1),
        orders.ev_stops_energy(1),
        lab.stop_session(1),
        lab.plug_connector(9),
        lab.ev_requests_energy(9),
    ],
)
def test_what_cannot_be_done_now_is_queued_without_effect_or_failed(garage: Garage, command: LabCommand) -> None:
    with client(garage) as api:
        if command.event["connector_id"] == 1:
            assert len(api.command(POST, command).queued) == 1
            assert garage.connector_status() == "Available"
    with client(garage, LabSwitches(impossible="failed")) as api:
        answer = api.command(POST, command)
        assert (answer.queued, answer.failed[0].identity) == ((), AC)


def test_a_fault_that_cannot_be_injected_is_a_400(garage: Garage) -> None:
    with client(garage, LabSwitches(impossible="failed")) as api:
        assert refused(lambda: api.command(POST, orders.clear_fault(9))).status == 400


def test_a_car_that_has_stopped_cannot_be_made_to_ask_again(garage: Garage) -> None:
    garage.charging(car="timer")
    with client(garage) as api:
        assert refused(lambda: api.command(POST, lab.ev_requests_energy(1))).status == 422


def test_what_the_world_has_no_hand_for_is_a_422(garage: Garage) -> None:
    commands = [
        orders.authorize_id_tag("CARD7"),
        orders.reset_auth_cache(),
        orders.clear_local_auth_list(),
        orders.configuration({"a": "b"}),
        orders.local_auth_list(1),
        orders.proxy_message("heartbeat", "ocpp1.6", {}),
        orders.unlock_connector(1),
    ]
    assert {each.path for each in commands} == NO_HAND
    with client(garage) as api:
        for command in commands:
            failed = refused(lambda command=command: api.command(POST, command))  # type: ignore[misc]
            assert (failed.status, failed.message) == (422, f"The stand-in world has no hand for {command.path}")


def power_w(garage: Garage, number: int = 1) -> int:
    charger = garage.world.charger(AC)
    assert charger is not None
    return charger.connectors[number - 1].power_w


def test_another_drivers_session_is_started_by_a_card(garage: Garage) -> None:
    with client(garage) as api:
        assert api.command(POST, orders.start_session("CARD7", 1)).failed == ()
    (begun,) = garage.world.transactions()
    assert (begun.code, begun.connector_id, begun.id_tag, begun.token) == (AC, 1, "CARD7", None)
    assert garage.connector_status() == "Charging"


def test_a_bare_transaction_needs_a_car_that_is_plugged_in(garage: Garage) -> None:
    with client(garage, LabSwitches(impossible="failed")) as api:
        assert api.command(POST, orders.start_transaction("CARD7", 1)).failed[0].error == "the connector is not ready"
        garage.world.plug_in(AC, 1, "family")
        assert api.command(POST, orders.start_transaction("CARD7", 1)).failed == ()
    assert garage.connector_status() == "Charging"


def test_a_card_does_not_take_the_bay_of_a_public_session(garage: Garage) -> None:
    garage.begin()
    with client(garage, LabSwitches(impossible="failed")) as api:
        answer = api.command(POST, orders.start_session("CARD7", 1))
    assert answer.failed[0].error == "a public session keeps this connector"
    assert garage.world.transactions() == ()


def test_a_session_that_is_to_end_by_itself_is_not_pretended(garage: Garage) -> None:
    with client(garage) as api:
        assert refused(lambda: api.command(POST, orders.start_session("CARD7", 1, duration_seconds=60))).status == 422
        assert refused(lambda: api.command(POST, orders.start_session("", 1))).status == 422
    assert garage.connector_status() == "Available"


def test_the_offered_power_is_changed_while_a_car_charges(garage: Garage) -> None:
    token = garage.charging(car="van")
    with client(garage) as api:
        api.command(POST, orders.power_update(7400, 1))
        assert power_w(garage) == 7400
        before = garage.session(token).energy_wh or 0
        garage.wait(3600)
        assert (garage.session(token).energy_wh or 0) - before == pytest.approx(7400, abs=25)
        api.command(POST, orders.power_update(3000, 1))
        assert (power_w(garage), garage.connector_status()) == (0, "SuspendedEVSE")
        api.command(POST, orders.power_update(22_000, 1))
        assert (power_w(garage), garage.connector_status()) == (22_000, "Charging")
        assert refused(lambda: api.command(POST, orders.power_update(-1, 1))).status == 422


def test_a_command_for_a_location_reaches_its_chargers(garage: Garage) -> None:
    with client(garage) as api:
        answer = api.command(Target(location_id=LOCATION_ID), lab.plug_connector(1))
        assert (answer.targeted, len(answer.queued)) == (2, 2)
        one = Target(location_id=LOCATION_ID, charger_ids=(f"dep-{DC.lower()}",))
        assert api.command(one, lab.unplug_connector(1)).targeted == 1
    assert (garage.connector_status(AC), garage.connector_status(DC)) == ("Preparing", "Available")


@pytest.mark.parametrize(
    ("accepted", "target", "status"),
    [
        ("deployment", POST.charger_id, 200),
        ("deployment", AC, 404),
        ("identity", POST.charger_id, 404),
        ("identity", AC, 200),
        ("either", POST.charger_id, 200),
        ("either", AC, 200),
    ],
)
def test_which_id_a_target_takes_is_a_switch(garage: Garage, accepted: Any, target: str, status: int) -> None:
    with client(garage, LabSwitches(target_id=accepted)) as api:
        if status == 200:
            assert len(api.command(Target(target), lab.plug_connector(1)).queued) == 1
        else:
            assert refused(lambda: api.command(Target(target), lab.plug_connector(1))).status == status


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_single_command_may_be_answered_alone(garage: Garage, status: int) -> None:
    with client(garage, LabSwitches(single_answer="command", command_status=status)) as api:
        answer = api.command(POST, lab.plug_connector(1))
    assert (answer.targeted, answer.queued[0].event_type) == (None, "plug_connector")


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("plug-connector", {"event": {}}, ["body", "target"]),
        ("plug-connector", {"target": {"charger_id": "dep-1"}}, ["body", "event"]),
        ("plug-connector", {"target": {}, "event": {}}, ["body", "target"]),
        ("plug-connector", {"target": {"charger_id": "a", "location_id": "b"}, "event": {}}, ["body", "target"]),
        (
            "plug-connector",
            {"target": {"charger_id": "a", "charger_ids": ["b"]}, "event": {}},
            ["body", "target", "charger_ids"],
        ),
        (
            "plug-connector",
            {"target": {"charger_id": "a"}, "event": {"connector_id": "one"}},
            ["body", "event", "connector_id"],
        ),
        ("inject-fault", {"target": {"location_id": LOCATION_ID}, "event": {}}, ["body", "target", "charger_id"]),
    ],
)
def test_a_command_that_cannot_be_is_a_422_with_a_list(
    garage: Garage, path: str, body: dict[str, Any], where: list[str]
) -> None:
    with raw(garage) as http:
        answer = http.post(f"commands/{path}", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, where)


def test_an_unknown_place_is_not_found(garage: Garage) -> None:
    with client(garage) as api:
        assert refused(lambda: api.command(Target("dep-9"), lab.plug_connector(1))).status == 404
        assert refused(lambda: api.command(Target(location_id="loc-9"), lab.plug_connector(1))).status == 404


# --- logs


def status_of(garage: Garage, switches: LabSwitches) -> str | None:
    with client(garage, switches) as api:
        api.command(POST, lab.plug_connector(1))
        garage.clock.advance(5)
        api.command(POST, lab.unplug_connector(1))
        garage.clock.advance(5)
        api.command(POST, lab.plug_connector(1))
        found = api.connector_status(POST.charger_id or "", 1)
    return found.word if found else None


@pytest.mark.parametrize(
    ("switches", "word"),
    [
        (LabSwitches(), "Preparing"),
        (LabSwitches(newest_first=False), "Preparing"),
        (LabSwitches(message="object"), "Preparing"),
        (LabSwitches(message="null"), None),
        (LabSwitches(message="malformed"), None),
    ],
)
def test_the_status_is_told_by_the_log_or_unknown(garage: Garage, switches: LabSwitches, word: str | None) -> None:
    assert status_of(garage, switches) == word


def test_a_log_is_paged_and_filtered(garage: Garage) -> None:
    with client(garage) as api:
        garage.charging()
        garage.wait(30, step=10)
        every = api.logs(POST.charger_id or "", limit=1000)
        assert every.total == len(every.entries)
        pieces: list[LogEntry] = []
        offset = 0
        while True:
            page = api.logs(POST.charger_id or "", limit=2, offset=offset)
            pieces += page.entries
            if page.next_offset is None:
                break
            offset = page.next_offset
        assert tuple(pieces) == every.entries
        assert set(actions(api, "MeterValues")) == {"MeterValues"}
        newest = every.newest_at
        assert newest is not None
        assert api.logs(POST.charger_id or "", start=newest + timedelta(seconds=1)).entries == ()
        assert len(api.logs(POST.charger_id or "", start=newest).entries) >= 1
        assert api.logs(POST.charger_id or "", end=newest - timedelta(hours=1)).entries == ()


def test_a_charger_without_a_connection_tells_its_charge_later(garage: Garage) -> None:
    garage.charging()
    with client(garage) as api:
        api.stop_runtime(POST.charger_id or "")
        garage.world.stop_at_charger(AC, 1)
        garage.wait(20)
        assert "StopTransaction" not in actions(api)
        api.start_runtime(POST.charger_id or "")
        assert "StopTransaction" in actions(api)


def test_the_log_of_nobody_is_empty(garage: Garage) -> None:
    with client(garage) as api:
        assert api.logs("dep-nobody").total == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "start_date=soon"])
def test_a_log_that_cannot_be_is_a_422(garage: Garage, query: str) -> None:
    with raw(garage) as http:
        assert http.get(f"chargers/{POST.charger_id}/logs?{query}").status_code == 422


def test_a_date_without_a_zone_is_utc(garage: Garage) -> None:
    with raw(garage) as http:
        http.get("chargers")
        day = garage.clock.now().date().isoformat()
        assert http.get(f"chargers/{POST.charger_id}/logs?start_date={day}T00:00:00").json()["total"] > 0
        assert http.get(f"chargers/{POST.charger_id}/logs?end_date={day}").json()["total"] == 0


# --- bad days


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (Kind.SERVER_ERROR, NoAnswer),
        (Kind.BAD_GATEWAY, NoAnswer),
        (Kind.TOO_MANY, Refused),
        (Kind.TRUNCATED, NoAnswer),
        (Kind.HTML, NoAnswer),
        (Kind.EMPTY, NoAnswer),
        (Kind.UNREACHABLE, NotSent),
        (Kind.DROPPED, NoAnswer),
        (Kind.TIMEOUT, NoAnswer),
    ],
)
def test_each_fault_ends_in_our_own_errors_and_then_is_over(
    garage: Garage, kind: Kind, outcome: type[UpstreamError]
) -> None:
    faults = Faults()
    faults.add(Rule(kind))
    with client(garage, faults=faults) as api:
        with pytest.raises(outcome):
            api.chargers()
        assert len(api.all_chargers()) == 2


@pytest.mark.parametrize(("after_effect", "status"), [(True, "Preparing"), (False, "Available")])
def test_a_lost_answer_may_come_after_the_effect(garage: Garage, after_effect: bool, status: str) -> None:
    faults = Faults()
    faults.add(Rule(Kind.SERVER_ERROR, after_effect=after_effect))
    with client(garage, faults=faults) as api, pytest.raises(NoAnswer):
        api.command(POST, lab.plug_connector(1))
    assert garage.connector_status() == status


def test_a_slow_answer_comes_late(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.LATENCY, seconds=40))
    before = garage.clock.now()
    with client(garage, faults=faults) as api:
        assert len(api.all_chargers()) == 2
    assert garage.clock.now() - before == timedelta(seconds=40)


def test_a_fault_of_sessions_is_not_played_here(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.ENERGY_FALLS))
    with client(garage, faults=faults) as api:
        assert len(api.all_chargers()) == 2
    assert len(faults.waiting()) == 1


@pytest.mark.parametrize(("after_effect", "status"), [(True, "Preparing"), (False, "Available")])
def test_a_real_server_cuts_the_connection(garage: Garage, after_effect: bool, status: str) -> None:
    faults = Faults()
    faults.add(Rule(Kind.DROPPED, after_effect=after_effect))
    server = make_server("127.0.0.1", 0, app_of(garage, faults=faults), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    api = Ocpplab(f"http://127.0.0.1:{server.server_port}", BEARER, clock=garage.clock)
    try:
        with pytest.raises(NoAnswer):
            api.command(POST, lab.plug_connector(1))
        assert garage.connector_status() == status
        assert len(api.all_chargers()) == 2
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_mounted_elsewhere_the_status_has_its_whole_path(garage: Garage) -> None:
    mounted = DispatcherMiddleware(lambda _environ, _start: [], {"/sandbox/ocpplab": app_of(garage)})
    with httpx.Client(transport=httpx.WSGITransport(mounted), base_url=BASE) as http:
        http.headers["Authorization"] = f"Bearer {BEARER}"
        made = http.post("/sandbox/ocpplab/ocpp/chargers", json=NEW.wire())
        assert (made.status_code, http.get(made.json()["status_url"]).json()["status"]) == (202, "PENDING")
    assert json.loads(made.content)["workflow_run_id"]


def test_every_answer_is_counted(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.SERVER_ERROR))
    with client(garage, faults=faults) as api:
        with pytest.raises(NoAnswer):
            api.chargers()
        api.charger(POST.charger_id or "")
        api.command(POST, lab.plug_connector(1))
    assert garage.world.traffic.counts() == {
        ("ocpplab_chargers", 500): 1,
        ("ocpplab_charger", 200): 1,
        ("ocpplab_plug_connector", 200): 1,
    }
