"""The operator's bodies as the domain's: documented examples, odd values met in the wild, and anything at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import Connector
from kiosk.domain.site_board import (
    ChargerModel,
    ChargerRef,
    Location,
    MeterReading,
    PowerUsage,
    PublicCharging,
    SiteCharger,
    SiteConnector,
    SiteTransaction,
    Trouble,
)
from kiosk.domain.tariff import Tariff
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.http import decode
from kiosk.upstream.plugchoice.operator_reading import (
    read_charger,
    read_location,
    read_meter,
    read_one_charger,
    read_page,
    read_power,
    read_public_charging,
    read_site_connector,
    read_transaction,
)
from tests.upstream.operator_wire import (
    CHARGER,
    METER,
    POWER,
    SITE,
    charger,
    connector,
    running,
    settings,
    site_connector,
    transaction,
)

AT = datetime(2026, 1, 10, 1, 14, 32, tzinfo=UTC)


def wire(value: object) -> object:
    """As it comes: numbers with a point are exact decimals."""
    return decode(json.dumps(value).encode())


# --- sites and chargers


def test_the_documented_site_is_read() -> None:
    body = {
        "uuid": SITE,
        "id": 3,
        "name": "Main Office",
        "address": "Example Street 123, Amsterdam, NL",
        "country": "NL",
        "smart_charging": "disabled",
        "chargers_count": "5",
    }
    assert read_location(body) == Location(SITE, 3, "Main Office", "Example Street 123, Amsterdam, NL", "NL", 5)
    assert read_location({"uuid": SITE, "smart_charging": True}) == Location(SITE, None, None, None, None, None)


@pytest.mark.parametrize("value", [None, 5, [], {}, {"uuid": None}, {"uuid": " "}, {"name": "Main Office"}])
def test_a_site_without_a_uuid_is_left_out(value: object) -> None:
    assert read_location(value) is None


def test_the_documented_charger_is_read_with_its_null_capabilities() -> None:
    found = read_charger(wire(charger()))
    ref = ChargerRef(CHARGER, 596411, "VTT_0001", "Bay 1", "online", "Available")
    nothing = Trouble()
    assert found == SiteCharger(
        ref=ref,
        trouble=Trouble("NoError"),
        model=None,
        firmware="1.2.3",
        blocked=False,
        max_amperes=32,
        last_connection_at=AT,
        last_disconnection_at=None,
        last_heartbeat_at=AT + timedelta(hours=1, seconds=0.5),
        connectors=(
            SiteConnector(ref, Connector(1, "Available"), 11, None, None, nothing),
            SiteConnector(ref, Connector(2, None), 12, None, None, nothing),
        ),
    )


def test_a_charger_that_was_never_seen_is_read() -> None:
    body = charger(connection_status="never_seen", status=None, error=None, connectors=[], firmware_version=None)
    found = read_charger(body | {"parsed_firmware_version": None, "last_connection_at": None})
    assert found is not None
    assert (found.ref.online, found.ref.status, found.firmware, found.connectors) == (False, None, None, ())


def test_a_list_without_connectors_does_not_say_that_there_are_none() -> None:
    body = charger(model={"vendor": "ACME", "name": "Box", "is_dc": 1}, connectors=None)
    found = read_charger(body)
    assert found is not None
    assert (found.connectors, found.model) == (None, ChargerModel("ACME", "Box", True))


def test_the_raw_firmware_stands_in_for_the_parsed_one() -> None:
    found = read_charger(charger(parsed_firmware_version=None))
    assert found is not None
    assert found.firmware == "ACME 1.2.3+5"


def test_words_that_nobody_knows_are_kept_as_they_are() -> None:
    found = read_charger(charger(connection_status="sleeping", status="Dreaming", error="WeakSignal", connectors=[]))
    assert found is not None
    assert (found.ref.online, found.ref.status, found.trouble.error) == (None, "Dreaming", "WeakSignal")


def test_a_pin_code_is_not_taken_along() -> None:
    assert "98765" not in repr(read_charger(charger(pincode="98765")))


def test_connectors_without_a_number_and_repeated_ones_are_left_out() -> None:
    listed = [connector(1), connector(1, status="Faulted"), connector(0, connector_id=None), None, 7, connector(2)]
    found = read_charger(charger(connectors=listed))
    assert found is not None
    assert [each.connector.status for each in found.connectors or ()] == ["Available", "Available"]


def test_an_absurd_number_of_connectors_is_cut() -> None:
    found = read_charger(charger(connectors=[connector(number) for number in range(500)]))
    assert found is not None
    assert len(found.connectors or ()) == 100


@pytest.mark.parametrize("value", [None, "x", {}, charger(uuid=None), charger(uuid=True)])
def test_a_charger_without_a_uuid_is_left_out(value: object) -> None:
    assert read_charger(value) is None


@pytest.mark.parametrize("wrapped", [True, False])
def test_one_charger_may_be_wrapped_or_bare(wrapped: bool) -> None:
    body = {"data": charger()} if wrapped else charger()
    assert read_one_charger(body, CHARGER.upper()).ref.identity == "VTT_0001"


@pytest.mark.parametrize(
    "body", [None, [], {"data": None}, {"data": [charger()]}, {}, {"message": "x"}, charger(uuid="another")]
)
def test_an_answer_without_that_charger_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_one_charger(body, CHARGER)


# --- connectors of a site


def test_the_documented_connector_of_a_site_is_read() -> None:
    body = site_connector(
        2,
        max_amperage=32,
        max_voltage="400",
        standard="IEC 62196",
        format="Socket",
        power_type="AC_3_PHASE",
        phase_rotation="RST",
    )
    assert read_site_connector(wire(body | {"error_info": "hot\nplug", "vendor_error_code": 17})) == SiteConnector(
        charger=ChargerRef(CHARGER, 596411, "VTT_0001", None, "online", "Available"),
        connector=Connector(2, "Available", "IEC 62196", "Socket", "AC_3_PHASE", phase_rotation="RST"),
        id=12,
        max_amperes=32,
        max_volts=400,
        trouble=Trouble("NoError", "hot plug", "17"),
    )


@pytest.mark.parametrize(
    ("owner", "row", "ref"),
    [
        ({"uuid": "u"}, 5, ChargerRef("u", 5, None)),
        ({"uuid": "u", "id": None}, 5, ChargerRef("u", 5, None)),
        ({"uuid": "u", "id": 7}, 5, ChargerRef("u", 7, None)),
        ({"identity": "VTT"}, None, ChargerRef(None, None, "VTT")),
        (None, "5", ChargerRef(None, 5, None)),
        ([], 5, ChargerRef(None, 5, None)),
    ],
)
def test_the_charger_of_a_connector_is_known_by_whatever_names_it(owner: object, row: object, ref: ChargerRef) -> None:
    found = read_site_connector(connector(1, charger_id=row) | {"charger": owner})
    assert found is not None
    assert found.charger == ref


@pytest.mark.parametrize("value", [32, "32", "32.0", 32.0, " 32 "])
def test_a_text_is_a_number_too(value: object) -> None:
    found = read_site_connector(wire(site_connector(1) | {"max_amperage": value, "id": "11", "connector_id": value}))
    assert found is not None
    assert (found.max_amperes, found.id, found.connector.connector_id) == (32, 11, 32)


@pytest.mark.parametrize("value", [-1, 1.5, "many", True, [], 10_001, "1e400"])
def test_a_number_that_cannot_be_one_is_not_known(value: object) -> None:
    found = read_site_connector(wire(site_connector(1, max_amperage=value)))
    assert found is not None
    assert found.max_amperes is None
    assert read_site_connector(wire(site_connector(1) | {"connector_id": value})) is None


# --- settings


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_documented_settings_are_read(wrapped: bool) -> None:
    body = {"data": settings()} if wrapped else settings()
    assert read_public_charging(wire(body)) == PublicCharging(
        enabled=True,
        tariff=Tariff("EUR", 45, 100),
        preauth_minor=5000,
        public_code="AB12CD",
        public_url="https://scan.example/AB12CD",
        has_account=True,
        onboarding_complete=False,
        billing_plan="transaction",
        fee_percent=Decimal("3.5"),
    )


def test_a_charger_that_was_never_opened_has_neither_code_nor_price() -> None:
    body = settings(enabled=False, price_per_kwh=None, currency=None, public_code=None, public_url=None, connect=None)
    found = read_public_charging(body | {"billing": []})
    assert (found.enabled, found.tariff, found.public_code, found.public_url) == (False, None, None, None)
    assert (found.has_account, found.fee_percent) == (None, None)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "AB12CD", 5, "", "ftp://x"])
def test_an_address_that_is_none_of_the_web_is_absent(address: object) -> None:
    assert read_public_charging(settings(public_url=address)).public_url is None


@pytest.mark.parametrize("percent", [-1, 101, "much", None, True])
def test_a_fee_that_cannot_be_a_share_is_not_known(percent: object) -> None:
    assert read_public_charging(settings(billing={"fee_percent": percent})).fee_percent is None


@pytest.mark.parametrize("body", [None, [], {}, {"data": []}, {"message": "no"}, {"price_per_kwh": 45}])
def test_an_answer_without_settings_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_public_charging(body)


# --- transactions


def test_the_documented_transaction_is_read() -> None:
    assert read_transaction(wire(transaction())) == SiteTransaction(
        id=1,
        charger=ChargerRef(CHARGER, 596411, "VTT_0001", "Bay 1"),
        charger_connector_id=11,
        connector_id=1,
        id_tag="DLJN5625",
        active=False,
        meter_start_wh=29317,
        meter_stop_wh=37253,
        reported_kwh=Decimal("7.00"),
        started_at=AT,
        stopped_at=AT + timedelta(hours=2),
        stop_reason="EVDisconnected",
        is_valid=True,
    )


def test_the_list_of_a_charger_may_leave_out_charger_and_connector() -> None:
    body = running()
    del body["charger"], body["connector"]
    found = read_transaction(body)
    assert found is not None
    assert (found.charger, found.connector_id) == (ChargerRef(None, 596411, None), None)
    assert (found.charger_connector_id, found.active) == (11, True)


def test_the_list_of_a_team_names_the_connector_itself() -> None:
    found = read_transaction({"id": 5, "status": "active", "connector_id": 2})
    assert found is not None
    assert (found.connector_id, found.active, found.charger) == (2, True, None)


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"status": "active"}, True),
        ({"status": "Active"}, True),
        ({"status": None}, True),
        ({"status": "finished"}, False),
        ({"status": "paused"}, False),
        ({"stopped_at": "soon"}, False),
        ({"stop_reason": "Local"}, False),
        ({"stop_reason": ""}, True),
        ({"meter_stop": 0}, False),
        ({"meter_stop": 37253.5, "status": "active"}, False),
    ],
)
def test_a_transaction_runs_unless_anything_says_that_it_ended(changes: dict[str, Any], active: bool) -> None:
    found = read_transaction(wire(running(**changes)))
    assert found is not None
    assert found.active is active


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("7.94", Decimal("7.94")),
        (7.94, Decimal("7.94")),
        (7, Decimal(7)),
        ("0.00", Decimal(0)),
        (None, None),
        ("-", None),
        ("-1", None),
        ("NaN", None),
        (True, None),
    ],
)
def test_the_energy_is_a_text_or_a_number_or_nothing(said: object, read: Decimal | None) -> None:
    found = read_transaction(wire(transaction(total_kwh=said)))
    assert found is not None
    assert found.reported_kwh == read


@pytest.mark.parametrize(("said", "read"), [(True, True), (0, False), ("false", False), (None, None), ("maybe", None)])
def test_whether_it_is_valid_may_be_left_open(said: object, read: bool | None) -> None:
    found = read_transaction(transaction(is_valid=said))
    assert found is not None
    assert found.is_valid is read


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2026-01-10T01:14:32.000000Z", AT),
        ("2026-01-10T01:14:32.628Z", AT + timedelta(milliseconds=628)),
        ("2026-01-10T03:14:32+02:00", AT),
        ("2026-01-10 01:14:32", AT),
        ("yesterday", None),
        (1_768_000_000, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_every_way_to_write_a_moment_is_read(said: object, read: datetime | None) -> None:
    found = read_transaction(transaction(started_at=said))
    assert found is not None
    assert found.started_at == read


@pytest.mark.parametrize("value", [None, [], {}, transaction(id=None), transaction(id="x"), transaction(id=-1)])
def test_a_transaction_without_an_id_is_left_out(value: object) -> None:
    assert read_transaction(value) is None


# --- live values


def test_the_documented_power_is_read_with_dashes_and_blanks() -> None:
    at = datetime(2025, 10, 28, 16, 26, 14, 628_000, tzinfo=UTC)
    assert read_power(POWER) == PowerUsage(at, Decimal("16.0"), None, Decimal("0.0"), Decimal("3.68"))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("0", 0),
        (" 0.0", 0),
        ("-0.00", 0),
        (11, 11),
        ("-", None),
        ("-3", None),
        (None, None),
        ("1,5", None),
        (99_999, None),
    ],
)
def test_a_figure_of_power_is_a_sensible_number_or_not_known(said: object, read: int | None) -> None:
    kw = read_power({"data": {"kW": said}}).kw
    assert kw == read
    assert kw is None or not kw.is_signed()


@pytest.mark.parametrize("body", [None, [], {}, {"timestamp": "2026-01-10T01:14:32Z"}, {"data": None}])
def test_an_answer_without_power_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_power(body)


def meter(*samples: object, at: object = "2026-01-10T01:14:32Z") -> dict[str, object]:
    return {"timestamp": at, "sampledValue": list(samples)}


def register(*entries: object) -> MeterReading:
    return read_meter(wire({"connectorId": 1, "meterValue": list(entries)}), 1)


def test_a_value_without_a_measurand_is_the_energy_register_in_watt_hours() -> None:
    assert read_meter(METER, 1) == MeterReading(AT, Decimal(30317))


@pytest.mark.parametrize(
    ("sample", "watt_hours"),
    [
        ({"value": "30317"}, 30317),
        ({"value": 30317.5}, Decimal("30317.5")),
        ({"value": "30.317", "unit": "kWh"}, 30317),
        ({"value": "5", "measurand": "Energy.Active.Import.Register", "unit": "Wh", "location": "Outlet"}, 5),
        ({"value": "5", "measurand": None, "unit": None, "phase": None}, 5),
        ({"value": "5", "measurand": "Energy.Active.Import.Interval"}, None),
        ({"value": "5", "measurand": "Power.Active.Import"}, None),
        ({"value": "5", "phase": "L1"}, None),
        ({"value": "5", "location": "Inlet"}, None),
        ({"value": "5", "unit": "varh"}, None),
        ({"value": "signed", "format": "SignedData"}, None),
        ({"value": "-5"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_only_the_whole_imported_energy_is_the_register(sample: object, watt_hours: Decimal | int | None) -> None:
    assert register(meter(sample)).register_wh == watt_hours


def test_the_newest_register_counts_wherever_it_stands() -> None:
    late = "2026-01-10T01:14:42Z"
    power = {"value": "11000", "measurand": "Power.Active.Import", "unit": "W"}
    found = register(meter({"value": 2}, at=late), meter({"value": 1}), meter(power, at="2026-01-10T01:14:52Z"))
    assert found == MeterReading(AT + timedelta(seconds=10), Decimal(2))


def test_a_register_without_a_time_counts_when_there_is_no_other() -> None:
    assert register(meter({"value": 1}, at=None)) == MeterReading(None, Decimal(1))
    assert register(meter({"value": 2}), meter({"value": 1}, at=None)) == MeterReading(AT, Decimal(2))


@pytest.mark.parametrize("entries", [[], [None], [{}], [{"sampledValue": None}], [{"sampledValue": "x"}]])
def test_meter_values_without_a_register_leave_it_unknown(entries: list[object]) -> None:
    assert register(*entries) == MeterReading(None, None)


@pytest.mark.parametrize(
    "body", [None, {}, {"connectorId": 1}, {"meterValue": {}}, {"connectorId": 2, "meterValue": []}]
)
def test_an_answer_without_meter_values_of_that_connector_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_meter(body, 1)


# --- anything at all

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["-", " 0.0", "7.94", "1e400", "online", "2026-01-10T01:14:32Z", "Wh", "?page=2", "\ud800"])
)
NAMES = [
    *charger(),
    *site_connector(),
    *transaction(),
    *settings(),
    *POWER,
    "data",
    "links",
    "next",
    "next_page_url",
    "meta",
    "current_page",
    "last_page",
    "connectorId",
    "meterValue",
    "sampledValue",
    "value",
    "unit",
    "measurand",
    "model",
    "fee_percent",
]
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(set(NAMES))), inner, max_size=6),
    max_leaves=15,
)


def spoiled(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good body in which some fields are anything at all."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(good, JSON)).map(lambda odd: {**good, **odd})


METER_BODIES = st.lists(spoiled(meter({"value": 1})), max_size=3).map(lambda each: {"meterValue": each})
READERS: list[Callable[[object], object]] = [
    read_location,
    read_charger,
    read_site_connector,
    read_transaction,
    read_public_charging,
    read_power,
    lambda body: read_meter(body, 1),
    lambda body: read_one_charger(body, CHARGER),
]


@given(
    JSON
    | spoiled(charger())
    | spoiled(site_connector())
    | spoiled(transaction())
    | spoiled(settings())
    | spoiled(POWER)
    | METER_BODIES
)
def test_whatever_json_comes_it_is_the_domains_or_no_answer(value: object) -> None:
    body = wire(value)
    for read in READERS:
        try:
            found = read(body)
        except NoAnswer:
            continue
        repr(found).encode()  # no half characters
        hash(found)  # frozen to the ground


@given(st.tuples(spoiled(transaction()), st.integers(0, 10**6)))
def test_energy_is_never_negative_and_never_a_float(case: tuple[dict[str, Any], int]) -> None:
    found = read_transaction(wire(case[0]))
    if found is not None:
        energy = found.energy_kwh(Decimal(case[1]))
        assert energy is None or (type(energy) is Decimal and energy >= 0)
        assert found.reported_kwh is None or found.reported_kwh >= 0


@given(JSON | spoiled({"data": [], "links": {"next": "?page=2"}, "next_page_url": None, "meta": {}}))
def test_whatever_json_comes_it_is_a_page_or_no_answer(value: object) -> None:
    try:
        page = read_page(wire(value), "/chargers")
    except NoAnswer:
        return
    assert page.follow is None or page.more
    assert all(name in {"page", "cursor"} and told.isascii() for name, told in (page.follow or {}).items())
