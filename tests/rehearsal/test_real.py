"""A rehearsal of a configured set-up: unpaid at Plugchoice itself, paid by a person in the running kiosk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from kiosk.config.settings import Settings, SettingsError, build_settings
from kiosk.domain.commands import Kind
from kiosk.outside import Transports
from kiosk.rehearsal.order import Order, check, rehearse_real
from kiosk.rehearsal.report import as_json
from kiosk.rehearsal.steps import Mark, Report, Step
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.world.faults import Kind as Bad
from kiosk.sandbox.world.faults import Rule
from tests.engine.house import CODE, SMALL, House

KEY = "a secret that is long enough for a test"
BEARER = "lab-token-that-nobody-may-see"
WS_URL = "wss://user:hunter2@office.example/ws"


class RunningClock:
    """The house's clock; while somebody waits, the kiosk's engine goes round."""

    rate = 1.0

    def __init__(self, house: House) -> None:
        self._house = house

    def now(self) -> datetime:
        return self._house.clock.now()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        del event
        self._house.run(seconds)
        return False


class Setup:
    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.house.world.auto_plug = False
        self.folder = folder
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
            clock=RunningClock(self.house),
            transports=self.transports,
        )

    def pays(self) -> str:
        """A person starts and pays in the browser."""
        key = self.house.request(1)
        self.house.until(key, "created")
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
    assert setup.invited[0].startswith(f"Now in a browser: open https://charge.example/c/{CODE}, choose bay 1,")
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
    report = setup.play(lambda: setup.house.request(1))
    assert failing(report)[0] is Step.PAY
    assert report.left == ()
    (session,) = setup.house.world.sessions()
    assert session.status in {"abandoned", "expired"}


def test_a_driver_of_the_kiosk_who_gives_up_is_told(setup: Setup) -> None:
    def gives_up() -> None:
        key = setup.house.request(1)
        setup.house.until(key, "created")
        setup.house.ask(key, Kind.CANCEL)

    step, why = failing(setup.play(gives_up))
    assert (step, why) == (Step.PAY, "the session has ended")


def test_a_broken_off_payment_is_cancelled_by_the_kiosk(setup: Setup) -> None:
    keys: list[str] = []

    def shows() -> None:
        keys.append(setup.house.request(1))
        setup.house.until(keys[0], "created")
        setup.house.run(1)
        raise KeyboardInterrupt

    report = setup.play(shows)
    assert failing(report) == (Step.START, "interrupted")
    assert setup.house.session(keys[0]).status == "abandoned"
    assert report.tidied == ("the session was cancelled", "the session is abandoned (cancelled_by_driver)")


def test_nobody_comes(setup: Setup) -> None:
    report = setup.play()
    assert failing(report) == (Step.START, "nobody started (waited 600 s)")
    assert [each.came for each in report.outcomes if each.step is Step.START] == ["there is no session"]
    assert report.left == ()


def test_a_bay_where_a_driver_waits_is_not_rehearsed_at(setup: Setup) -> None:
    key = setup.house.request(1)
    step, why = failing(setup.play())
    assert step is Step.START
    assert "another driver has a session there" in why
    assert setup.house.states(key, Kind.CANCEL) == []


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
    assert setup.lines[-1] == "5 steps went well in 0.0 s, 2 were skipped."
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
    assert failing(report) == (Step.CARD, "no connection could be made")


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
