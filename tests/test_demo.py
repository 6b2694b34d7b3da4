"""The stand-ins of the demo as the kiosk's own clients meet them: without a socket, each with its own bad luck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from kiosk.app import stop
from kiosk.clock import ManualClock
from kiosk.config.sites import load_site
from kiosk.demo import (
    EXAMPLE,
    LAB_TOKEN,
    OPERATOR_TOKEN,
    PILOT_KEY,
    PILOT_SECRET,
    Sandbox,
    create_demo_app,
    new_world,
    rough_words,
)
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.rough import Trouble
from kiosk.sandbox.world.scene import CHARGERS, FREE, build_scene
from kiosk.sandbox.world.world import World
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.plugchoice.budget import Budgets
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic

HERE = "http://127.0.0.1:8000/sandbox"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    world = World(clock, StripeBook(clock))
    build_scene(world)
    return Sandbox(world)


@pytest.fixture
def office(sandbox: Sandbox, clock: ManualClock) -> Iterator[PlugchoiceOperator]:
    client = PlugchoiceOperator(
        f"{HERE}/plugchoice/api/v3", OPERATOR_TOKEN, clock=clock, transport=sandbox.transports().operator
    )
    yield client
    client.close()


@pytest.fixture
def pilot(sandbox: Sandbox, clock: ManualClock) -> Iterator[ChargePilot]:
    client = ChargePilot(
        f"{HERE}/chargepilot/rest/v1",
        PILOT_KEY,
        PILOT_SECRET,
        clock=clock,
        transport=sandbox.transports().pilot,
    )
    yield client
    client.close()


@pytest.fixture
def lab(sandbox: Sandbox, clock: ManualClock) -> Iterator[Ocpplab]:
    client = Ocpplab(f"{HERE}/ocpplab", LAB_TOKEN, clock=clock, transport=sandbox.transports().lab)
    yield client
    client.close()


def test_both_halves_of_plugchoice_have_one_address(
    sandbox: Sandbox, office: PlugchoiceOperator, clock: ManualClock
) -> None:
    public = PlugchoicePublic(
        f"{HERE}/plugchoice/api/v3", clock=clock, budgets=Budgets(), transport=sandbox.transports().public
    )
    assert public.get_charger(FREE).name == "Charger 2"
    assert [site.uuid for site in office.sites().entries] == [SITE_UUID]
    public.close()


def test_chargepilot_takes_the_signed_requests(pilot: ChargePilot) -> None:
    (site,) = pilot.sites()
    tree = pilot.site(site.id).tree
    assert tree is not None
    assert [root.name for root in tree.roots] == ["Main fuse"]


def test_ocpplab_knows_the_chargers_of_the_world(lab: Ocpplab) -> None:
    assert {each.identity for each in lab.all_chargers()} == {each.code for each in CHARGERS}


@pytest.mark.parametrize(
    ("luck", "problem"), [("down", NotSent), ("refused", Refused), ("garbage", NoAnswer), ("truncated", NoAnswer)]
)
@pytest.mark.parametrize("unlucky", ["operator", "chargepilot", "ocpplab"])
def test_each_system_has_its_own_bad_luck_until_the_panel_ends_it(
    sandbox: Sandbox,
    office: PlugchoiceOperator,
    pilot: ChargePilot,
    lab: Ocpplab,
    unlucky: str,
    luck: str,
    problem: type[UpstreamError],
) -> None:
    calls = {"operator": office.sites, "chargepilot": pilot.sites, "ocpplab": lab.chargers}
    app = Flask("panel_test")
    sandbox.mount(app)
    panel = app.test_client()
    panel.post(f"/sandbox/system/{unlucky}/{luck}")
    for _ in range(2):
        for system, call in calls.items():
            if system == unlucky:
                with pytest.raises(problem):
                    call()
            else:
                assert call()
    panel.post(f"/sandbox/system/{unlucky}/good")
    assert calls[unlucky]()


def test_the_settings_of_the_demo_turn_every_system_on(tmp_path: Path) -> None:
    app = create_demo_app(10, 8000, tmp_path)
    settings = app.extensions["kiosk"].settings
    stop(app)
    assert settings.plugchoice_token.get_secret_value() == OPERATOR_TOKEN
    assert settings.chargepilot_secret.get_secret_value() == PILOT_SECRET
    assert settings.ocpplab_token.get_secret_value() == LAB_TOKEN
    assert settings.tablet_card_entry is True


def test_the_example_names_the_sites_that_the_stand_ins_know(office: PlugchoiceOperator, pilot: ChargePilot) -> None:
    (site,) = load_site(EXAMPLE).sites
    assert {site.plugchoice_site} == {each.uuid for each in office.sites().entries}
    assert {site.chargepilot_site} == {each.id for each in pilot.sites()}


def test_the_cars_of_the_demo_share_the_fuses_that_it_tells_of(tmp_path: Path) -> None:
    app = create_demo_app(10, 8000, tmp_path)
    sandbox: Sandbox = app.extensions["kiosk.sandbox"]
    stop(app)
    charging = [each for each in sandbox.world.transactions() if each.active]
    assert charging
    assert all(each.offered_ma for each in charging)


def test_a_rough_demo_says_what_is_rough(tmp_path: Path) -> None:
    app = create_demo_app(10, 8000, tmp_path, rough=3)
    sandbox: Sandbox = app.extensions["kiosk.sandbox"]
    stop(app)
    assert len(rough_words(app)) == len(Trouble)
    assert {each for each, on, _times in sandbox.world.troubles() if on} == set(Trouble)
    intervals = {mood for _code, moods in sandbox.world.moods() for mood in moods}
    assert {"its meter is told every 300 s", "its meter is told every 900 s"} <= intervals


def test_a_demo_is_gentle_unless_asked(tmp_path: Path) -> None:
    app = create_demo_app(10, 8000, tmp_path)
    stop(app)
    assert rough_words(app) == []


def test_the_seed_of_a_rough_demo_settles_what_is_open() -> None:
    def open_questions(seed: int) -> tuple[bool, bool]:
        switches = new_world(ManualClock(), rough=seed).switches
        return switches.ignored_stop_is_stopping, switches.hourly_limit_sends_retry_after

    assert len({open_questions(seed) for seed in range(4)}) == 4
    assert open_questions(5) == open_questions(5)
