"""ChargePilot's stand-in: signatures, the world's chargers in a believable tree, faults, the way to a driver's kW."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from kiosk.clock import ManualClock
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import Assumption, Expectation, Place, PoweredCharger
from kiosk.domain.power import expected_power
from kiosk.sandbox.chargepilot.gateway import PilotSwitches, create_chargepilot_app, fuse_tree
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.chargers import ConnectorSpec
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Kind, Rule
from kiosk.sandbox.world.fuse_plan import amperes
from kiosk.sandbox.world.scene import CHARGERS, build_scene
from kiosk.sandbox.world.world import World
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.chargepilot.reading import PilotSite
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, UpstreamError
from tests.sandbox.sandbox_garage import AC, DC, Garage

KEY = "key-7"
SECRET_WORD = "sesame"
BASE = "http://pilot.example/rest/v1"


@dataclass
class Stand:
    """A world and its clock, where a whole garage is too much."""

    world: World
    clock: ManualClock


def app_of(garage: Garage | Stand, switches: PilotSwitches | None = None, faults: Faults | None = None) -> Any:
    return create_chargepilot_app(garage.world, garage.clock, KEY, SECRET_WORD, faults=faults, switches=switches)


@contextmanager
def client(
    garage: Garage | Stand,
    switches: PilotSwitches | None = None,
    *,
    faults: Faults | None = None,
    key: str = KEY,
    secret: str = SECRET_WORD,
    full_path: bool = True,
    late: float = 0,
) -> Iterator[ChargePilot]:
    """The kiosk's own client; `late` seconds is how far its clock is behind."""
    transport: httpx.BaseTransport = httpx.WSGITransport(app_of(garage, switches, faults))
    if faults is not None:
        transport = FaultyTransport(transport, faults, lambda _method, _path: "charger")
    clock = ManualClock(garage.clock.now() - timedelta(seconds=late))
    made = ChargePilot(BASE, key, secret, clock=clock, full_path=full_path, transport=transport)
    try:
        yield made
    finally:
        made.close()


def status_of(garage: Garage, switches: PilotSwitches | None = None, **more: Any) -> int:
    """200, or the status of the refusal."""
    with client(garage, switches, **more) as pilot:
        try:
            pilot.sites()
        except Refused as refused:
            return refused.status
    return 200


# --- who may ask


def test_a_request_that_is_signed_by_hand_as_documented_is_answered(garage: Garage) -> None:
    seconds = str(int(garage.clock.now().timestamp()))
    key = hashlib.sha256(b"sesame").hexdigest()
    signed = hmac.HMAC(key.encode(), f"GET:/rest/v1/sites?from=2024-01-01:{seconds}:".encode(), "sha256").hexdigest()
    headers = {"x-api-key": KEY, "x-req-timestamp": seconds, "x-signature": signed}
    with httpx.Client(transport=httpx.WSGITransport(app_of(garage)), base_url=BASE) as http:
        assert http.get("sites?from=2024-01-01", headers=headers).status_code == 200
        assert http.get("sites", headers=headers).status_code == 401
        assert http.get("sites?from=2024-01-01", headers=headers | {"x-signature": signed.upper()}).status_code == 401
        assert http.get("sites?from=2024-01-01").json() == {"statusCode": 401, "message": "Unauthorized"}


@pytest.mark.parametrize(("late", "status"), [(0, 200), (300, 200), (301, 401), (-300, 200), (-301, 401)])
def test_a_clock_that_is_off_by_more_than_five_minutes_is_refused(garage: Garage, late: float, status: int) -> None:
    assert status_of(garage, late=late) == status


@pytest.mark.parametrize("wrong", [{"key": "key-8"}, {"secret": "simsim"}])
def test_a_wrong_key_or_secret_is_refused(garage: Garage, wrong: dict[str, Any]) -> None:
    assert status_of(garage, **wrong) == 401


@pytest.mark.parametrize("told", ["", "soon", "-5", "1" * 13, "1.5"])
def test_a_time_that_is_none_is_refused(garage: Garage, told: str) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app_of(garage)), base_url=BASE) as http:
        headers = {"x-api-key": KEY, "x-req-timestamp": told, "x-signature": "00"}
        assert http.get("sites", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("signed_path", "full_path", "status"),
    [
        ("full", True, 200),
        ("full", False, 401),
        ("short", True, 401),
        ("short", False, 200),
        ("either", True, 200),
        ("either", False, 200),
    ],
)
def test_which_path_is_signed_is_a_switch(garage: Garage, signed_path: Any, full_path: bool, status: int) -> None:
    assert status_of(garage, PilotSwitches(signed_path=signed_path), full_path=full_path) == status


def test_mounted_elsewhere_the_whole_path_is_signed(garage: Garage) -> None:
    mounted = DispatcherMiddleware(lambda _environ, _start: [], {"/pilot": app_of(garage)})
    url = "http://host.example/pilot/rest/v1"
    pilot = ChargePilot(url, KEY, SECRET_WORD, clock=garage.clock, transport=httpx.WSGITransport(mounted))
    assert len(pilot.sites()) == 1
    pilot.close()


# --- what is there


def test_there_is_one_site_and_it_can_be_read_by_its_id(garage: Garage) -> None:
    with client(garage) as pilot:
        (site,) = pilot.sites()
        assert pilot.site(site.id) == site
        assert site.timezone == "Europe/Berlin"
        with pytest.raises(Refused) as failed:
            pilot.site("site-of-nobody")
    assert failed.value.status == 404


def test_another_address_is_not_found(garage: Garage) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app_of(garage)), base_url=BASE) as http:
        assert http.get("tariffs").json() == {"statusCode": 404, "message": "Not Found"}


@pytest.mark.parametrize("wrapper", [None, "data", "sites"])
def test_the_list_may_be_wrapped(garage: Garage, wrapper: Any) -> None:
    assert status_of(garage, PilotSwitches(wrapper=wrapper)) == 200


def test_the_trees_connectors_are_those_of_the_world(garage: Garage) -> None:
    tree = fuse_tree(CHARGERS, garage.clock.now())
    found = [
        (connector["charging_station_id"], int(connector["connector_id"]))
        for cabinet in tree["children"]
        for station in cabinet["children"]
        for connector in station["parameters"]["connectors"]
    ]
    assert sorted(found) == sorted((spec.code, each.connector_id) for spec in CHARGERS for each in spec.connectors)


def test_the_sum_of_the_fallbacks_stays_below_the_main_fuse(garage: Garage) -> None:
    tree = fuse_tree(CHARGERS, garage.clock.now())
    stations = [station["parameters"] for cabinet in tree["children"] for station in cabinet["children"]]
    fallbacks = sum(station["fallback"] * len(station["connectors"]) for station in stations)
    assert fallbacks + tree["parameters"]["meter"]["fallback_value"] < tree["parameters"]["limit"]


@pytest.mark.parametrize(
    ("connector", "current"),
    [
        (ConnectorSpec(1, "AC_3_PHASE", 22_000), 32),
        (ConnectorSpec(1, "AC_3_PHASE", 11_000), 16),
        (ConnectorSpec(1, "AC_1_PHASE", 7_400), 32),
        (ConnectorSpec(1, "AC_3_PHASE", 60_000), 80),
        (ConnectorSpec(1, "DC", 150_000), 235),
    ],
)
def test_a_connector_takes_what_its_power_needs(connector: ConnectorSpec, current: int) -> None:
    assert amperes(connector) == current


def test_the_roof_gives_nothing_at_night(garage: Garage) -> None:
    def roof(hour: int) -> float:
        current: float = fuse_tree((), garage.clock.now().replace(hour=hour))["children"][-1]["parameters"]["meter"][
            "producer_current"
        ]
        return current

    assert (roof(2), roof(12), roof(23)) == (0, 45, 0)


# --- through the client to the driver


def cards(world: World) -> list[PoweredCharger]:
    return [
        PoweredCharger(
            ChargerCard(
                each.spec.code,
                each.spec.name,
                each.online,
                tuple(
                    Connector(c.spec.connector_id, c.status, power_type=c.spec.supply if c.spec.described else None)
                    for c in each.connectors
                ),
                None,
                None,
                world.clock.now(),
            )
        )
        for each in world.chargers()
    ]


def expectations(garage: Garage | Stand, switches: PilotSwitches | None = None) -> dict[Place, Expectation]:
    with client(garage, switches) as pilot:
        (site,) = pilot.sites()
    return expected_power(site.tree, cards(garage.world), garage.clock.now())


def test_a_driver_is_told_the_cabinet_that_the_bays_share(garage: Garage) -> None:
    found = expectations(garage)
    bay = found[Place(AC, 1)]
    assert (str(bay.now.kw), str(bay.full.kw), str(bay.most_kw)) == ("22.0", "21.7", "22.0")
    assert (bay.full.bound.name, str(bay.full.bound.limit_amperes), bay.full.bound.sharers) == ("Cabinet A", "63", 2)
    fast = found[Place(DC, 1)]
    assert (str(fast.now.kw), str(fast.most_kw), fast.now.bound.name) == ("102.6", "150.7", "Cabinet DC")


def test_the_demos_garage_has_an_answer_for_every_bay() -> None:
    clock = ManualClock()
    scene = Stand(World(clock, StripeBook(clock)), clock)
    build_scene(scene.world)
    found = expectations(scene)
    assert len(found) == sum(len(spec.connectors) for spec in CHARGERS)
    offline = {place.code for place, each in found.items() if each.now.bound.kind == "offline"}
    assert offline == {"9QX6B"}
    assert all(each.most_kw is not None and not each.at_most for each in found.values())


def site_of(garage: Garage, switches: PilotSwitches) -> PilotSite:
    with client(garage, switches) as pilot:
        return pilot.sites()[0]


def test_a_tree_that_is_too_deep_is_not_complete(garage: Garage) -> None:
    tree = site_of(garage, PilotSwitches(oddity="deep")).tree
    assert tree is not None
    assert not tree.complete
    assert Assumption.TREE_INCOMPLETE in expectations(garage, PilotSwitches(oddity="deep"))[Place(AC, 1)].assumptions


def test_ids_that_come_again_and_again_promise_no_more(garage: Garage) -> None:
    straight, again = expectations(garage), expectations(garage, PilotSwitches(oddity="repeated"))
    for place, each in straight.items():
        for one, two in ((again[place].now, each.now), (again[place].full, each.full)):
            assert one.kw is not None
            assert two.kw is not None
            assert one.kw <= two.kw


def test_strange_fields_leave_what_can_be_read(garage: Garage) -> None:
    bay = expectations(garage, PilotSwitches(oddity="strange"))[Place(AC, 1)]
    assert bay.now.kw is not None
    assert Assumption.LIMIT_NOT_KNOWN in bay.assumptions


# --- bad days


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (Kind.SERVER_ERROR, NoAnswer),
        (Kind.BAD_GATEWAY, NoAnswer),
        (Kind.TOO_MANY, Refused),
        (Kind.TRUNCATED, NoAnswer),
        (Kind.HTML, NoAnswer),
        (Kind.EMPTY, NoAnswer),
        (Kind.UNREACHABLE, NotSent),
        (Kind.DROPPED, NoAnswer),
        (Kind.TIMEOUT, NoAnswer),
    ],
)
def test_each_fault_ends_in_our_own_errors_and_then_is_over(
    garage: Garage, kind: Kind, outcome: type[UpstreamError]
) -> None:
    faults = Faults()
    faults.add(Rule(kind))
    with client(garage, faults=faults) as pilot:
        with pytest.raises(outcome):
            pilot.sites()
        assert len(pilot.sites()) == 1


def test_a_slow_answer_comes_late(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.LATENCY, seconds=40))
    before = garage.clock.now()
    with client(garage, faults=faults) as pilot:
        assert len(pilot.sites()) == 1
    assert garage.clock.now() - before == timedelta(seconds=40)


def test_a_fault_of_sessions_is_not_played_here(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.ENERGY_FALLS))
    with client(garage, faults=faults) as pilot:
        assert len(pilot.sites()) == 1
    assert len(faults.waiting()) == 1


def test_a_real_server_cuts_the_connection(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.DROPPED))
    server = make_server("127.0.0.1", 0, app_of(garage, faults=faults), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    pilot = ChargePilot(f"http://127.0.0.1:{server.server_port}/rest/v1", KEY, SECRET_WORD, clock=garage.clock)
    try:
        with pytest.raises(NoAnswer):
            pilot.sites()
        assert len(pilot.sites()) == 1
    finally:
        pilot.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_answer_is_counted(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.SERVER_ERROR))
    with client(garage, faults=faults) as pilot:
        with pytest.raises(NoAnswer):
            pilot.sites()
        pilot.site(pilot.sites()[0].id)
    assert garage.world.traffic.counts() == {
        ("chargepilot_sites", 500): 1,
        ("chargepilot_sites", 200): 1,
        ("chargepilot_site", 200): 1,
    }
