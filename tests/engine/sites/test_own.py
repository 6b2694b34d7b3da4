"""The operator's own chargers: learnt from what the token sees, and kept while that fails, is cut or shrinks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from kiosk.domain.ownership import JUST_LEARNT, ListProblem, Whose, whose
from kiosk.engine.context import Context
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from tests.engine.site_house import PRICE, TOKEN, SiteHouse, code

LIST = "operator_chargers"
DAY = 24 * 3600.0


class Owner(SiteHouse):
    """A site whose operator's chargers are learnt, though none is listed."""

    def made_context(self) -> Context:
        return replace(super().made_context(), sites=(), learns_own_chargers=True)

    def own(self) -> int:
        return sum(self.store.is_own_charger(each) for each in self.codes)

    def whose(self, asked: str) -> Whose:
        own, known = self.store.is_own_charger(asked), self.store.own_list()
        return whose(own=own, learns=True, known=known, now=self.clock.now())

    @property
    def problem(self) -> ListProblem | None:
        return self.store.own_list().problem

    def ask(self, asked: str) -> None:
        """Somebody waits at that charger, whose card was read a moment ago."""
        self.store.save_card(self.context.public.get_charger(asked))
        assert self.store.ask_whose(asked, self.clock.now())

    def days(self, days: float) -> None:
        """They pass in steps of three hours, with a few rounds after each."""
        for _ in range(round(days * 8)):
            self.clock.advance(DAY / 8)
            self.run(3, every=1)

    def set_switches(self, switches: OperatorSwitches) -> None:
        """From now on the operator's endpoints answer so, to an engine that was started anew."""
        faults = self.faults["operator"]
        self.apps["operator"] = create_operator_app(self.world, TOKEN, faults=faults, switches=switches)
        self.restart()


Make = Callable[..., Owner]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Owner] = []

    def build(chargers: int = 25, switches: OperatorSwitches | None = None) -> Owner:
        made.append(Owner(tmp_path, chargers, switches=switches))
        return made[-1]

    yield build
    for house in made:
        house.close()


def test_they_are_all_known_within_half_a_minute_and_then_asked_for_seldom(make: Make) -> None:
    owner = make()
    owner.run(30)
    assert owner.own() == 25
    assert owner.whose("ZZZZZ") is Whose.ANOTHERS
    asked = owner.all_asked()
    owner.run(3000, every=60)
    assert owner.all_asked() == asked


def test_until_every_charger_was_asked_an_unknown_code_may_be_ours(make: Make) -> None:
    owner = make(45)
    owner.run(5)
    assert 0 < owner.own() < 45
    assert owner.whose(code(44)) is Whose.ASKING
    owner.run(30)
    assert owner.own() == 45
    assert owner.whose("ZZZZZ") is Whose.ANOTHERS


def test_the_charger_at_which_somebody_waits_is_asked_first(make: Make) -> None:
    """Its public card has the name under which the list knows it; which code is whose only its settings tell."""
    owner = make(200)
    owner.run(2)
    wanted = next(each for each in owner.codes if not owner.store.is_own_charger(each))
    owner.ask(wanted)
    owner.run(12)
    assert owner.store.is_own_charger(wanted)
    assert owner.own() <= 60


def test_a_charger_that_was_bought_since_the_last_look_is_ours_a_moment_after_the_first_scan(make: Make) -> None:
    owner = make()
    owner.world.hand_over(code(7))
    owner.run(30)
    assert owner.whose(code(7)) is Whose.ANOTHERS
    owner.world.hand_over(code(7), back=True)
    owner.run(JUST_LEARNT.total_seconds(), step=30)
    assert owner.whose(code(7)) is Whose.ASKING
    owner.ask(code(7))
    owner.run(12)
    assert owner.whose(code(7)) is Whose.OURS


def test_a_charger_that_got_another_code_is_ours_a_moment_after_the_first_scan(make: Make) -> None:
    owner = make(3)
    inner = httpx.WSGITransport(owner.apps["operator"])

    def renamed(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/settings/public-charging"):
            return None
        body = json.loads(inner.handle_request(request).read())
        return httpx.Response(200, json=body | {"public_code": f"OLD{body['public_code'][-2:]}"})

    owner.instead = renamed
    owner.run(30)
    owner.instead = lambda _request: None
    owner.run(JUST_LEARNT.total_seconds(), every=30)
    owner.ask(code(1))
    owner.run(15)
    assert owner.whose(code(1)) is Whose.OURS


def test_a_thousand_codes_of_others_cost_one_look_at_the_list_in_ten_minutes(make: Make) -> None:
    owner = make(3)
    owner.run(30)
    with owner.count(LIST) as lists, owner.count(PRICE) as settings:
        for number in range(1000):
            owner.store.ask_whose(f"Z{number}", owner.clock.now())
            if number % 20 == 0:
                owner.run(11, every=11)
    assert lists[0] <= 2
    assert settings[0] == 0


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, ListProblem.TOKEN),
        (403, ListProblem.NOT_ALLOWED),
        (404, ListProblem.REFUSED),
        (500, ListProblem.NO_ANSWER),
    ],
)
def test_a_list_that_cannot_be_read_takes_nothing_away_and_its_reason_is_kept(
    make: Make, status: int, problem: ListProblem
) -> None:
    owner = make()
    owner.run(30)
    owner.instead = lambda _request: httpx.Response(status, json={"message": "no"})
    owner.days(3)
    assert owner.own() == 25
    assert owner.problem is problem
    assert owner.whose("ZZZZZ") is Whose.NOT_KNOWN
    owner.instead = lambda _request: None
    owner.run(400, every=20)
    assert owner.store.own_list().problem is None
    assert owner.whose("ZZZZZ") is Whose.ANOTHERS


def test_a_list_that_could_never_be_read_calls_nobodys_charger_anothers(make: Make) -> None:
    owner = make(3, OperatorSwitches(permitted=False))
    owner.run(60)
    assert owner.problem is ListProblem.NOT_ALLOWED
    assert owner.whose(code(0)) is Whose.NOT_KNOWN


def test_a_token_that_may_not_see_the_settings_does_not_make_every_charger_anothers(make: Make) -> None:
    owner = make(3, OperatorSwitches(settings_permitted=False))
    owner.run(60)
    assert owner.problem is ListProblem.NO_SETTINGS
    assert owner.whose(code(0)) is Whose.NOT_KNOWN


def test_settings_that_give_no_answer_any_more_keep_the_codes_that_are_known(make: Make) -> None:
    owner = make(3)
    owner.run(30)
    owner.instead = lambda request: httpx.Response(500) if "/settings/" in request.url.path else None
    owner.days(1.5)
    assert owner.own() == 3


def test_one_charger_whose_settings_give_no_answer_keeps_no_other_from_being_learnt(make: Make) -> None:
    owner = make(45)
    inner = httpx.WSGITransport(owner.apps["operator"])
    listed = json.loads(inner.handle_request(_get("/api/v3/chargers")).read())["data"]
    stubborn = min(each["uuid"] for each in listed)
    owner.instead = lambda request: httpx.Response(500) if stubborn in request.url.path else None
    owner.run(60)
    assert owner.own() == 44


def test_half_a_list_never_takes_a_charger_away(make: Make) -> None:
    """It ends early and calls itself whole; the settings of what it lacks are still answered."""
    owner = make()
    owner.run(30)
    owner.set_switches(OperatorSwitches(list_ends_after=10))
    owner.days(3)
    assert owner.own() == 25


def test_an_empty_list_is_a_fault_and_no_sale_of_everything(make: Make) -> None:
    owner = make()
    owner.run(30)
    for each in owner.codes:
        owner.world.hand_over(each)
    owner.days(3)
    assert owner.own() == 25
    assert owner.problem is ListProblem.EMPTY


def test_a_list_with_more_pages_than_can_be_read_adds_what_it_shows_and_takes_nothing(make: Make) -> None:
    owner = make(25)
    owner.run(30)
    inner = httpx.WSGITransport(owner.apps["operator"])

    def without_end(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/chargers"):
            return None
        body = json.loads(inner.handle_request(request).read())
        body["data"] = body["data"][:5]
        body["links"]["next"] = "https://elsewhere.example/other?page=2"  # an address that nobody follows
        return httpx.Response(200, json=body)

    owner.instead = without_end
    owner.days(2)
    assert owner.own() == 25
    assert owner.problem is ListProblem.CUT


def test_a_charger_that_was_sold_is_ours_for_a_day_and_then_anothers(make: Make) -> None:
    owner = make()
    owner.run(30)
    owner.world.hand_over(code(0))
    owner.days(0.9)
    assert owner.whose(code(0)) is Whose.OURS
    owner.days(0.3)
    assert owner.own() == 24
    assert owner.whose(code(0)) is not Whose.OURS


def test_what_was_learnt_outlives_a_restart_without_upstream(make: Make) -> None:
    owner = make(3)
    owner.run(30)
    owner.instead = lambda _request: httpx.Response(503)
    owner.restart()
    owner.run(60)
    assert owner.own() == 3
    assert owner.whose("ZZZZZ") is Whose.ANOTHERS


def test_a_charger_that_is_closed_to_the_public_for_a_while_keeps_its_code(make: Make) -> None:
    owner = make(3)
    owner.run(30)
    owner.instead = lambda request: (
        httpx.Response(200, json={"enabled": False, "public_code": None})
        if request.url.path.endswith("/settings/public-charging")
        else None
    )
    owner.days(1.5)
    assert owner.own() == 3


def test_a_code_is_read_again_after_a_day(make: Make) -> None:
    owner = make()
    owner.run(30)
    since = owner.clock.now()
    owner.days(1.25)
    owner.run(30)
    asked = [each.asked_at for each in owner.store.own_chargers()]
    assert all(at is not None and at > since + timedelta(hours=20) for at in asked)


def _get(path: str) -> httpx.Request:
    return httpx.Request("GET", f"http://up{path}", headers={"Authorization": "Bearer operator-1"})
