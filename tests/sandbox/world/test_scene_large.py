"""The large site: believable, the same at every run, of several pages, and its fuses hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.sandbox.chargepilot.gateway import fuse_tree
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.fuse_plan import Fuse, plan_fuses
from kiosk.sandbox.world.scene_large import large_scene
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.upstream.chargepilot.reading import read_tree
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator

TOKEN = "operator"


def opened(chargers: int = 200, *, binding: bool = True) -> World:
    clock = ManualClock()
    world = World(clock, StripeBook(clock), Switches(fuses_bind=binding))
    large_scene(world, chargers)
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return opened()


def test_two_hundred_chargers_of_every_kind_and_mood(world: World) -> None:
    views = world.chargers()
    states = Counter(each.real_status for view in views for each in view.connectors)
    assert len({view.spec.code for view in views}) == len({view.spec.name for view in views}) == 200
    assert {each.supply for view in views for each in view.spec.connectors} == {"AC_1_PHASE", "AC_3_PHASE", "DC"}
    assert len({view.pricing for view in views}) == 4
    assert 0 < sum(not view.online for view in views) < 20
    assert states["Charging"] > 80
    assert states["Available"] > 80
    assert 0 < states["Faulted"] < 20
    assert states["Preparing"] > 5


def test_every_run_opens_the_same_site(world: World) -> None:
    assert opened().chargers() == world.chargers()
    assert large_scene_codes(20) != large_scene_codes(21)


def large_scene_codes(chargers: int) -> set[str]:
    return {view.spec.code for view in opened(chargers).chargers()}


def all_fuses(top: Fuse) -> Iterator[Fuse]:
    yield top
    for each in top.fuses:
        yield from all_fuses(each)


def test_its_fuses_leave_everybody_something_and_are_never_overloaded(world: World) -> None:
    offered = {(each.code, each.connector_id): each.offered_ma or 0 for each in world.transactions() if each.active}
    assert len(offered) > 80
    assert all(share >= 6000 for share in offered.values())
    for fuse in all_fuses(plan_fuses([view.spec for view in world.chargers()])):
        codes = {station.spec.code for station in fuse.all_stations()}
        assert sum(share for (code, _), share in offered.items() if code in codes) <= fuse.limit_a * 1000


def test_its_fuse_tree_has_boards_between_the_main_fuse_and_the_cabinets(world: World) -> None:
    tree = read_tree([fuse_tree([view.spec for view in world.chargers()], world.clock.now())])
    assert tree is not None
    assert tree.complete
    (main,) = tree.roots
    boards = [node for node in main.children if (node.name or "").startswith("Board")]
    assert len(boards) > 3
    assert {(cabinet.name or "").split()[0] for board in boards for cabinet in board.children} == {"Cabinet"}


def test_the_operators_lists_have_several_pages(world: World) -> None:
    pages: list[str] = []
    clock = ManualClock()
    app = create_operator_app(world, TOKEN)
    transport = httpx.WSGITransport(app)

    class Counting(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            pages.append(request.url.path)
            return transport.handle_request(request)

    client = PlugchoiceOperator("http://office.example/api/v3", TOKEN, clock=clock, transport=Counting())
    listing = client.site_connectors(SITE_UUID)
    client.close()
    assert listing.complete
    assert len(listing.entries) == sum(len(view.connectors) for view in world.chargers())
    assert len(pages) > 3
