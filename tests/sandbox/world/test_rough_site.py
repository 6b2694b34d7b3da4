"""A rough site by chance: all of it happens within an hour, a seed gives the same again, and it can be turned off."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.sandbox.world.faults import Faults, Kind, Rule
from kiosk.sandbox.world.line import Delays
from kiosk.sandbox.world.rough import OF_SESSION, OF_SITE, Trouble
from kiosk.sandbox.world.scene import CHARGERS
from kiosk.sandbox.world.sessions import ENDED
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.switches import Switches
from tests.sandbox.sandbox_garage import AC, DC, Garage

PLACES = ((AC, 1), (AC, 2), (DC, 1))
SWITCHES = Switches(rollback_needs_review=False, sessions_per_charger_per_hour=40)


def rough(seed: int, *only: Trouble, switches: Switches = SWITCHES) -> Garage:
    garage = Garage(switches)
    garage.world.make_rough(garage.faults, seed=seed)
    for trouble in Trouble:
        garage.world.set_trouble(trouble, not only or trouble in only)
    return garage


def visit(garage: Garage, code: str, connector_id: int) -> str | None:
    """A driver who starts, pays, charges a little and stops, trying again where they are refused. Over the wire."""
    answer = garage.http.post("sessions", json={"code": code, "connector_id": connector_id})
    if answer.status_code != 201:
        garage.wait(60)
        return None
    token: str = garage.world.sessions()[-1].token
    garage.pay(token)
    garage.http.post(f"sessions/{token}/confirm")
    for _minute in range(6):
        garage.wait(30, step=10)
        garage.http.get(f"sessions/{token}")
    for _try in range(10):
        raw = next(each for each in garage.world.sessions() if each.token == token)
        if raw.status in ENDED:
            break
        garage.http.post(f"sessions/{token}/{'stop' if raw.status == 'charging' else 'cancel'}")
        garage.wait(40, step=10)
    return token


def an_hour(garage: Garage) -> list[str | None]:
    end = garage.clock.now().timestamp() + 3600
    visits: list[str | None] = []
    while garage.clock.now().timestamp() < end or len(visits) < 48:
        visits.append(visit(garage, *PLACES[len(visits) % 3]))
    return visits


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_everything_happens_within_some_dozens_of_sessions(seed: int) -> None:
    garage = rough(seed)
    an_hour(garage)
    missing = [trouble for trouble, _on, times in garage.world.troubles() if not times]
    assert missing == []


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_a_rough_site_still_lets_most_charge_and_every_hold_end(seed: int) -> None:
    garage = rough(seed)
    visits = an_hour(garage)
    garage.wait(26 * 3600, step=3600)
    sessions = garage.world.sessions()
    assert {each.status for each in sessions} <= ENDED
    assert sum(each.status == "captured" for each in sessions) >= len(visits) // 2


def test_the_same_seed_deals_the_same() -> None:
    def run(seed: int) -> list[Any]:
        garage = rough(seed)
        for place in PLACES * 3:
            visit(garage, *place)
        return [garage.world.troubles(), garage.world.news(), garage.clock.now()]

    assert run(5) == run(5)
    assert run(5) != run(6)


@pytest.mark.parametrize("trouble", OF_SESSION)
def test_a_trouble_that_is_off_does_not_happen(trouble: Trouble) -> None:
    garage = rough(3, *(each for each in OF_SESSION if each is not trouble))
    for place in PLACES * 4:
        visit(garage, *place)
    played = {each: times for each, _on, times in garage.world.troubles()}
    assert played[trouble] == 0 < sum(played.values())


def test_what_is_turned_off_is_gone_at_once() -> None:
    garage = rough(4)
    mine = Rule(Kind.TOO_MANY, "stop")
    garage.faults.add(mine)
    for place in PLACES * 6:
        visit(garage, *place)
    for trouble in Trouble:
        garage.world.set_trouble(trouble, False)
    assert [rule for rule, _left in garage.faults.waiting()] in ([mine], [])
    assert garage.world.moods() == ()
    assert (garage.world.limits.window, garage.world.limits.foreign_share) == ("sliding", 0.0)
    assert garage.world.line.delays == Delays()
    views = {each.spec.code: each for each in garage.world.chargers()}
    assert (views[AC].pricing.price_per_kwh, views[AC].spec.preauth_amount) == (49, 5000)


def test_a_site_has_meters_of_every_kind() -> None:
    garage = rough(1, Trouble.RARE_METERS)
    assert [mood for _code, moods in garage.world.moods() for mood in moods] == [
        "its meter is told every 300 s",
        "its meter is told every 60 s",
    ]
    assert len(CHARGERS) >= 6  # so that the demo's site has the rest of them too


def test_a_gentle_site_has_no_troubles_to_turn_on(garage: Garage) -> None:
    assert garage.world.troubles() == ()
    with pytest.raises(NotPossible):
        garage.world.set_trouble(Trouble.TIMER, True)


def test_every_trouble_has_its_words() -> None:
    assert len({each.words for each in Trouble}) == len(Trouble) == len(OF_SITE) + len(OF_SESSION)


def test_faults_can_take_back_one_rule() -> None:
    faults = Faults()
    one, other = Rule(Kind.EMPTY, times=3), Rule(Kind.EMPTY, times=3)
    faults.add(one)
    faults.add(other)
    faults.take("session", frozenset(Kind))
    faults.drop(one)
    assert faults.waiting() == ((other, 3),)
