"""What must hold in the stand-in world whatever drivers, chargers and connections do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.sandbox.plugchoice.public import session_data
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.world.cars import MODELS
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.sessions import ENDED, KEEPS_CONNECTOR
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.traffic import WINDOW, Limits
from tests.examples import at_most
from tests.sandbox.sandbox_garage import AC, DC, DECLINED, VISA, Garage

QUICK = Switches(
    meter_interval=60,
    longest_charge=2 * 3600,
    offline_review_after=20 * 60,
    sessions_per_charger_per_hour=100,
    hold_life=24 * 3600,
    token_life_after_end=10 * 24 * 3600,
)
PLACES = [(AC, 1), (AC, 2), (DC, 1)]
place = st.sampled_from(PLACES)
nth = st.integers(0, 5)
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["begin", "begin and pay", "begin and pay"]), place),
    st.tuples(st.just("pay"), nth, st.sampled_from([VISA, VISA, DECLINED])),
    st.tuples(st.just("pay and confirm"), nth),
    st.tuples(st.sampled_from(["confirm", "stop", "cancel"]), nth),
    st.tuples(st.just("plug"), place, st.sampled_from(sorted(MODELS)), st.integers(0, 1000)),
    st.tuples(st.sampled_from(["unplug", "local stop", "break", "repair", "fill"]), place),
    st.tuples(st.sampled_from(["lose", "find", "reject", "refuse", "ignore", "fail capture"]), place),
    st.tuples(st.just("auto"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 3, 5, 8, 20, 60, 300, 1500])),
    st.tuples(st.just("wait"), st.integers(1, 1800)),
)
LONG = st.lists(ACTIONS, min_size=20, max_size=40)  # short lists hardly ever get a car charged


def play(garage: Garage, tokens: list[str], action: tuple[Any, ...]) -> None:
    """One action; what is refused or not possible changes nothing."""
    world = garage.world
    by_session = {"confirm": world.confirm, "stop": world.stop, "cancel": world.cancel}
    by_place: dict[str, Callable[[str, int], None]] = {
        "unplug": world.unplug,
        "local stop": world.stop_at_charger,
        "break": world.break_connector,
        "repair": world.repair_connector,
        "fill": world.fill_car,
    }
    by_code: dict[str, Callable[[str], None]] = {
        "lose": lambda code: world.set_online(code, False),
        "find": lambda code: world.set_online(code, True),
        "reject": world.reject_next_start,
        "refuse": world.refuse_next_stop,
        "ignore": world.ignore_next_stop,
        "fail capture": world.fail_next_capture,
    }
    name, *rest = action
    with suppress(Refusal, NotPossible, StripeProblem):
        if name == "wait":
            garage.wait(rest[0])
        elif name == "auto":
            world.auto_plug = rest[0]
        elif name == "begin":
            tokens.append(garage.begin(*rest[0]))
        elif name == "begin and pay":
            tokens.append(garage.begin(*rest[0]))
            garage.pay(tokens[-1])
        elif name == "plug":
            (code, connector_id), car, charge_permille = rest
            world.plug_in(code, connector_id, car, charge_permille)
        elif name in by_place:
            by_place[name](*rest[0])
        elif name in by_code:
            by_code[name](rest[0][0])
        elif tokens:
            token = tokens[rest[0] % len(tokens)]
            if name == "pay":
                garage.pay(token, rest[1])
            elif name == "pay and confirm":
                garage.pay(token)
                world.confirm(token)
            else:
                by_session[name](token)


def check(garage: Garage, energy: dict[str, int]) -> None:
    keepers: set[tuple[str, int]] = set()
    for session in garage.world.sessions():
        assert (session.cost_amount or 0) <= session.hold
        assert (session.amount_captured or 0) <= (session.amount_authorized or 0)
        assert (session.energy_wh or 0) >= energy.get(session.token, 0), "energy fell"
        energy[session.token] = session.energy_wh or 0
        if session.status in KEEPS_CONNECTOR:
            assert (session.code, session.connector_id) not in keepers, "two open sessions at one connector"
            keepers.add((session.code, session.connector_id))
    charging = [each.token for each in garage.world.transactions() if each.token is not None]
    assert len(charging) == len(set(charging)), "a session charged twice"


@settings(max_examples=at_most(150), deadline=None)
@given(LONG)
def test_every_session_that_is_left_alone_ends_with_its_hold_captured_or_released(
    actions: list[tuple[Any, ...]],
) -> None:
    garage = Garage(QUICK)
    tokens: list[str] = []
    energy: dict[str, int] = {}
    for action in actions:
        play(garage, tokens, action)
        check(garage, energy)
    garage.wait(28 * 3600, step=1800)
    check(garage, energy)
    for token in tokens:
        session = garage.session(token)
        intent = garage.book.get_intent(ACCOUNT, session.intent_id)
        assert session.status in ENDED
        assert intent["status"] in ("succeeded", "canceled")
        assert intent["amount_received"] == (session.amount_captured or 0)
        if session.amount_authorized is not None:
            charge = garage.book.get_charge(ACCOUNT, intent["latest_charge"])
            assert charge["amount_captured"] + charge["amount_refunded"] == session.amount_authorized


@settings(max_examples=at_most(60), deadline=None)
@given(LONG, st.integers(7, 90))
def test_a_seed_gives_the_same_world_however_often_somebody_looks(actions: list[tuple[Any, ...]], step: int) -> None:
    def run(look_every: int) -> list[Any]:
        garage = Garage(QUICK, seed=5)
        tokens: list[str] = []
        for action in actions:
            if action[0] == "wait":
                garage.wait(action[1], step=look_every)
            else:
                play(garage, tokens, action)
        garage.wait(4000, step=look_every)
        seen = [session_data(garage.world.session(token), QUICK) for token in tokens]
        return [tokens, seen, garage.world.chargers(), garage.world.news()]

    assert run(step) == run(5000)


@settings(max_examples=at_most(100))
@given(st.lists(st.integers(0, 40), min_size=1, max_size=80), st.integers(1, 6))
def test_a_limit_is_never_exceeded_in_any_minute(pauses: list[int], limit: int) -> None:
    garage = Garage()
    limits = Limits()
    allowed = []
    for pause in pauses:
        now = garage.clock.advance(pause)
        verdict = limits.spend("start", "address", limit, now)
        if verdict.retry_after is None:
            allowed.append(now)
        else:
            assert 1 <= verdict.retry_after <= 60
    for moment in allowed:
        assert sum(moment <= other < moment + WINDOW for other in allowed) <= limit
