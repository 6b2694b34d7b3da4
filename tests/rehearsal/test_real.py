"""A rehearsal of a configured set-up: unpaid at Plugchoice itself, paid by a person in the running kiosk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from flask import Flask, url_for

from kiosk.clock import OnlyClock
from kiosk.config.settings import Settings, SettingsError, build_settings
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Kind
from kiosk.outside import Transports
from kiosk.rehearsal.order import TAKE_OVER, Order, check, rehearse_real
from kiosk.rehearsal.report import as_json
from kiosk.rehearsal.rides import KioskRide
from kiosk.rehearsal.script import Script
from kiosk.rehearsal.steps import Mark, Report, Step
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.world.faults import Kind as Bad
from kiosk.sandbox.world.faults import Rule
from kiosk.web.session import pages as sessions_pages
from tests.engine.house import CODE, SMALL, House

KEY = "a secret that is long enough for a test"
BEARER = "lab-token-that-nobody-may-see"
WS_URL = "wss://user:hunter2@office.example/ws"


class RunningClock(OnlyClock):
    """The house's clock; while somebody waits, the kiosk's engine goes round."""

    rate = 1.0

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def now(self) -> datetime:
        return self._setup.house.clock.now()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        del event
        if self._setup.runs:
            self._setup.house.run(seconds)
        else:
            self._setup.house.clock.advance(seconds)
        return False


class Setup:
    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.house.world.auto_plug = False
        self.folder = folder
        self.runs = True
        """The kiosk's engine."""
        self.lines: list[str] = []
        self.invited: list[str] = []
        lab = create_ocpplab_app(self.house.world, BEARER)
        self.transports = Transports(public=self.house.transport, lab=httpx.WSGITransport(lab))

    def settings(self, **more: object) -> Settings:
        given: dict[str, object] = {
            "secret_key": KEY,
            "public_url": "https://charge.example",
            "database_url": f"sqlite:///{self.folder / 'kiosk.db'}",
            "ocpplab_url": "https://lab.example",
            "ocpplab_token": BEARER,
        }
        return build_settings(**(given | more))

    def play(
        self, person: Callable[[], object] = lambda: None, *, order: Order | None = None, **more: object
    ) -> Report:
        """`person` acts at the first invitation."""

        def invite(line: str) -> None:
            self.invited.append(line)
            if len(self.invited) == 1:
                person()

        asked = order or Order(code=CODE.lower())
        return rehearse_real(
            asked,
            self.settings(**more),
            say=self.lines.append,
            invite=invite,
            clock=RunningClock(self),
            transports=self.transports,
        )

    def key(self) -> str:
        """Of the session that keeps the bay."""
        found = self.house.store.session_at(CODE, 1)
        assert found is not None
        return found.key

    def pays(self) -> str:
        """A person takes the session over and pays in the browser."""
        key = self.key()
        self.house.pay(key)
        self.house.ask(key, Kind.CONFIRM)
        return key

    def step(self, report: Report, step: Step) -> str:
        return next(each.mark.value for each in report.outcomes if each.step is step)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    made = Setup(tmp_path)
    yield made
    made.house.close()


def failing(report: Report) -> tuple[Step, str]:
    assert report.failed is not None
    return report.failed.step, report.failed.why


def test_a_person_pays_in_the_kiosk_and_the_rehearsal_follows(setup: Setup) -> None:
    report = setup.play(setup.pays)
    assert report.passed, setup.lines
    assert report.against == "app.plugchoice.com"
    assert setup.invited[0].startswith("Now in a browser, within 10 min: open https://charge.example/t/")
    assert "real money" in setup.invited[1]
    (session,) = setup.house.world.sessions()
    assert session.status == "captured"


def test_the_stop_of_a_rehearsal_is_a_command_of_the_kiosk(setup: Setup) -> None:
    keys: list[str] = []
    assert setup.play(lambda: keys.append(setup.pays())).passed
    assert len(setup.house.states(keys[0], Kind.STOP)) == 1


def test_no_token_or_key_is_printed(setup: Setup) -> None:
    keys: list[str] = []
    report = setup.play(lambda: keys.append(setup.pays()), order=Order(code=CODE, ws_url=WS_URL))
    text = "\n".join([*setup.lines, *setup.invited, as_json(report)])
    (session,) = setup.house.world.sessions()
    for secret in (BEARER, KEY, WS_URL, keys[0], session.token, session.client_secret):
        assert secret not in text


def test_nobody_pays_and_nothing_is_left(setup: Setup) -> None:
    report = setup.play()
    assert failing(report)[0] is Step.PAY
    assert report.left == ()
    (session,) = setup.house.world.sessions()
    assert session.status in {"abandoned", "expired"}
    assert setup.house.store.session_at(CODE, 1) is None


def test_a_driver_of_the_kiosk_who_gives_up_is_told(setup: Setup) -> None:
    step, why = failing(setup.play(lambda: setup.house.ask(setup.key(), Kind.CANCEL)))
    assert (step, why) == (Step.PAY, "the session has ended")


def test_a_broken_off_payment_is_cancelled_by_the_kiosk(setup: Setup) -> None:
    keys: list[str] = []

    def breaks_off() -> None:
        keys.append(setup.key())
        raise KeyboardInterrupt

    report = setup.play(breaks_off)
    assert failing(report) == (Step.PAY, "interrupted")
    assert setup.house.session(keys[0]).status == "abandoned"
    assert report.tidied == ("the session was cancelled", "the session is abandoned (cancelled_by_driver)")


def test_a_kiosk_that_does_not_run_starts_nothing_and_the_bay_is_free_again(setup: Setup) -> None:
    setup.runs = False
    step, why = failing(setup.play())
    assert (step, why) == (Step.START, "the start was not sent: does the kiosk run? (waited 120 s)")
    assert setup.house.store.session_at(CODE, 1) is None
    assert setup.house.world.sessions() == ()


def test_a_start_that_is_refused_is_told_at_once(setup: Setup) -> None:
    setup.house.faults.add(Rule(Bad.TOKEN_EXPIRED, "start", 1))  # 404
    step, why = failing(setup.play())
    assert step is Step.START
    assert why.startswith("refused: there is no such charger")
    assert setup.house.store.session_at(CODE, 1) is None


def test_a_start_without_an_answer_is_told(setup: Setup) -> None:
    setup.house.faults.add(Rule(Bad.DROPPED, "start", 1, after_effect=True))
    report = setup.play()
    assert failing(report)[0] is Step.START
    assert report.left == ("the start got no answer, so a session may exist; it is unpaid and expires by itself",)


# --- what is not the rehearsal's own


def of_others(setup: Setup, key: str) -> None:
    """Nothing was ever asked about this session but what its own driver asked."""
    for kind in (Kind.STOP, Kind.CANCEL):
        assert setup.house.states(key, kind) == []


@pytest.mark.parametrize("unpaid", [False, True])
def test_a_bay_where_somebody_charges_is_left_alone(setup: Setup, unpaid: bool) -> None:
    key = setup.house.charging(1)
    report = setup.play(order=Order(code=CODE, unpaid=unpaid))
    assert failing(report) == (Step.FREE, "a rehearsal needs a free bay")
    assert [each.mark for each in report.outcomes[1:]] == [Mark.SKIPPED] * (len(report.outcomes) - 1)
    assert (report.tidied, report.left) == ((), ())
    setup.house.run(300)
    of_others(setup, key)
    assert setup.house.session(key).status == "charging"


@pytest.mark.parametrize("unpaid", [False, True])
def test_a_bay_where_somebody_has_paid_and_not_plugged_in_is_left_alone(setup: Setup, unpaid: bool) -> None:
    key = setup.house.paid(1)
    setup.house.until(key, "starting")
    report = setup.play(order=Order(code=CODE, unpaid=unpaid))
    assert failing(report) == (Step.FREE, "a rehearsal needs a free bay")
    assert (report.tidied, report.left) == ((), ())
    of_others(setup, key)
    assert setup.house.session(key).status == "starting"


@pytest.mark.parametrize("unpaid", [False, True])
def test_a_car_that_charges_with_a_card_is_left_alone(setup: Setup, unpaid: bool) -> None:
    setup.house.world.plug_in(CODE, 1, "van", 200)
    setup.house.world.start_with_card(CODE, 1, "CARD1")
    report = setup.play(order=Order(code=CODE, unpaid=unpaid))
    assert failing(report) == (Step.FREE, "a rehearsal needs a free bay without a cable")
    assert setup.house.world.transactions()[-1].active
    assert setup.house.world.traffic.total(route="start") == 0


def test_a_driver_who_is_quicker_than_the_rehearsal_keeps_the_bay(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come between the look at the bay and the start."""
    keys: list[str] = []
    begin = KioskRide.begin

    def late(ride: KioskRide, card: ChargerCard) -> None:
        keys.append(setup.house.request(1))
        begin(ride, card)

    monkeypatch.setattr(KioskRide, "begin", late)
    report = setup.play()
    step, why = failing(report)
    assert step is Step.START
    assert "another driver has a session there" in why
    assert (report.tidied, report.left) == ((), ())
    setup.house.until(keys[0], "created")
    of_others(setup, keys[0])


def test_upstreams_409_leaves_the_driver_who_is_there_alone(setup: Setup, tmp_path: Path) -> None:
    """Unpaid and on another machine, without the kiosk's database: only Plugchoice knows of the driver."""
    key = setup.house.paid(1)
    setup.house.until(key, "starting")
    report = setup.play(order=Order(code=CODE, unpaid=True), database_url=f"sqlite:///{tmp_path / 'nothing.db'}")
    step, why = failing(report)
    assert step is Step.START
    assert why.startswith("refused: the bay is not free")
    assert (report.tidied, report.left) == ((), ())
    of_others(setup, key)
    assert not (tmp_path / "nothing.db").exists()


def test_of_two_rehearsals_at_once_the_second_touches_nothing(setup: Setup) -> None:
    second: list[Report] = []

    def meanwhile() -> None:
        others = Setup.__new__(Setup)
        others.__dict__ = {**setup.__dict__, "invited": [], "lines": []}
        second.append(others.play())
        setup.pays()

    first = setup.play(meanwhile)
    assert failing(second[0])[0] is Step.FREE
    assert (second[0].tidied, second[0].left) == ((), ())
    assert first.passed, setup.lines


class Killed(BaseException):
    """As if the process were gone: not even the clean-up runs."""


def test_killed_in_the_middle_and_run_again_it_leaves_the_first_session_to_the_kiosk(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies() -> None:
        monkeypatch.setattr(Script, "_end_session", lambda *_: None)
        raise Killed

    with pytest.raises(Killed):
        setup.play(dies)
    monkeypatch.undo()
    key = setup.key()
    again = setup.play()
    assert failing(again)[0] is Step.FREE
    assert (again.tidied, again.left) == ((), ())
    setup.house.run(1200)
    assert setup.house.session(key).final
    assert setup.house.store.session_at(CODE, 1) is None


def test_the_address_for_the_person_makes_their_browser_an_owner_once(setup: Setup) -> None:
    owners: list[str | None] = []

    def opens() -> None:
        address = setup.invited[0].split("open ")[1].split(", and")[0]
        code = address.removeprefix(f"https://charge.example{TAKE_OVER}")
        now = setup.house.kiosk_clock.now()
        owners.extend(setup.house.store.use_takeover(code, browser, now) for browser in ("phone", "a thief's"))
        setup.pays()

    assert setup.play(opens).passed
    assert owners[0] is not None
    assert owners[1] is None
    assert setup.house.session(owners[0]).status == "captured"


def test_the_address_is_one_that_the_kiosks_pages_know() -> None:
    assert f"{sessions_pages.bp.name}.takeover_page" == "sessions.takeover_page"
    app = Flask(__name__)
    app.register_blueprint(sessions_pages.bp)
    with app.test_request_context():
        assert url_for("sessions.takeover_page", code="a-code") == f"{TAKE_OVER}a-code"


def test_without_the_kiosks_database_a_paid_rehearsal_is_refused(setup: Setup, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run it where the kiosk runs"):
        setup.play(database_url=f"sqlite:///{tmp_path / 'nothing.db'}")


def test_without_ocpplab_a_paid_rehearsal_is_refused(setup: Setup) -> None:
    with pytest.raises(SettingsError, match="KIOSK_OCPPLAB_URL and KIOSK_OCPPLAB_TOKEN are missing"):
        setup.play(ocpplab_url=None, ocpplab_token=None)


def test_without_ocpplab_the_unpaid_steps_can_be_rehearsed(setup: Setup) -> None:
    report = setup.play(order=Order(code=CODE, unpaid=True), ocpplab_url=None, ocpplab_token=None)
    assert report.passed, setup.lines
    assert setup.step(report, Step.VIRTUAL) == Mark.SKIPPED
    assert setup.step(report, Step.MATCH) == Mark.SKIPPED
    assert setup.step(report, Step.RELEASE) == Mark.OK
    assert setup.lines[-1] == "6 steps went well in 0.0 s, 2 were skipped."
    assert setup.invited == []


def test_unpaid_with_a_new_charger_takes_it_away_again(setup: Setup) -> None:
    order = Order(code="NEW22", create="example/wall-7", ws_url=WS_URL, unpaid=True)
    report = setup.play(order=order, ocpplab_prefix="/ocpp")
    assert report.passed, setup.lines
    assert report.tidied == ("the virtual charger was removed again",)
    assert WS_URL not in "\n".join(setup.lines)


def test_a_cancel_that_failed_is_sent_again_by_the_clean_up(setup: Setup) -> None:
    setup.house.faults.add(Rule(Bad.SERVER_ERROR, "cancel", 1))
    report = setup.play(order=Order(code=CODE, unpaid=True), ocpplab_url=None, ocpplab_token=None)
    assert failing(report) == (Step.CANCEL, "no usable answer (status 500)")
    assert report.tidied == ("the session was cancelled", "the session is abandoned (cancelled_by_driver)")
    assert report.left == ()


def test_a_read_without_an_answer_is_asked_again(setup: Setup) -> None:
    setup.house.faults.add(Rule(Bad.DROPPED, "charger", 2))
    report = setup.play(order=Order(code=SMALL, unpaid=True))
    assert report.passed, setup.lines


def test_silence_is_the_reason_when_it_lasts(setup: Setup) -> None:
    setup.house.faults.add(Rule(Bad.UNREACHABLE, "charger", None))
    report = setup.play(order=Order(code=CODE, unpaid=True))
    assert failing(report) == (Step.FREE, "no connection could be made")
    assert (report.tidied, report.left) == ((), ())


def test_a_stand_in_is_not_called_real_money(setup: Setup) -> None:
    assert setup.play(setup.pays, plugchoice_url="http://127.0.0.1/api/v3").passed
    assert len(setup.invited) == 1


def test_what_goes_together_is_accepted() -> None:
    check(Order(code="A", create="abb/terra-184", ws_url=WS_URL))
    check(Order(sandbox=True, create="abb/terra-184"))


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (Order(), "--code is missing"),
        (Order(code="A", fault="no-energy"), "--fault is for --sandbox only"),
        (Order(sandbox=True, fault="cancel-fails"), "add --unpaid"),
        (Order(sandbox=True, fault="no-energy", unpaid=True), "leave out --unpaid"),
        (Order(sandbox=True, create="abb"), "--create wants a brand and a model"),
        (Order(code="A", create="abb/terra-184"), "--create needs --ws-url"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(order: Order, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as caught:
        check(order)
    assert str(caught.value).endswith(".")
