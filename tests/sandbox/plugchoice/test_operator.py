"""The operator's stand-in, asked by the kiosk's own client: who may ask, lists of any length, charges, faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from werkzeug.serving import make_server

from kiosk.clock import ManualClock
from kiosk.domain.charger import ChargerCard, bay_state
from kiosk.domain.site_board import SiteTransaction
from kiosk.sandbox.plugchoice.office import SITE_UUID, charger_uuid
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.chargers import CODE_ALPHABET, ChargerSpec, ConnectorSpec
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Kind, Rule
from kiosk.sandbox.world.scene import CHARGERS, FAULTED, NEXT_DOOR, OFFLINE, build_scene
from kiosk.sandbox.world.world import World
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from tests.sandbox.sandbox_garage import AC, DC, PRICING, Garage

TOKEN = "12|operator-sesame"
BASE = "http://upstream.example/api/v3"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FORMS = ["simple", "length_aware", "flat", "bare"]


@dataclass
class Stand:
    """A world and its clock, where a whole garage is too much."""

    world: World
    clock: ManualClock


def stand(chargers: int) -> Stand:
    clock = ManualClock()
    made = Stand(World(clock, StripeBook(clock)), clock)
    for number in range(chargers):
        letters = CODE_ALPHABET[number // 32] + CODE_ALPHABET[number % 32]
        spec = ChargerSpec(f"222{letters}", f"Charger {number}", (ConnectorSpec(1, "AC_3_PHASE", 11_000),), PRICING)
        made.world.add_charger(spec)
    return made


@contextmanager
def client(
    place: Garage | Stand, *, token: str = TOKEN, faults: Faults | None = None, **switches: Any
) -> Iterator[PlugchoiceOperator]:
    app = create_operator_app(place.world, TOKEN, faults=faults, switches=OperatorSwitches(**switches))
    transport: httpx.BaseTransport = httpx.WSGITransport(app)
    if faults is not None:
        transport = FaultyTransport(transport, faults, lambda _method, _path: "charger")
    made = PlugchoiceOperator(BASE, token, clock=place.clock, transport=transport)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def raw(place: Garage | Stand, **switches: Any) -> Iterator[httpx.Client]:
    app = create_operator_app(place.world, TOKEN, switches=OperatorSwitches(**switches))
    with httpx.Client(transport=httpx.WSGITransport(app), base_url=BASE, headers=BEARER) as http:
        yield http


def active(place: Garage | Stand, **switches: Any) -> SiteTransaction:
    with client(place, **switches) as api:
        (found,) = api.site_transactions(SITE_UUID, "active").entries
    return found


# --- who may ask


@pytest.mark.parametrize("header", [{}, {"Authorization": TOKEN}, {"Authorization": "Bearer x"}])
def test_without_the_bearers_token_nothing_is_told(garage: Garage, header: dict[str, str]) -> None:
    app = create_operator_app(garage.world, TOKEN)
    with httpx.Client(transport=httpx.WSGITransport(app), base_url=BASE) as http:
        for path in ("sites", "chargers", f"sites/{SITE_UUID}/connectors", "chargers/nobody"):
            answer = http.get(path, headers=header)
            assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_a_wrong_token_is_refused_to_the_client(garage: Garage) -> None:
    with client(garage, token="12|simsim") as api, pytest.raises(Refused) as failed:
        api.sites()
    assert (failed.value.status, failed.value.message) == (401, "Unauthenticated.")


def test_a_token_without_permission_is_refused_differently(garage: Garage) -> None:
    with client(garage, permitted=False) as api, pytest.raises(Refused) as failed:
        api.site_chargers(SITE_UUID)
    assert (failed.value.status, failed.value.message) == (403, "This action is unauthorized.")


def test_five_hundred_requests_a_minute_are_answered_whatever_they_ask(garage: Garage) -> None:
    with raw(garage, requests_per_minute=3) as http:
        left = [http.get(path).headers["X-RateLimit-Remaining"] for path in ("sites", "chargers", "sites/nobody")]
        refused = http.get("sites")
        assert left == ["2", "1", "0"]
        assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
        assert refused.headers["Retry-After"] == "60"
        garage.clock.advance(60)
        assert http.get("sites").status_code == 200
    assert OperatorSwitches().requests_per_minute == 500


def test_the_clients_own_budget_meets_no_429(garage: Garage) -> None:
    with client(garage) as api:
        for _ in range(600):
            try:
                api.power_usage(charger_uuid(AC), 1)
            except NotSent:
                garage.clock.advance(1)
    assert garage.world.traffic.total(status=429) == 0


# --- lists of any length, in any form


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [0, 1, 25, 26, 200])
def test_a_site_of_any_size_is_read_whole_in_every_form(count: int, form: str) -> None:
    place = stand(count)
    with client(place, pages=form) as api:
        for listing in (api.site_chargers(SITE_UUID), api.chargers()):
            uuids = [each.ref.uuid for each in listing.entries]
            assert uuids == [charger_uuid(each.spec.code) for each in place.world.chargers()]
            assert listing.complete
        bays = api.site_connectors(SITE_UUID)
    assert (len(bays.entries), bays.complete) == (count, True)


def test_a_page_has_twenty_five_entries_and_the_documented_parts() -> None:
    place = stand(26)
    with raw(place) as http:
        first, second = http.get("chargers").json(), http.get("chargers?page=2").json()
    assert (len(first["data"]), len(second["data"])) == (25, 1)
    assert first["links"] == {
        "first": f"{BASE}/chargers?page=1",
        "last": None,
        "prev": None,
        "next": f"{BASE}/chargers?page=2",
    }
    assert first["meta"] == {
        "current_page": 1,
        "current_page_url": f"{BASE}/chargers?page=1",
        "from": 1,
        "path": f"{BASE}/chargers",
        "per_page": 25,
        "to": 25,
    }
    assert (second["links"]["prev"], second["links"]["next"]) == (f"{BASE}/chargers?page=1", None)


def test_the_other_forms_have_their_own_parts() -> None:
    place = stand(26)
    with raw(place, pages="length_aware") as http:
        meta = http.get("chargers").json()["meta"]
    assert (meta["last_page"], meta["total"], [each["active"] for each in meta["links"]]) == (2, 26, [True, False])
    with raw(place, pages="flat") as http:
        body = http.get("chargers?page=2").json()
    assert (body["next_page_url"], body["prev_page_url"]) == (None, f"{BASE}/chargers?page=1")
    assert (body["from"], body["to"]) == (26, 26)
    with raw(place, pages="bare") as http:
        assert http.get("chargers?page=3").json() == {"data": []}


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 20])
def test_a_page_that_is_none_is_the_first(garage: Garage, page: str) -> None:
    with raw(garage) as http:
        assert len(http.get("chargers", params={"page": page}).json()["data"]) == 2


def test_a_next_page_on_another_host_is_read_from_ours() -> None:
    with client(stand(26), next_host="http://10.0.0.5:8080") as api:
        assert len(api.chargers().entries) == 26


@pytest.mark.parametrize("repeats", [True, False])
def test_every_page_of_running_charges_holds_only_running_ones(garage: Garage, repeats: bool) -> None:
    for number, code in ((1, AC), (2, AC), (1, DC)):
        garage.charging(code, number)
    garage.world.unplug(AC, 2)
    garage.wait(20)
    with client(garage, page_size=1, next_repeats_filters=repeats) as api:
        found = api.site_transactions(SITE_UUID, "active").entries
    assert [(each.connector_id, each.active) for each in found] == [(1, True), (1, True)]


# --- what stands there


def test_the_site_is_listed_and_can_be_read_by_its_uuid(garage: Garage) -> None:
    with client(garage) as api:
        (site,) = api.sites().entries
        assert (site.uuid, site.chargers_count) == (SITE_UUID, 2)
        with pytest.raises(Refused) as failed:
            api.site_connectors("0d9c1f52-0000-0000-0000-000000000000")
    assert failed.value.status == 404
    with raw(garage) as http:
        assert http.get(f"sites/{SITE_UUID}").json()["data"]["name"] == site.name


@pytest.mark.parametrize("path", ["tariffs", "chargers/x/connectors/one/power-usage"])
def test_another_address_is_not_found(garage: Garage, path: str) -> None:
    with raw(garage) as http:
        answer = http.get(path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found."})


def test_every_bay_of_the_demo_is_on_the_board_in_its_state() -> None:
    clock = ManualClock()
    place = Stand(World(clock, StripeBook(clock)), clock)
    build_scene(place.world)
    with client(place) as api:
        bays = api.site_connectors(SITE_UUID).entries
    expected = {
        (each.spec.code, c.spec.connector_id): c.status for each in place.world.chargers() for c in each.connectors
    }
    assert {(each.charger.identity, each.connector.connector_id): each.connector.status for each in bays} == expected
    assert {each.charger.identity for each in bays if each.charger.online is False} == {OFFLINE}
    assert {each.charger.identity for each in bays if each.trouble.error != "NoError"} == {FAULTED}
    assert len({each.id for each in bays}) == sum(len(spec.connectors) for spec in CHARGERS)


def test_a_board_entry_makes_the_state_of_a_bay(garage: Garage) -> None:
    garage.world.plug_in(AC, 2)
    with client(garage) as api:
        bays = [each for each in api.site_connectors(SITE_UUID).entries if each.charger.identity == AC]
    now = garage.clock.now()
    card = ChargerCard(AC, None, bays[0].charger.online, tuple(each.connector for each in bays), None, None, now)
    assert [bay_state(card, each, now) for each in card.connectors] == ["free", "plugged"]


def test_one_charger_has_its_model_and_the_errors_of_its_connectors(garage: Garage) -> None:
    with client(garage) as api:
        found = api.charger(charger_uuid(DC))
        assert [each.ref.identity for each in api.chargers().entries if each.connectors is None] == [AC, DC]
        with pytest.raises(Refused) as failed:
            api.charger(charger_uuid("ZZZZZ"))
    assert found.model is not None
    assert (found.model.is_dc, found.ref.online) == (True, True)
    assert [each.trouble.error for each in found.connectors or ()] == ["NoError"]
    assert failed.value.status == 404


@pytest.mark.parametrize("known", [True, False])
def test_capabilities_may_be_null(garage: Garage, known: bool) -> None:
    with client(garage, capabilities_known=known) as api:
        ac, _, dc = api.site_connectors(SITE_UUID).entries
    told = (ac.max_amperes, ac.max_volts, ac.connector.phase_rotation, ac.connector.power_type, dc.connector.format)
    assert told == ((31, 230, "RST", "AC_3_PHASE", "Cable") if known else (None,) * 5)


def test_the_settings_join_a_charger_to_its_public_code(garage: Garage) -> None:
    with client(garage) as api:
        found = api.public_charging(charger_uuid(AC))
    assert (found.public_code, found.enabled, found.preauth_minor) == (AC, True, 5000)
    assert found.tariff is not None
    assert (found.tariff.currency, found.tariff.price_per_kwh_minor, found.tariff.start_fee_minor) == ("EUR", 49, 35)


def test_a_charger_that_is_not_public_has_no_code() -> None:
    place = stand(0)
    bay = ConnectorSpec(1, "AC_3_PHASE", 11_000)
    place.world.add_charger(ChargerSpec("22222", "Staff", (bay,), PRICING, public=False))
    with client(place) as api:
        found = api.public_charging(charger_uuid("22222"))
    assert (found.enabled, found.public_code, found.public_url, found.tariff) == (False, None, None, None)


# --- charges


def test_a_charger_that_was_sold_is_gone_from_every_list_and_still_sold_by_its_code(garage: Garage) -> None:
    code, uuid = AC, charger_uuid(AC)
    garage.world.plug_in(AC, 2)
    garage.world.hand_over(code)
    with client(garage) as api:
        assert uuid not in {each.ref.uuid for each in api.chargers().entries}
        assert uuid not in {each.charger.uuid for each in api.site_connectors(SITE_UUID).entries}
        with pytest.raises(Refused) as told:
            api.public_charging(uuid)
        assert told.value.status == 404
        assert api.site_transactions(SITE_UUID).complete
    view = garage.world.charger(code)
    assert view is not None
    assert view.anothers
    assert ("of another operator",) in [words for one, words in garage.world.moods() if one == code]
    garage.world.hand_over(code, back=True)
    with client(garage) as api:
        assert api.public_charging(uuid).public_code == code


def test_a_charger_that_always_was_anothers_is_on_no_list(garage: Garage) -> None:
    garage.world.add_charger(NEXT_DOOR)
    with client(garage) as api:
        assert charger_uuid(NEXT_DOOR.code) not in {each.ref.uuid for each in api.chargers().entries}
    assert garage.world.charger(NEXT_DOOR.code) is not None


def test_a_token_may_see_chargers_and_not_their_settings(garage: Garage) -> None:
    with client(garage, settings_permitted=False) as api:
        assert len(api.chargers().entries) == 2
        with pytest.raises(Refused) as told:
            api.public_charging(charger_uuid(AC))
        assert told.value.status == 403


@pytest.mark.parametrize("form", FORMS)
def test_half_a_list_calls_itself_whole(form: str) -> None:
    with client(stand(60), pages=form, list_ends_after=30) as api:
        listing = api.chargers()
    assert (len(listing.entries), listing.complete) == (30, True)


def test_a_running_charge_is_told_by_the_meter_and_not_by_its_total(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    found = active(garage)
    assert (found.active, found.connector_id, found.meter_stop_wh, found.stopped_at) == (True, 1, None, None)
    assert found.charger is not None
    assert (found.charger.identity, found.charger.uuid) == (AC, charger_uuid(AC))
    assert found.reported_kwh == 0
    assert token not in repr(found)
    with client(garage) as api:
        meter = api.latest_meter(charger_uuid(AC), 1)
    assert found.energy_kwh(meter.register_wh) == Decimal(garage.data(token)["energy_kwh"]) > 1
    assert meter.measured_at is not None
    assert garage.clock.now() - meter.measured_at <= timedelta(seconds=10)


@pytest.mark.parametrize(("running", "number"), [("live", False), ("live", True), ("null", False), ("null", True)])
def test_what_the_total_of_a_running_charge_holds_is_a_switch(garage: Garage, running: str, number: bool) -> None:
    garage.charging()
    garage.wait(600)
    total = active(garage, running_kwh=running, kwh_is_number=number).reported_kwh
    assert (total is None) if running == "null" else (total is not None and total > 1)


def test_the_total_of_a_running_charge_may_be_stale_or_disagree_with_the_meters(garage: Garage) -> None:
    garage.charging()
    garage.wait(600)
    with client(garage, running_kwh="live", running_kwh_every=300, kwh_is_whole=True) as api:
        (first,) = api.site_transactions(SITE_UUID, "active").entries
        garage.wait(290)
        (stale,) = api.site_transactions(SITE_UUID, "active").entries
        garage.wait(20)
        (anew,) = api.site_transactions(SITE_UUID, "active").entries
    meters = active(garage, running_kwh="live").reported_kwh
    assert meters is not None
    assert first.reported_kwh == stale.reported_kwh
    assert anew.reported_kwh == int(meters) < meters


@pytest.mark.parametrize("told", [True, False])
def test_only_the_row_of_a_connector_may_be_known_and_it_is_not_its_number(garage: Garage, told: bool) -> None:
    garage.charging()
    garage.wait(60)
    found = active(garage, connector_told=told)
    assert found.connector_id == (1 if told else None)
    assert found.charger_connector_id not in {None, 1}


def test_a_charge_may_be_told_late_or_never_and_its_stop_as_well(garage: Garage) -> None:
    garage.charging()
    garage.wait(20)

    def ids(**switches: Any) -> list[int]:
        with client(garage, **switches) as api:
            return [each.id for each in api.site_transactions(SITE_UUID, "active").entries]

    (number,) = ids()
    assert ids(told_after=60) == ids(never_told=frozenset({number})) == []
    garage.world.stop_at_charger(AC, 1)
    garage.wait(20)
    assert ids() == []
    assert ids(stop_told_after=60) == ids(never_stopped=frozenset({number})) == [number]
    garage.wait(60)
    assert ids(stop_told_after=60) == []


def test_a_list_of_charges_may_lack_the_total_of_the_site(garage: Garage) -> None:
    for told in (True, False):
        with raw(garage, total_told=told) as http:
            assert ("total_kwh" in http.get(f"/sites/{SITE_UUID}/transactions").json()) is told


def test_each_of_several_sites_has_its_own_chargers_and_charges(garage: Garage) -> None:
    garage.charging(AC, 1)
    garage.charging(DC, 1)
    garage.wait(60)
    app = create_operator_app(garage.world, TOKEN, sites={"north": {AC}, "south": {DC}})
    made = PlugchoiceOperator(BASE, TOKEN, clock=garage.clock, transport=httpx.WSGITransport(app))
    with closing(made) as api:
        assert [each.uuid for each in api.sites().entries] == ["north", "south"]
        for site, code in (("north", AC), ("south", DC)):
            assert [each.ref.identity for each in api.site_chargers(site).entries] == [code]
            (charge,) = api.site_transactions(site, "active").entries
            assert charge.charger is not None
            assert charge.charger.identity == code
            assert {each.charger.identity for each in api.site_connectors(site).entries} == {code}
        with pytest.raises(Refused):
            api.site_connectors(SITE_UUID)


def test_an_ended_charge_has_its_end_and_is_no_longer_active(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.stop_at_charger(AC, 1)
    garage.wait(20)
    with client(garage) as api:
        assert api.site_transactions(SITE_UUID, "active").entries == ()
        (found,) = api.site_transactions(SITE_UUID, "finished").entries
        assert found.energy_kwh() == Decimal(garage.data(token)["energy_kwh"])
        assert found.reported_kwh == found.energy_kwh().quantize(Decimal("0.01"))  # type: ignore[union-attr]
        assert (found.active, found.stop_reason, found.is_valid) == (False, "Local", True)
        meter = api.latest_meter(charger_uuid(AC), 1)
    assert meter.register_wh == found.meter_stop_wh


def test_the_charges_of_a_charger_are_its_own_and_do_not_say_whose_they_are(garage: Garage) -> None:
    garage.charging(AC, 2)
    garage.charging(DC, 1)
    with client(garage) as api:
        (found,) = api.charger_transactions(charger_uuid(AC)).entries
        bay = next(each for each in api.site_connectors(SITE_UUID).entries if each.id == found.charger_connector_id)
    assert (found.connector_id, found.charger.uuid if found.charger else "") == (None, None)
    assert (bay.charger.identity, bay.connector.connector_id) == (AC, 2)


def test_charges_are_filtered_by_time_and_cut_by_a_limit(garage: Garage) -> None:
    began = garage.clock.now()
    garage.charging(AC, 1)
    garage.wait(3600)
    garage.charging(AC, 2)
    garage.world.unplug(AC, 2)
    garage.wait(20)
    with client(garage) as api:
        late = api.site_transactions(SITE_UUID, started_from=began + timedelta(minutes=30))
        early = api.site_transactions(SITE_UUID, stopped_until=began + timedelta(minutes=30))
        limited = api.site_transactions(SITE_UUID, limit=1)
    assert ([each.connector_id for each in late.entries], early.entries) == ([2], ())
    assert ([each.connector_id for each in limited.entries], limited.complete) == ([2], False)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "10001"},
        {"limit": "all"},
        {"filter[status]": "paused"},
        {"filter[started_from]": "soon"},
        {"filter[stopped_until]": "0001-01-01T00:00:00+14:00"},
        {"filter[started_from]": "2026-02-01", "filter[stopped_until]": "2026-01-01"},
    ],
)
def test_a_bad_filter_is_refused_with_its_field(garage: Garage, query: dict[str, str]) -> None:
    with raw(garage) as http:
        answer = http.get(f"sites/{SITE_UUID}/transactions", params=query)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) <= set(query)


# --- live values


def test_the_power_is_that_of_the_running_charge(garage: Garage) -> None:
    garage.charging()
    garage.wait(60)
    with client(garage, padded_power=True) as api:
        found = api.power_usage(charger_uuid(AC), 1)
        idle = api.power_usage(charger_uuid(AC), 2)
    assert found.kw == 11
    assert found.l1_amperes == found.l2_amperes == found.l3_amperes == Decimal("15.9")
    assert idle.kw == idle.l1_amperes == 0


def test_phases_that_are_not_there_are_not_known(garage: Garage) -> None:
    garage.charging(DC, 1)
    garage.wait(60)
    with client(garage) as api:
        fast = api.power_usage(charger_uuid(DC), 1)
    assert fast.kw is not None
    assert fast.kw > 50
    assert (fast.l1_amperes, fast.l2_amperes, fast.l3_amperes) == (None, None, None)


def test_a_connector_that_is_not_there_has_no_power(garage: Garage) -> None:
    with client(garage) as api, pytest.raises(Refused) as failed:
        api.power_usage(charger_uuid(AC), 9)
    assert failed.value.status == 404


def test_a_charger_without_a_connection_is_known_by_what_it_last_told(garage: Garage) -> None:
    garage.charging()
    garage.wait(60)
    garage.world.set_online(AC, False)
    last = garage.world.transactions()[0].reported_at
    garage.world.unplug(AC, 1)
    garage.wait(600)
    with client(garage) as api:
        power, meter = api.power_usage(charger_uuid(AC), 1), api.latest_meter(charger_uuid(AC), 1)
        (found,) = api.site_transactions(SITE_UUID, "active").entries
        assert (power.kw, power.l1_amperes) == (None, None)
        assert (power.measured_at, meter.measured_at) == (last, last)
        garage.wait(10)
        garage.world.set_online(AC, True)
        assert api.site_transactions(SITE_UUID, "active").entries == ()
        (ended,) = api.site_transactions(SITE_UUID, "finished").entries
    assert (ended.id, ended.stop_reason) == (found.id, "EVDisconnected")


def test_a_charge_that_began_without_a_connection_is_heard_of_later(garage: Garage) -> None:
    garage.world.auto_plug = False
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    garage.wait(10)
    garage.world.set_online(AC, False)
    garage.wait(10)
    garage.world.plug_in(AC, 1, "family")
    garage.wait(10)
    assert garage.world.transactions()[0].active
    with client(garage) as api:
        assert api.site_transactions(SITE_UUID).entries == ()
        garage.world.set_online(AC, True)
        assert len(api.site_transactions(SITE_UUID).entries) == 1


def test_a_meter_that_has_counted_nothing_stands_at_zero(garage: Garage) -> None:
    with client(garage) as api:
        found = api.latest_meter(charger_uuid(AC), 1)
    assert found.register_wh == 0
    assert found.measured_at == garage.clock.now()


# --- bad days


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (Kind.SERVER_ERROR, NoAnswer),
        (Kind.BAD_GATEWAY, NoAnswer),
        (Kind.CHARGER_TIMEOUT, NoAnswer),
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
    with client(garage, faults=faults) as api:
        with pytest.raises(outcome):
            api.site_connectors(SITE_UUID)
        garage.clock.advance(60)
        assert len(api.site_connectors(SITE_UUID).entries) == 3


def test_a_slow_answer_comes_late(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.LATENCY, seconds=40))
    with client(garage, faults=faults) as api:
        listing = api.chargers()
    assert listing.seen_at - listing.asked_at == timedelta(seconds=40)


def test_a_fault_of_sessions_is_not_played_here(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.ENERGY_FALLS))
    with client(garage, faults=faults) as api:
        assert len(api.chargers().entries) == 2
    assert len(faults.waiting()) == 1


def test_a_real_server_cuts_the_connection(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.DROPPED))
    server = make_server("127.0.0.1", 0, create_operator_app(garage.world, TOKEN, faults=faults), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    api = PlugchoiceOperator(f"http://127.0.0.1:{server.server_port}/api/v3", TOKEN, clock=garage.clock)
    try:
        with pytest.raises(NoAnswer):
            api.sites()
        assert len(api.sites().entries) == 1
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_answer_is_counted(garage: Garage) -> None:
    faults = Faults()
    faults.add(Rule(Kind.SERVER_ERROR))
    with client(garage, faults=faults) as api:
        with pytest.raises(NoAnswer):
            api.sites()
        api.site_chargers(api.sites().entries[0].uuid)
    assert garage.world.traffic.counts() == {
        ("operator_sites", 500): 1,
        ("operator_sites", 200): 1,
        ("operator_site_chargers", 200): 1,
    }
