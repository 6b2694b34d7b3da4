"""The meter in a log, the virtual charger on a faked wire, and the words of a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.rehearsal.lab import Lab
from kiosk.rehearsal.meter import metered_wh
from kiosk.rehearsal.play import Cast, Plan
from kiosk.rehearsal.report import closing_lines
from kiosk.rehearsal.rides import OwnRide
from kiosk.rehearsal.script import Script
from kiosk.rehearsal.steps import EXPECTED, PAID, UNPAID, Mark, Outcome, Report, Step, StepFailed
from kiosk.rehearsal.waiting import budgets
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.commands import NewCharger
from kiosk.upstream.ocpplab.log import LogEntry
from kiosk.upstream.plugchoice.public import PlugchoicePublic

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NEW = NewCharger("CP-1", "abb", "terra-184", "CCS2", "wss://office.example/ws")


# --- the meter


def entry(seconds: int, action: str, **payload: object) -> LogEntry:
    return LogEntry("out", action, payload, NOON + timedelta(seconds=seconds))


def sample(seconds: int, *values: Mapping[str, object], transaction: int = 7, connector: int = 1) -> LogEntry:
    metered = [{"sampledValue": [*values, "noise"]}, "noise"]
    return entry(seconds, "MeterValues", connectorId=connector, transactionId=transaction, meterValue=metered)


BEGIN = entry(0, "StartTransaction", connectorId=1, meterStart=1000)
POWER = {"value": "7400", "measurand": "Power.Active.Import", "unit": "W"}


@pytest.mark.parametrize(
    ("entries", "wh"),
    [
        ([BEGIN, entry(60, "StopTransaction", transactionId=7, meterStop=1250)], 250),
        ([entry(60, "StopTransaction", transactionId=7, meterStop=1250), BEGIN], 250),
        ([BEGIN, sample(30, {"value": "1.2", "unit": "kWh"}, POWER)], 200),
        ([BEGIN, sample(30, {"value": "1100"}), sample(40, {"value": "1300"})], 300),
        ([BEGIN, sample(30, {"value": "x"}), sample(40, {"value": "5", "unit": "A"})], None),
        ([BEGIN, sample(30, {"value": "1100"}, connector=2)], None),
        ([entry(0, "StartTransaction", connectorId=1), entry(9, "StopTransaction", meterStop=5)], None),
        ([entry(0, "StartTransaction", connectorId=2, meterStart=1)], None),
        ([LogEntry("out", "StartTransaction", None, NOON), LogEntry("out", "StartTransaction", {}, None)], None),
        ([BEGIN, entry(9, "MeterValues", connectorId=1, meterValue="none")], None),
        ([BEGIN], None),
        ([], None),
    ],
)
def test_the_meter_is_read_from_begin_to_end(entries: list[LogEntry], wh: int | None) -> None:
    assert metered_wh(entries, 1) == (None if wh is None else Decimal(wh))


def test_the_stop_of_another_bay_is_not_ours() -> None:
    stops = [entry(50, "StopTransaction", transactionId=8, meterStop=9), entry(60, "StopTransaction", transactionId=7)]
    mine = entry(61, "StopTransaction", transactionId=7, meterStop=1600)
    assert metered_wh([BEGIN, sample(30, {"value": "1500"}), stops[0], mine], 1) == 600
    assert metered_wh([BEGIN, sample(30, {"value": "1500"}), *stops], 1) is None


def test_the_last_of_several_charges_counts() -> None:
    old = [BEGIN, entry(5, "StopTransaction", transactionId=1, meterStop=1100)]
    new = [
        entry(10, "StartTransaction", connectorId=1, meterStart=1100),
        entry(20, "StopTransaction", transactionId=2, meterStop=1400),
    ]
    assert metered_wh([*old, *new], 1) == 300


# --- the virtual charger


class Gateway:
    def __init__(self, answer: Callable[[httpx.Request], Any], new: NewCharger | None = None) -> None:
        self.clock = ManualClock()
        self.asked: list[str] = []

        def reply(request: httpx.Request) -> httpx.Response:
            self.asked.append(f"{request.method} {request.url.path}")
            return httpx.Response(200, json=answer(request), request=request)

        api = Ocpplab("https://lab.example", "token", clock=self.clock, transport=httpx.MockTransport(reply))
        self.lab = Lab(api, self.clock, "CP-1", 1, new)

    def fails(self) -> tuple[str, str]:
        with pytest.raises(StepFailed) as failed:
            self.lab.get_ready()
        return failed.value.came, failed.value.why


def one_charger(status: object, error: object = None) -> Callable[[httpx.Request], Any]:
    def answer(request: httpx.Request) -> Any:
        if request.method == "POST" and request.url.path.endswith("/chargers"):
            return {"charger_id": "dep-1", "identity": "CP-1", "status": "PROVISIONING"}
        if request.url.path.endswith("/status"):
            return {"charger_id": "dep-1", "status": status, "error": error}
        return {"data": [{"id": "dep-1", "identity": "cp-1"}], "total": 1}

    return answer


def test_a_charger_without_a_stage_may_be_ready() -> None:
    gateway = Gateway(one_charger(None))
    assert gateway.lab.get_ready() == "CP-1 is known; OCPPLAB does not say whether it is ready"
    assert gateway.lab.get_ready() == "CP-1 is known; OCPPLAB does not say whether it is ready"
    assert gateway.asked.count("GET /ocpp/chargers") == 1


def test_a_charger_that_is_still_provisioning_is_not_ready() -> None:
    assert Gateway(one_charger("PENDING")).fails() == ("CP-1 is known, but is PENDING", "it was not READY within 3 min")


def not_there_before(answer: Callable[[httpx.Request], Any]) -> Callable[[httpx.Request], Any]:
    """The same gateway, whose first list is empty."""
    asked: list[str] = []

    def first_empty(request: httpx.Request) -> Any:
        asked.append(request.method)
        return {"data": [], "total": 0} if len(asked) == 1 else answer(request)

    return first_empty


def test_a_charger_that_is_there_already_is_not_made_again_nor_removed() -> None:
    gateway = Gateway(one_charger("READY"), NEW)
    assert gateway.fails()[0] == "OCPPLAB has a charger called CP-1 already"
    assert not gateway.lab.made
    assert not gateway.lab.lost


def test_a_new_charger_without_a_stage_is_not_ready() -> None:
    came, why = Gateway(not_there_before(one_charger(None)), NEW).fails()
    assert came == "CP-1 was made, but is in a state that is not said"
    assert why == "it was not READY within 3 min"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ({"code": "x", "message": "No room.", "retryable": True}, "OCPPLAB: No room; another try may succeed"),
        ({"code": "x", "message": "", "retryable": False}, "OCPPLAB: unknown_error"),
    ],
)
def test_a_failed_charger_says_why(error: object, why: str) -> None:
    assert Gateway(one_charger("FAILED", error)).fails() == ("CP-1 is known, but is FAILED", why)


def test_two_chargers_of_one_name_are_not_chosen_from() -> None:
    chargers = {"data": [{"id": "dep-1", "identity": "CP-1"}, {"id": "cp-1", "identity": "B"}], "total": 2}
    assert "several chargers called CP-1" in Gateway(lambda _: chargers).fails()[0]


def command_fails(error: str, command: str = "") -> Callable[[httpx.Request], Any]:
    """`command`: only this one."""
    usual = one_charger("READY")
    failed = {"targeted_count": 1, "failed_count": 1, "failed": [{"identity": "CP-1", "error": error}], "results": []}
    return lambda request: failed if f"/commands/{command}" in request.url.path else usual(request)


@pytest.mark.parametrize(
    ("error", "why"), [("A car is there.", "OCPPLAB: A car is there"), ("", "OCPPLAB: it gives no reason")]
)
def test_a_command_that_ocpplab_does_not_take_fails_the_step(error: str, why: str) -> None:
    gateway = Gateway(command_fails(error))
    gateway.lab.get_ready()
    with pytest.raises(StepFailed) as failed:
        gateway.lab.plug()
    assert (failed.value.came, failed.value.why) == ("OCPPLAB did not take plug-connector", why)


def plugging(gateway: Gateway) -> Script:
    """A script that has tried to plug in; Plugchoice cannot be reached."""
    gateway.lab.get_ready()
    nobody = httpx.MockTransport(lambda request: httpx.Response(500, request=request))
    public = PlugchoicePublic("https://office.example", clock=gateway.clock, budgets=budgets(), transport=nobody)
    cast = Cast(gateway.clock, public, OwnRide(public, gateway.clock, "7MK4T", 1), gateway.lab)
    script = Script(Plan("7MK4T", 1, "x"), cast)
    with pytest.raises(StepFailed):
        script.play(Step.PLUG)
    return script


def test_a_cable_that_ocpplab_does_not_let_go_is_told_in_the_clean_up() -> None:
    script = plugging(Gateway(command_fails("It is locked.", "unplug-connector")))
    assert script.tidy() == ([], ["OCPPLAB did not take unplug-connector: OCPPLAB: It is locked"])


def test_a_cable_that_was_in_before_is_not_pulled() -> None:
    gateway = Gateway(command_fails("A car is there.", "plug-connector"))
    script = plugging(gateway)
    assert script.tidy() == ([], [])
    assert not [path for path in gateway.asked if "unplug" in path]


def test_a_long_log_is_read_page_by_page_but_not_for_ever() -> None:
    calls = [[2, "a", "StartTransaction", {"connectorId": 1, "meterStart": 0}]]
    calls += [[2, "b", "StopTransaction", {"transactionId": 1, "meterStop": 42}]]

    def answer(request: httpx.Request) -> Any:
        if not request.url.path.endswith("/logs"):
            return one_charger("READY")(request)
        offset = int(request.url.params["offset"])
        at = (NOON + timedelta(seconds=offset)).isoformat()
        message = json.dumps(calls[min(offset, 1)])
        return {"data": [{"direction": "out", "message": message, "timestamp": at}], "total": total}

    total = 2
    gateway = Gateway(answer)
    gateway.lab.get_ready()
    assert gateway.lab.metered_wh(NOON) == 42
    total = 10_000
    gateway.asked.clear()
    gateway.lab.metered_wh(NOON)
    assert len(gateway.asked) == 5


# --- the report


def test_every_step_has_its_expectation() -> None:
    assert set(EXPECTED) == set(Step) == set(PAID) | set(UNPAID)


def test_a_rehearsal_that_left_something_open_has_not_passed() -> None:
    done = Outcome(Step.CARD, Mark.OK, NOON, timedelta(seconds=1))
    report = Report("7MK4T", 1, "x", NOON, NOON + timedelta(seconds=1.26), (done,), left=("the cable is in",))
    assert not report.passed
    assert closing_lines(report) == [
        "LEFT OPEN: the cable is in.",
        "1 steps went well, but something was left open: see above.",
    ]
