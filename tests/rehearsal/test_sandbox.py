"""A rehearsal in the sandbox: every step, every fault at its step, the clean-up, and no secret in any line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kiosk.rehearsal.faults import FAULTS
from kiosk.rehearsal.order import Order, rehearse_sandbox
from kiosk.rehearsal.report import as_json
from kiosk.rehearsal.stage import HANDS, HERE, SandboxStage
from kiosk.rehearsal.steps import PAID, UNPAID, Mark, Report, Step

LEFT_OPEN = {"start-lost", "cancel-fails", "connection-lost", "meter-falls", "capture-fails"}
"""Faults after which a person has to look, and the report says so."""


class Rehearsed:
    """One rehearsal in a world of its own."""

    def __init__(self, fault: str | None = None, **order: object) -> None:
        self.lines: list[str] = []
        self.stage = SandboxStage(fault)
        asked = Order(sandbox=True, fault=fault, **order)  # type: ignore[arg-type]
        self.report: Report = rehearse_sandbox(asked, say=self.lines.append, stage=self.stage)

    @property
    def text(self) -> str:
        return "\n".join([*self.lines, as_json(self.report)])

    def came(self, step: Step) -> str:
        return next(each.came for each in self.report.outcomes if each.step is step)

    def secrets(self) -> set[str]:
        found = {self.stage.lab_token}
        for session in self.stage.world.sessions():
            found |= {session.token, session.client_secret}
        return found


def of(fault: str) -> Rehearsed:
    return Rehearsed(fault, unpaid=FAULTS[fault].breaks is Step.CANCEL)


@pytest.fixture(scope="module")
def whole() -> Rehearsed:
    return Rehearsed()


def test_a_whole_charge_goes_well(whole: Rehearsed) -> None:
    assert whole.report.passed
    assert [each.step for each in whole.report.outcomes] == list(PAID)
    assert {each.mark for each in whole.report.outcomes} == {Mark.OK}
    assert whole.lines[-1].startswith("All 13 steps went well in ")


def test_the_report_has_times_that_fit_together(whole: Rehearsed) -> None:
    report = whole.report
    moments = [each.at for each in report.outcomes if each.at is not None]
    assert moments == sorted(moments)
    assert sum((each.took or timedelta() for each in report.outcomes), timedelta()) == report.ended - report.began


def test_the_bill_is_compared_with_the_chargers_own_meter(whole: Rehearsed) -> None:
    (session,) = whole.stage.world.sessions()
    (charge,) = [each for each in whole.stage.world.transactions() if each.token == session.token]
    came = whole.came(Step.RECEIPT)
    assert f"billed {session.energy_wh} Wh, metered {charge.energy_wh} Wh, difference 0 Wh" in came
    assert "difference EUR 0.00" in came


def test_the_budgets_are_never_overdrawn(whole: Rehearsed) -> None:
    assert whole.stage.world.traffic.total(status=429) == 0


def test_nothing_has_to_be_cleaned_up_after_a_good_rehearsal(whole: Rehearsed) -> None:
    assert (whole.report.tidied, whole.report.left) == ((), ())


def test_unpaid_it_starts_and_cancels() -> None:
    rehearsed = Rehearsed(unpaid=True)
    assert rehearsed.report.passed
    assert [each.step for each in rehearsed.report.outcomes] == list(UNPAID)
    (session,) = rehearsed.stage.world.sessions()
    assert (session.status, session.amount_authorized) == ("abandoned", None)
    assert not rehearsed.stage.world.transactions()[-1].token


def test_a_charger_can_be_made_and_is_removed_again() -> None:
    rehearsed = Rehearsed(create="example/post-22")
    assert rehearsed.report.passed, rehearsed.lines
    assert rehearsed.report.code == "REH22"
    assert rehearsed.report.tidied == ("the virtual charger was removed again",)
    made = rehearsed.stage.world.charger("REH22")
    assert made is not None
    assert not made.online


def test_a_charger_that_was_made_can_be_kept() -> None:
    rehearsed = Rehearsed(create="example/post-22", keep=True, unpaid=True, code="reh44")
    assert rehearsed.report.passed, rehearsed.lines
    made = rehearsed.stage.world.charger("REH44")
    assert made is not None
    assert made.online


def test_a_charger_that_ocpplab_does_not_have_is_not_looked_for_further() -> None:
    rehearsed = Rehearsed(charger="NOBODY")
    failed = rehearsed.report.failed
    assert failed is not None
    assert failed.step is Step.VIRTUAL
    assert "no charger called NOBODY" in failed.came
    assert not rehearsed.stage.world.sessions()


def test_a_bay_that_is_not_there_is_named() -> None:
    failed = Rehearsed(connector_id=9).report.failed
    assert failed is not None
    assert (failed.step, failed.why) == (Step.CARD, "there is no bay 9")


def test_a_bay_that_is_taken_is_not_rehearsed_at() -> None:
    rehearsed = Rehearsed(code="3HW9P")
    failed = rehearsed.report.failed
    assert failed is not None
    assert (failed.step, failed.why) == (Step.FREE, "a rehearsal needs a free bay without a cable")
    assert (rehearsed.report.tidied, rehearsed.report.left) == ((), ())
    assert rehearsed.stage.world.traffic.counts() == {("charger", 200): 1}, "more was asked than whether it is free"


def test_a_charger_that_is_not_there_is_refused() -> None:
    failed = Rehearsed(code="ZZZZZ", charger="7MK4T").report.failed
    assert failed is not None
    assert failed.step is Step.CARD
    assert failed.why.startswith("refused: there is no such charger")


def test_every_fault_has_a_hand() -> None:
    assert set(HANDS) == set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_step_and_cleaned_up(name: str) -> None:
    rehearsed = of(name)
    report, fault = rehearsed.report, FAULTS[name]
    failed = report.failed
    assert failed is not None, rehearsed.lines
    assert failed.step is fault.breaks, rehearsed.lines
    assert failed.why
    assert f'Failed at "{fault.breaks.value}"' in rehearsed.lines[-1]
    after = [each for each in report.outcomes if report.outcomes.index(each) > report.outcomes.index(failed)]
    assert {each.mark for each in after} <= {Mark.SKIPPED}
    world = rehearsed.stage.world
    world.tick()
    assert bool(report.left) == (name in LEFT_OPEN), report.left
    if name not in LEFT_OPEN:
        assert world.holder(report.code, 1) is None
    if name not in {"status-differs", "wrong-charger"}:
        view = world.charger(report.code)
        assert view is None or view.connectors[0].car is None
    for secret in rehearsed.secrets():
        assert secret not in rehearsed.text


def test_no_secret_is_in_a_good_report(whole: Rehearsed) -> None:
    assert len(whole.secrets()) == 3
    assert not [secret for secret in whole.secrets() if secret in whole.text]
    assert HERE not in whole.text


def test_a_stop_that_is_refused_is_made_up_for_at_the_charger() -> None:
    rehearsed = Rehearsed("stop-refused")
    assert "the session was stopped" in rehearsed.report.tidied
    assert "the cable was pulled" in rehearsed.report.tidied
    (session,) = rehearsed.stage.world.sessions()
    assert session.status == "captured"


def test_a_charger_without_a_connection_is_stopped_at_its_end() -> None:
    rehearsed = Rehearsed("connection-lost")
    assert any("OCPPLAB stopped the charge at the charger" in line for line in rehearsed.report.tidied)
    assert rehearsed.report.left[0].startswith("the session is charging")
    assert any(line.startswith("LEFT OPEN: ") for line in rehearsed.lines)


def test_the_report_for_machines_names_the_failing_step() -> None:
    told = json.loads(as_json(Rehearsed("capture-fails").report))
    assert (told["passed"], told["failed_step"]) == (False, "settlement")
    marks = [each["mark"] for each in told["steps"]]
    assert marks == ["ok"] * 10 + ["FAILED", "skipped", "skipped"]
    assert told["left"] == ["the session is capture_failed: the operator has to settle it at Plugchoice"]
    assert told["steps"][10]["came"] == "the session is capture_failed"
    assert told["steps"][12]["at"] is None


def test_ctrl_c_is_a_failed_step_and_cleaned_up() -> None:
    class Impatient(SandboxStage):
        def before(self, step: Step) -> None:
            if step is Step.ENERGY:
                raise KeyboardInterrupt

    stage, lines = Impatient(), list[str]()
    report = rehearse_sandbox(Order(sandbox=True), say=lines.append, stage=stage)
    assert report.failed is not None
    assert (report.failed.step, report.failed.why) == (Step.ENERGY, "interrupted")
    assert report.tidied == ("the session was stopped", "the session is captured", "the cable was pulled")
    assert stage.world.holder("7MK4T", 1) is None


def test_an_error_of_our_own_is_not_hidden_but_cleaned_up() -> None:
    class Broken(SandboxStage):
        def before(self, step: Step) -> None:
            if step is Step.CHARGE:
                raise RuntimeError("a mistake")

    stage = Broken()
    with pytest.raises(RuntimeError, match="a mistake"):
        rehearse_sandbox(Order(sandbox=True), say=lambda _: None, stage=stage)
    assert stage.world.holder("7MK4T", 1) is None
    view = stage.world.charger("7MK4T")
    assert view is not None
    assert view.connectors[0].car is None


def everything(stage: SandboxStage) -> list[object]:
    """What a rehearsal would find in this world."""
    stage.world.tick()
    chargers = [(each.spec, each.pricing, each.online, each.status) for each in stage.world.chargers()]
    here = stage.world.charger(stage.code)
    states = [] if here is None else [(each.real_status, each.car) for each in here.connectors]
    return [chargers, states, stage.world.moods(), stage.faults.waiting(), stage.lab_faults.waiting()]


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"provisioning-fails", "wrong-charger"}))
def test_a_fault_that_was_injected_is_taken_back(name: str) -> None:
    before = everything(SandboxStage())
    rehearsed = of(name)
    stage = rehearsed.stage
    stage.world.repair_connector(*stage.place)
    for session in stage.world.sessions():
        if session.status in ("capture_failed", "requires_review"):
            stage.world.settle_again(session.token)
    assert everything(stage)[2:] == before[2:]
    assert everything(stage)[1] == before[1]
    prices = [(each.spec.code, each.pricing, each.online) for each in stage.world.chargers()]
    assert prices == [(each.spec.code, each.pricing, each.online) for each in SandboxStage().world.chargers()]


def test_after_a_fault_the_next_rehearsal_in_the_same_world_goes_well() -> None:
    stage = SandboxStage("stop-refused")
    assert rehearse_sandbox(Order(sandbox=True, fault="stop-refused"), say=lambda _: None, stage=stage).failed
    stage.clock.advance(120)
    again = SandboxStage()
    again.world, again.clock, again.faults, again.lab_faults = stage.world, stage.clock, stage.faults, stage.lab_faults
    again.settings, again.transports, again.lab_token = stage.settings, stage.transports, stage.lab_token
    assert rehearse_sandbox(Order(sandbox=True), say=lambda _: None, stage=again).passed
