"""Steps that meet a session which is not as it should be, and a clean-up that meets more bad luck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Refusal
from kiosk.domain.session import Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.outside import connect
from kiosk.rehearsal.lab import Lab
from kiosk.rehearsal.order import Order, rehearse_sandbox
from kiosk.rehearsal.play import Cast, Plan, Player
from kiosk.rehearsal.rides import OwnRide
from kiosk.rehearsal.script import Script
from kiosk.rehearsal.stage import USUAL_CODE, SandboxStage
from kiosk.rehearsal.steps import Mark, Outcome, Report, Step, StepFailed
from kiosk.rehearsal.waiting import SHARE, Patience, budgets, reason
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.faults import Faults, Kind, Rule
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint, Limits

TARIFF = Tariff("EUR", 49, 35)


def session(status: str, **more: object) -> Session:
    start = ManualClock().now()
    given = {"status": status, "tariff": TARIFF, "authorized_minor": 5000, "connector_status": "Charging"}
    return replace(Session("k", USUAL_CODE, 1, Phase.OPEN, start), **(given | more))  # type: ignore[arg-type]


class Puppet:
    """A session that says what it is told, its last word for ever."""

    def __init__(self, *says: Session) -> None:
        self.says = list(says)
        self.refusal: Refused | None = None
        self.asked: list[str] = []
        self.lost = False
        self.secrets = ("a-secret",)

    def begin(self, card: ChargerCard) -> None:
        del card
        self.asked.append("begin")

    def read(self) -> Session | None:
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]

    def stop(self) -> None:
        self.asked.append("stop")
        if self.refusal is not None:
            raise self.refusal

    def cancel(self) -> None:
        self.asked.append("cancel")


class Rig:
    """A script with a real card and a real virtual charger, and a puppet for the session."""

    def __init__(self, *says: Session, with_lab: bool = True, plan: Plan | None = None) -> None:
        self.stage = stage = SandboxStage()
        outside = connect(stage.settings, stage.clock, Budgets(), stage.transports)
        self.public = outside.public
        self.ride = Puppet(*says)
        assert outside.lab is not None
        lab = Lab(outside.lab, stage.clock, USUAL_CODE, 1, None) if with_lab else None
        self.plan = plan or Plan(USUAL_CODE, 1, "a puppet", patience=timedelta(seconds=8))
        self.cast = Cast(clock=stage.clock, public=self.public, ride=self.ride, lab=lab)
        self.script = Script(self.plan, self.cast)
        self.script.play(Step.CARD)
        if with_lab:
            self.script.play(Step.VIRTUAL)

    def fails(self, step: Step) -> tuple[str, str]:
        with pytest.raises(StepFailed) as failed:
            self.script.play(step)
        return failed.value.came, failed.value.why


def energies(*values: str) -> list[Session]:
    return [session("charging", energy_kwh=Decimal(value)) for value in values]


@pytest.mark.parametrize(
    ("step", "says", "why"),
    [
        (Step.READ, [session("authorized")], "it should wait for a payment"),
        (Step.RELEASE, [session("captured", captured_minor=35)], "something was captured"),
        (Step.PAY, [session("authorized", authorized_minor=5100)], "announced was EUR 50.00"),
        (Step.PAY, [session("authorized", authorized_minor=None)], "announced was EUR 50.00"),
        (Step.PAY, [session("created")], "nobody paid, or Plugchoice did not notice (waited 8 s)"),
        (Step.ENERGY, [session("settling")], "the charge ended by itself"),
        (Step.ENERGY, energies("0.1", "0.2", "0.15"), "the energy fell"),
        (Step.CHARGE, [session("recalibrating")], "it did not begin to charge (waited 120 s)"),
        (Step.SETTLE, [session("captured", captured_minor=5001)], "the hold was EUR 50.00"),
        (Step.SETTLE, [session("no_charge", captured_minor=0)], "nothing was captured"),
    ],
)
def test_a_session_that_is_not_as_it_should_be_fails_the_step(step: Step, says: list[Session], why: str) -> None:
    assert Rig(*says).fails(step)[1] == why


def test_a_capture_without_a_known_hold_is_told_without_what_was_released() -> None:
    rig = Rig(session("captured", captured_minor=84, authorized_minor=None))
    assert rig.script.play(Step.SETTLE) == "captured EUR 0.84"


@pytest.mark.parametrize("fields", [("pricing",), ("preauth_amount",)])
def test_a_charger_that_cannot_be_sold_fails_its_card(fields: tuple[str, ...]) -> None:
    stage = SandboxStage()
    stage.faults.add(Rule(Kind.NULLS, "charger", None, fields=fields))
    failed = rehearse_sandbox(Order(sandbox=True), say=lambda _: None, stage=stage).failed
    assert failed is not None
    assert failed.why == "Plugchoice gives no price or no hold, so nothing can be sold"


def charged() -> Rig:
    """A rig whose charger has really charged 122 Wh."""
    rig = Rig(session("captured"))
    token = rig.stage.world.open_session(USUAL_CODE, 1).session.token
    ride = rig.stage.world.session(token).session
    card = card_method("4242424242424242", 12, 99, "123", rig.stage.clock.now())
    rig.stage.world.book.confirm(ACCOUNT, ride.intent_id, card)
    rig.stage.world.confirm(token)
    rig.script.play(Step.VIRTUAL)
    rig.stage.world.plug_in(USUAL_CODE, 1, "van", 200)
    rig.stage.clock.advance(60)
    rig.stage.world.stop(token)
    rig.stage.clock.advance(60)
    return rig


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"energy_kwh": None}, "the session has no energy or no price"),
        ({"captured_minor": 90}, "the amount is not the price times the energy"),
        ({"energy_kwh": Decimal(9)}, "the bill and the charger's meter differ by more than 10 Wh"),
    ],
)
def test_a_bill_that_does_not_fit_fails_the_receipt(more: dict[str, object], why: str) -> None:
    rig = charged()
    (ended,) = rig.stage.world.sessions()
    energy = Decimal(ended.energy_wh or 0) / 1000
    paid = {"energy_kwh": energy, "captured_minor": ended.amount_captured}
    rig.ride.says = [session("captured", **(paid | more))]
    rig.script.play(Step.SETTLE)
    assert rig.fails(Step.RECEIPT)[1] == why


def test_a_bill_up_to_the_hold_is_right_without_one_too() -> None:
    rig = charged()
    (ended,) = rig.stage.world.sessions()
    energy = Decimal(ended.energy_wh or 0) / 1000
    rig.ride.says = [
        session("captured", energy_kwh=energy, captured_minor=ended.amount_captured, authorized_minor=None)
    ]
    rig.script.play(Step.SETTLE)
    assert "difference 0 Wh" in rig.script.play(Step.RECEIPT)


# --- the clean-up


def test_a_session_that_cannot_be_stopped_without_ocpplab_is_left_for_a_person() -> None:
    rig = Rig(session("charging"), with_lab=False)
    rig.ride.refusal = Refused(Refusal.CHARGER_OFFLINE)
    assert rig.script.tidy() == ([], ["the session is charging: refused: the charger is offline or refuses"])
    assert rig.ride.asked == ["stop"] * 3


def test_a_charge_is_stopped_at_a_virtual_charger_only_when_that_is_the_one_behind_the_code() -> None:
    rig = Rig(session("charging"))
    rig.ride.refusal = Refused(Refusal.CHARGER_OFFLINE)
    rig.stage.world.plug_in(USUAL_CODE, 1, "van", 200)  # somebody else's car, at the charger that was named wrongly
    rig.stage.world.start_with_card(USUAL_CODE, 1, "CARD1")
    assert rig.script.tidy()[1] == ["the session is charging: refused: the charger is offline or refuses"]
    assert rig.stage.world.transactions()[-1].active


def test_a_session_that_settles_for_ever_is_left_for_a_person() -> None:
    rig = Rig(session("settling"))
    assert rig.script.tidy() == ([], ["the session is settling: it did not end (waited 120 s)"])
    assert rig.ride.asked == []


def test_a_session_that_ends_by_itself_needs_no_hand() -> None:
    rig = Rig(session("settling"), session("captured", captured_minor=84))
    assert rig.script.tidy() == ([], [])
    assert rig.ride.asked == []


def test_a_start_whose_end_is_not_known_is_told() -> None:
    rig = Rig(session("captured"))
    rig.ride.lost = True
    assert rig.script.tidy()[1] == [
        "the start got no answer, so a session may exist; it is unpaid and expires by itself"
    ]


class Cut(SandboxStage):
    """Ctrl-C at a step, after something else has gone wrong."""

    def __init__(self, step: Step, mischief: Callable[[SandboxStage], None]) -> None:
        super().__init__()
        self._cut = step
        self._mischief = mischief

    def before(self, step: Step) -> None:
        if step is self._cut:
            self._mischief(self)
            raise KeyboardInterrupt


def play(stage: SandboxStage, order: Order | None = None) -> Report:
    return rehearse_sandbox(order or Order(sandbox=True), say=lambda _: None, stage=stage)


def test_a_cable_that_cannot_be_pulled_is_told() -> None:
    report = play(Cut(Step.ENERGY, lambda stage: stage.silence_lab()))
    assert report.left == ("pulling the cable did not work: no usable answer (status 500)",)
    assert report.tidied == ("the session was stopped", "the session is captured")


class OnceLooked(Faults):
    """Faults that begin after the first call: the one that looks whether the charger is there already."""

    looked = False

    def take(self, endpoint: str, kinds: frozenset[Kind]) -> Rule | None:
        if not self.looked:
            self.looked = True
            return None
        return super().take(endpoint, kinds)


class BadLab(SandboxStage):
    def __init__(self, rule: Rule) -> None:
        super().__init__()
        faults = OnceLooked()
        faults.add(rule)
        lab = create_ocpplab_app(self.world, self.lab_token, faults=faults)
        self.transports = replace(self.transports, lab=httpx.WSGITransport(lab))


def test_a_charger_whose_making_got_no_answer_is_told() -> None:
    stage = BadLab(Rule(Kind.SERVER_ERROR, None, 1))
    report = play(stage, Order(sandbox=True, create="example/post-22"))
    assert report.failed is not None
    assert report.failed.step is Step.VIRTUAL
    assert report.left == ("the making of a virtual charger got no answer; look for it at OCPPLAB",)


def test_a_charger_that_was_made_without_an_answer_is_found() -> None:
    stage = BadLab(Rule(Kind.SERVER_ERROR, None, 1, after_effect=True))
    report = play(stage, Order(sandbox=True, create="example/post-22"))
    assert report.passed, report
    assert report.tidied == ("the virtual charger was removed again",)


def test_a_charger_that_is_refused_is_not_looked_for() -> None:
    report = play(SandboxStage(), Order(sandbox=True, create="nobody/nothing"))
    assert report.failed is not None
    assert report.failed.why == "refused: the request was not understood (Brand or model not found)"
    assert (report.tidied, report.left) == ((), ())


def test_a_start_that_is_refused_leaves_nothing() -> None:
    stage = SandboxStage()
    other = stage.world.open_session(USUAL_CODE, 1).session
    report = play(stage)
    assert report.failed is not None
    assert report.failed.step is Step.START
    assert report.failed.why.startswith("refused: the bay is not free")
    assert (report.tidied, report.left) == ((), ())
    assert stage.world.session(other.token).session.status == "created"


# --- calls and secrets


def test_a_ride_that_has_not_begun_asks_for_nothing() -> None:
    stage = SandboxStage()
    public = connect(stage.settings, stage.clock, budgets(), stage.transports).public
    ride = OwnRide(public, stage.clock, USUAL_CODE, 1)
    ride.stop()
    ride.cancel()
    ride.confirm()
    assert ride.read() is None
    assert ride.secrets == ()
    with pytest.raises(StepFailed, match="gave no payment"):
        stage.pay(ride)
    assert stage.world.traffic.total() == 0


def test_room_in_a_budget_is_waited_for_but_not_for_ever() -> None:
    clock = ManualClock()
    errors: list[UpstreamError] = [
        BudgetSpent(timedelta(seconds=20)),
        Refused(Refusal.TOO_MANY, "", timedelta(seconds=40), 429),
    ]
    began = clock.now()

    def call() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    assert Patience(clock).call(call) == "done"
    assert clock.now() - began == timedelta(seconds=60)
    errors.append(Refused(Refusal.TOO_MANY, "", timedelta(hours=1), 429))
    with pytest.raises(Refused):
        Patience(clock).call(call)


@pytest.mark.parametrize("endpoint", Endpoint)
def test_the_kiosk_behind_the_same_address_keeps_a_part_of_each_budget(endpoint: Endpoint) -> None:
    assert SHARE.of(endpoint) < Limits().of(endpoint)


def test_a_rehearsal_asks_no_more_than_its_share() -> None:
    stage = SandboxStage()
    public = connect(stage.settings, stage.clock, budgets(), stage.transports).public
    patience = Patience(stage.clock)
    began = stage.clock.now()
    for _ in range(2 * SHARE.get_charger + 1):
        patience.call(lambda: public.get_charger(USUAL_CODE))
    assert stage.clock.now() - began >= timedelta(minutes=2)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_words(refusal: Refusal) -> None:
    assert reason(Refused(refusal)).startswith("refused: ")


def test_every_other_error_has_words() -> None:
    assert reason(NotSent("x")) == "no connection could be made"
    assert reason(NoAnswer("x")) == "no usable answer"
    assert reason(NoAnswer("x", 502)) == "no usable answer (status 502)"


def test_a_secret_that_slips_into_a_text_ends_there() -> None:
    rig = Rig(session("captured"))
    cast = replace(rig.cast, secrets=("lab-token",))

    def slips(step: Step) -> str:
        if step is Step.VIRTUAL:
            raise StepFailed("a-secret", "because of lab-token")
        return "lab-token"

    seen: list[Outcome] = []
    report = Player(rig.plan, cast, slips, lambda: (["a-secret"], ["lab-token"]), seen.append).run()
    assert [each.came for each in seen[:2]] == ["[hidden]", "[hidden]"]
    assert (seen[1].mark, seen[1].why) == (Mark.FAILED, "because of [hidden]")
    assert (report.tidied, report.left) == (("[hidden]",), ("[hidden]",))
