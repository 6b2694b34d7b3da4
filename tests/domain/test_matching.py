"""Which transaction is whose: found when it is sure, and never when it is not."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.matching import RUNS_WITHIN, SLACK, MeterStand, matches, may_be, may_run, running_matches, stand_of
from kiosk.domain.session import Phase, Session
from kiosk.domain.site_board import ChargerRef, SiteTransaction

from .made import BEGAN, CODE, CODES, ENDED, a_session, after
from .made import a_transaction as transaction


def charged(key: str = "k", begin: float = BEGAN, energy: str = "7.9", **more: object) -> Session:
    facts: dict[str, object] = {
        "code": CODE,
        "connector_id": 1,
        "phase": Phase.OPEN,
        "status": "captured",
        "requested_at": after(begin - 60),
        "charging_started_at": after(begin),
        "completed_at": after(begin + ENDED - BEGAN),
        "status_since": after(begin + ENDED - BEGAN + 20),
        "energy_kwh": Decimal(energy),
    }
    return a_session(key=key, **(facts | more))


def test_the_only_one_that_fits_is_its_own() -> None:
    found = matches([charged()], [transaction(), transaction(2, begin=9000)], CODES)
    assert found == {"k": MeterStand(1, after(64), after(2463), 29_317, 37_253, "EVDisconnected")}
    assert found["k"].energy_kwh == Decimal("7.936")


@pytest.mark.parametrize(
    "changed",
    [
        {"active": True},
        {"is_valid": False},
        {"meter_start_wh": None},
        {"meter_stop_wh": None},
        {"meter_stop_wh": 29_316},
        {"started_at": None},
        {"stopped_at": None},
        {"stopped_at": after(0)},
        {"connector_id": 2},
        {"connector_id": None},
        {"charger": None},
        {"charger": ChargerRef(None, 7, "CP-1")},
        {"charger": ChargerRef("ffff", 7, "CP-1")},
        {"charger": ChargerRef("nobody's", 7, "CP-1")},
        {"meter_stop_wh": 37_253 + 400},
        {"started_at": after(BEGAN + 301)},
        {"started_at": after(BEGAN - 301)},
        {"stopped_at": after(ENDED + 301)},
    ],
)
def test_what_does_not_fit_in_one_thing_fits_not_at_all(changed: dict[str, Any]) -> None:
    assert matches([charged()], [transaction(**changed)], CODES) == {}


def test_a_session_whose_energy_nobody_told_is_not_matched() -> None:
    assert matches([charged(energy_kwh=None)], [transaction()], CODES) == {}


def test_without_the_times_of_upstream_the_kiosks_own_bound_it() -> None:
    session = charged(charging_started_at=None, completed_at=None)
    assert matches([session], [transaction()], CODES).keys() == {"k"}
    assert not may_be(session, transaction(started_at=after(-301)))
    assert not may_be(session, transaction(started_at=after(3000), stopped_at=after(5000)))


def test_two_that_fit_one_session_are_both_left_alone() -> None:
    assert matches([charged()], [transaction(1), transaction(2)], CODES) == {}


def test_one_that_fits_two_sessions_belongs_to_neither() -> None:
    assert matches([charged("a"), charged("b")], [transaction()], CODES) == {}


def test_what_belongs_to_another_session_already_leaves_the_rest() -> None:
    assert matches([charged()], [transaction(1), transaction(2)], CODES, taken={1})["k"].number == 2


def test_a_charge_of_nothing_has_its_stands_too() -> None:
    nothing = transaction(meter_stop_wh=29_317)
    assert matches([charged(energy="0")], [nothing], CODES)["k"].energy_kwh == 0


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=8),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_order_does_not_matter_and_nothing_is_used_twice(
    asked: list[tuple[int, int]], seen: list[tuple[int, int]], chance: random.Random
) -> None:
    sessions = [
        charged(f"k{number}", begin=minute * 60, energy=f"{energy / 10}")
        for number, (minute, energy) in enumerate(asked)
    ]
    transactions = [
        transaction(number, begin=minute * 60, meter_stop_wh=29_317 + energy * 100)
        for number, (minute, energy) in enumerate(seen)
    ]
    found = matches(sessions, transactions, CODES)
    numbers = [one.number for one in found.values()]
    assert len(set(numbers)) == len(numbers)
    by_key = {one.key: one for one in sessions}
    for key, stand in found.items():
        fitting = [one for one in transactions if may_be(by_key[key], one)]
        assert [one.id for one in fitting] == [stand.number]
        assert sum(may_be(one, fitting[0]) for one in sessions) == 1
        assert abs(stand.started_at - (by_key[key].charging_started_at or stand.started_at)) <= SLACK
    mixed_sessions, mixed = list(sessions), list(transactions)
    chance.shuffle(mixed_sessions)
    chance.shuffle(mixed)
    assert matches(mixed_sessions, [*mixed, *mixed], CODES) == found


def test_a_stand_says_what_the_register_said() -> None:
    stand = stand_of(transaction())
    assert stand is not None
    assert (stand.start_wh, stand.stop_wh, stand.stopped_at - stand.started_at) == (
        29_317,
        37_253,
        timedelta(seconds=2399),
    )


# --- charges that go on


def goes_on(key: str = "k", begin: float = BEGAN, **more: object) -> Session:
    facts: dict[str, Any] = {"status": "charging", "completed_at": None, "energy_kwh": None}
    return charged(key, begin, **(facts | more))


def active(number: int = 1, begin: float = BEGAN, **more: Any) -> SiteTransaction:
    facts: dict[str, Any] = {"active": True, "meter_stop_wh": None, "stopped_at": None, "stop_reason": None}
    return transaction(number, begin, **(facts | more))


def test_a_running_charge_has_the_transaction_that_began_with_it() -> None:
    found = running_matches([goes_on()], [active(), active(2, begin=-90_000), active(3, connector_id=2)], CODES)
    assert {key: one.id for key, one in found.items()} == {"k": 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"active": False},
        {"is_valid": False},
        {"started_at": None},
        {"started_at": after(BEGAN - 121)},
        {"started_at": after(BEGAN + 121)},
        {"connector_id": 2},
        {"connector_id": None},
        {"charger": None},
        {"charger": ChargerRef(None, 7, "CP-1")},
        {"charger": ChargerRef("ffff", 7, "CP-1")},
        {"charger": ChargerRef("eeee", 7, "CP-1")},
    ],
    ids=str,
)
def test_what_is_not_surely_its_own_is_not_taken_for_it(changed: dict[str, Any]) -> None:
    assert running_matches([goes_on()], [active(**changed)], CODES) == {}


@pytest.mark.parametrize("status", ["created", "settling", "captured", "requires_review"])
def test_a_session_that_does_not_charge_has_none(status: str) -> None:
    assert running_matches([goes_on(status=status)], [active()], CODES) == {}


def test_the_row_of_a_connector_is_never_taken_for_its_number() -> None:
    assert running_matches([goes_on()], [active(connector_id=None, charger_connector_id=1)], CODES) == {}


def test_one_that_never_ended_fits_nobody_who_came_later() -> None:
    left_running = active(1, begin=BEGAN - 3600)
    assert running_matches([goes_on()], [left_running], CODES) == {}
    found = running_matches([goes_on()], [left_running, active(2)], CODES)
    assert found["k"].id == 2


def test_a_start_that_is_about_to_charge_finds_what_has_begun_since_it_was_paid() -> None:
    session = goes_on(status="starting", charging_started_at=None, authorized_at=after(30))
    assert running_matches([session], [active()], CODES).keys() == {"k"}
    assert running_matches([session], [active(begin=30 - 130)], CODES) == {}


@given(
    st.lists(st.integers(0, 12), max_size=6),
    st.lists(st.integers(0, 12), max_size=6),
    st.randoms(use_true_random=False),
)
def test_of_running_ones_too_no_match_is_made_that_is_not_sure(
    asked: list[int], seen: list[int], chance: random.Random
) -> None:
    sessions = [goes_on(f"k{number}", begin=half * 30) for number, half in enumerate(asked)]
    transactions = [active(number, begin=half * 30) for number, half in enumerate(seen)]
    found = running_matches(sessions, transactions, CODES)
    for session in sessions:
        fitting = [one for one in transactions if may_run(session, one)]
        sure = len(fitting) == 1 and sum(may_run(one, fitting[0]) for one in sessions) == 1
        assert (found.get(session.key) in fitting) is sure
        if sure:
            began = found[session.key].started_at
            assert began is not None
            assert abs(began - (session.charging_started_at or began)) <= RUNS_WITHIN
    mixed_sessions, mixed = list(sessions), [*transactions, *transactions]
    chance.shuffle(mixed_sessions)
    chance.shuffle(mixed)
    assert running_matches(mixed_sessions, mixed, CODES) == found


@pytest.mark.parametrize("connector_id", [None, 2])
def test_at_another_connector_or_at_an_untold_one_nothing_is_surely_its_own(connector_id: int | None) -> None:
    assert not may_run(goes_on(), active(connector_id=connector_id))
    assert may_run(goes_on(), active())
