"""One bad answer at each of the seven endpoints, before the effect or after it: the charge ends, and is held once."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.session import Phase
from kiosk.sandbox.world.faults import endpoint_of
from tests.engine.house import CODE, House

HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


@dataclass(frozen=True)
class Bad:
    """What is answered instead. `status` 0 is silence until the time limit. `after`: the work was done first."""

    status: int
    body: bytes = b'{"message": "No."}'
    after: bool = False
    retry_after: int | None = None

    def __str__(self) -> str:
        return f"{self.status or 'silence'}{'-after' if self.after else ''}{'-html' if self.body == HTML else ''}"


class Once(httpx.BaseTransport):
    """Answers the next call of one endpoint badly, and counts the calls of that endpoint."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.bad: Bad | None = None
        self.endpoint = ""
        self.calls = 0

    def next(self, endpoint: str, bad: Bad) -> None:
        self.endpoint, self.bad, self.calls = endpoint, bad, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if endpoint_of(request.method, request.url.path) != self.endpoint:
            return self._inner.handle_request(request)
        self.calls += 1
        bad, self.bad = self.bad, None
        if bad is None:
            return self._inner.handle_request(request)
        if bad.after:
            done = self._inner.handle_request(request)
            done.read()
            assert done.status_code in {200, 201}
        if not bad.status:
            raise httpx.ReadTimeout("silence", request=request)
        headers = {"Retry-After": str(bad.retry_after)} if bad.retry_after is not None else {}
        return httpx.Response(bad.status, content=bad.body, headers=headers, request=request)


GONE = Bad(404)
TOO_MANY = Bad(429, retry_after=20)
REFUSALS = [Bad(400), Bad(409), Bad(422)]
UNCERTAIN = [
    Bad(status, body, after)
    for after in (False, True)
    for status, body in ((500, b'{"message": "Server Error"}'), (502, HTML), (504, b"{}"), (0, b""))
]
CUT = [Bad(200, b'{"data": {"status": "char', after=True), Bad(200, HTML, after=True)]
SILENT = [bad for bad in UNCERTAIN if not bad.after]
EVERY = [*REFUSALS, GONE, TOO_MANY, *UNCERTAIN, *CUT]


@pytest.fixture
def wire(house: House) -> Once:
    once = Once(house.transport)
    house.transport = once  # type: ignore[assignment]  # the house only hands it to the client
    house.engine = house.new_engine()
    return once


def one_hold(house: House, key: str, end: str) -> None:
    """Nothing was held twice, and what was held has ended."""
    assert house.upstream_sessions() == 1
    assert house.states(key, Kind.START) == [CommandState.DONE]
    assert house.intent(key)["status"] == end
    assert house.store.occupied(CODE) == {}
    assert house.store.receipt(key) is not None


# --- start


STARTS: list[tuple[Bad, Phase, Refusal | None]] = [
    (Bad(400), Phase.REFUSED, Refusal.CHARGER_OFFLINE),
    (Bad(404), Phase.REFUSED, Refusal.UNKNOWN_CHARGER),
    (Bad(409), Phase.REFUSED, Refusal.CONNECTOR_BUSY),
    (Bad(422), Phase.REFUSED, Refusal.UNKNOWN_CONNECTOR),
    (Bad(422, b'{"errors": {"code": ["No."]}}'), Phase.REFUSED, Refusal.INVALID),
    *((bad, Phase.NO_ANSWER, None) for bad in [*UNCERTAIN, *CUT]),
]


@pytest.mark.parametrize(("bad", "phase", "refusal"), STARTS, ids=str)
def test_after_a_start_that_went_wrong_nothing_is_held_and_the_driver_can_start_again(
    house: House, wire: Once, bad: Bad, phase: Phase, refusal: Refusal | None
) -> None:
    wire.next("start", bad)
    key = house.request()
    house.run(400)
    session = house.session(key)
    assert (session.phase, session.refusal, wire.calls) == (phase, refusal, 1)
    assert house.store.payment(key) is None
    assert [str(one.status) for one in house.world.sessions()] == (["expired"] if bad.after else [])
    again = house.charging()
    house.ask(again, Kind.STOP)
    house.until(again, "captured")
    assert house.upstream_sessions() == (2 if bad.after else 1)


# --- confirm


@pytest.mark.parametrize("bad", EVERY, ids=str)
def test_a_confirm_that_went_wrong_loses_no_payment(house: House, wire: Once, bad: Bad) -> None:
    uncertain = bad not in REFUSALS and bad is not GONE
    if uncertain:
        house.world.lose_webhooks(10)
    house.world.plug_in(CODE, 1, "family", 200)
    key = house.request()
    house.watch(key)
    house.until(key, "created")
    house.pay(key)
    wire.next("confirm", bad)
    house.ask(key, Kind.CONFIRM)
    house.until(key, "charging", seconds=120 if uncertain else 900)
    assert bad is GONE or wire.calls == (2 if uncertain and not bad.after else 1)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    one_hold(house, key, "succeeded")


# --- stop, cancel


@pytest.mark.parametrize("bad", EVERY, ids=str)
def test_a_stop_that_went_wrong_still_ends_in_a_receipt(house: House, wire: Once, bad: Bad) -> None:
    key = house.charging()
    house.run(60)
    wire.next("stop", bad)
    house.ask(key, Kind.STOP)
    house.run(3)
    if bad in REFUSALS:
        expected = Refusal.CHARGER_OFFLINE if bad.status == 400 else Refusal.NOT_NOW
        assert (house.last(key, Kind.STOP).state, house.last(key, Kind.STOP).refusal) == (
            CommandState.REFUSED,
            expected,
        )
    if bad is GONE:
        assert house.session(key).energy_kwh is not None
    house.until(key, "captured", seconds=1000)
    assert wire.calls == (1 if bad.after else 2)
    one_hold(house, key, "succeeded")


@pytest.mark.parametrize("bad", EVERY, ids=str)
def test_a_cancel_that_went_wrong_still_gives_the_hold_back(house: House, wire: Once, bad: Bad) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.run(1)
    wire.next("cancel", bad)
    house.ask(key, Kind.CANCEL)
    house.run(3)
    if bad in REFUSALS:
        last = house.last(key, Kind.CANCEL)
        assert (last.state, last.refusal) == (CommandState.REFUSED, Refusal.NOT_NOW)
    house.until(key, "abandoned", seconds=1000)
    assert bad is GONE or wire.calls == (1 if bad.after else 2)
    one_hold(house, key, "canceled")


# --- e-mail


@pytest.mark.parametrize("bad", EVERY, ids=str)
def test_an_email_that_went_wrong_arrives_or_is_told_and_the_charge_is_untouched(
    house: House, wire: Once, bad: Bad
) -> None:
    key = house.charging()
    house.run(30)
    wire.next("receipt_email", bad)
    house.ask(key, Kind.RECEIPT_EMAIL, email="anna@mail.example")
    house.run(700 if bad is GONE else 60)
    last = house.last(key, Kind.RECEIPT_EMAIL)
    refused = bad in REFUSALS or (bad is GONE and last.state is CommandState.REFUSED)
    assert (last.state is CommandState.REFUSED) == refused
    assert house.session(key).email_known == (not refused)
    assert [one.driver_email for one in house.world.sessions()] == [None if refused else "anna@mail.example"]
    assert house.session(key).status == "charging"
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    one_hold(house, key, "succeeded")


# --- reads


@pytest.mark.parametrize(
    "bad", [Bad(400), Bad(401), Bad(403), Bad(409), Bad(422), GONE, TOO_MANY, *SILENT, *CUT], ids=str
)
def test_a_read_that_went_wrong_changes_no_figure_and_the_next_one_goes_on(house: House, wire: Once, bad: Bad) -> None:
    key = house.charging()
    house.run(60)
    before = house.session(key)
    wire.next("session", bad)
    for _ in house.steps(30):
        if wire.calls:
            break
    assert wire.bad is None
    during = house.session(key)
    assert (during.energy_kwh, during.cost_minor, during.status) == (before.energy_kwh, before.cost_minor, "charging")
    house.run(700 if bad is GONE else 90)
    after = house.session(key)
    assert after.phase is Phase.OPEN
    assert (after.energy_kwh or 0) > (before.energy_kwh or 0)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    one_hold(house, key, "succeeded")


@pytest.mark.parametrize(
    ("bad", "refusal"),
    [
        (Bad(404), Refusal.UNKNOWN_CHARGER),
        *((bad, Refusal.INVALID) for bad in REFUSALS),
        *((bad, None) for bad in [*SILENT, *CUT]),
    ],
    ids=str,
)
def test_a_card_that_could_not_be_read_keeps_the_last_one_and_is_read_again_when_wanted(
    house: House, wire: Once, bad: Bad, refusal: Refusal | None
) -> None:
    house.store.want_card(CODE, house.clock.now())
    house.run(2)
    before = house.store.card(CODE)
    assert before is not None
    house.run(60)
    wire.next("charger", bad)
    house.store.want_card(CODE, house.clock.now())
    house.engine.wake()
    house.run(5)
    problem = house.store.card_problem(CODE)
    assert problem is not None
    assert (problem.refusal, house.store.card(CODE), wire.calls) == (refusal, before, 1)
    house.run(30)
    house.store.want_card(CODE, house.clock.now())
    house.engine.wake()
    house.run(5)
    after = house.store.card(CODE)
    assert after is not None
    assert after.seen_at > before.seen_at
    assert house.store.card_problem(CODE) is None


def test_a_card_that_there_were_too_many_questions_for_is_read_when_upstream_says(house: House, wire: Once) -> None:
    wire.next("charger", TOO_MANY)
    house.store.want_card(CODE, house.clock.now())
    house.run(18)
    assert (house.store.card(CODE), house.store.card_problem(CODE), wire.calls) == (None, None, 1)
    house.run(3)
    house.store.want_card(CODE, house.clock.now())
    house.run(1)
    assert house.store.card(CODE) is not None
    assert wire.calls == 2
