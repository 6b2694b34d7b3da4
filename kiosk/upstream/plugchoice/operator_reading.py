"""The operator's bodies of Plugchoice as the domain's site board, and the four forms of its pages.

Any field may be missing, null, strange or absurd. What cannot be read is None, an entry that cannot be told from others
is left out, and a body that says nothing at all is NoAnswer, so that the last good data stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl, unquote, urlsplit

from kiosk.domain.charger import Connector, connector_word
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
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.plugchoice.price_parts import PRICING, SETTINGS, worded_prices
from kiosk.upstream.plugchoice.public_reading import read_tariff
from kiosk.upstream.values import (
    as_count,
    as_flag,
    as_kwh,
    as_minor,
    as_moment,
    as_number,
    as_object,
    as_text,
    as_word,
)

_MOST_ID = 10**15
_MOST_NUMBER = 10_000
"""Of connectors, amperes, volts and kilowatts alike."""
_MOST_WH = 10**12
_MOST_CONNECTORS = 100
_POSITION = ("page", "cursor")
_PLACE = re.compile(r"[!-~]{1,1000}", re.ASCII)
_REGISTER = "energy.active.import.register"
_WH = {"": 1, "wh": 1, "kwh": 1000}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


# --- pages


@dataclass(frozen=True, slots=True)
class Page:
    """`more` is what upstream says of a next page, None when it does not say. `follow` are the parameters that ask for
    it; None with `more` when its address cannot be used. `total_kwh` stands beside a list of transactions."""

    entries: Sequence[object]
    more: bool | None
    follow: Mapping[str, str] | None = None
    total_kwh: Decimal | None = None


def read_page(body: object, path: str) -> Page:
    """One page of the list at `path`, in any form: simple, length-aware, flat or bare. Raises NoAnswer without a list.

    Of the next page's address only the position is taken: never its host, and nothing from the address of another list.
    """
    if isinstance(body, list):
        return Page(body, None)
    fields = as_object(body) or {}
    entries = fields.get("data")
    if not isinstance(entries, list):
        raise NoAnswer("an answer without a list")
    total = as_kwh(fields.get("total_kwh"))
    meta = as_object(fields.get("meta")) or fields
    addresses = [
        holder[name]
        for holder, name in ((as_object(fields.get("links")) or {}, "next"), (fields, "next_page_url"))
        if name in holder
    ]
    address = next((each for each in addresses if each not in (None, "")), None)
    if address is not None:
        return Page(entries, True, _position(address, path), total)
    if addresses:
        return Page(entries, False, None, total)
    current, last = (as_count(meta.get(name), _MOST_ID) for name in ("current_page", "last_page"))
    if current is None or last is None:
        return Page(entries, None, None, total)
    follow = {"page": str(current + 1)} if current < last else None
    return Page(entries, follow is not None, follow, total)


def _position(address: object, path: str) -> Mapping[str, str] | None:
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
        told = parse_qsl(parts.query, max_num_fields=50)
    except ValueError:
        return None
    if parts.path and not unquote(parts.path).rstrip("/").endswith(unquote(path)):
        return None
    return {name: value for name, value in told if name in _POSITION and _PLACE.fullmatch(value)} or None


# --- sites, chargers, connectors


def read_location(value: object) -> Location | None:
    """None without a uuid."""
    fields = as_object(value) or {}
    uuid = as_text(fields.get("uuid"))
    if uuid is None:
        return None
    return Location(
        uuid=uuid,
        id=as_count(fields.get("id"), _MOST_ID),
        name=as_text(fields.get("name")),
        address=as_text(fields.get("address")),
        country=as_text(fields.get("country"), 40),
        chargers_count=as_count(fields.get("chargers_count"), _MOST_ID),
    )


def read_charger(value: object) -> SiteCharger | None:
    """None without a uuid, by which alone a charger can be asked for."""
    fields = as_object(value) or {}
    ref = _ref(fields)
    if ref is None or ref.uuid is None:
        return None
    listed = fields.get("connectors")
    return SiteCharger(
        ref=ref,
        trouble=_trouble(fields),
        model=_model(fields.get("model")),
        firmware=as_text(fields.get("parsed_firmware_version")) or as_text(fields.get("firmware_version")),
        blocked=as_flag(fields.get("blocked")),
        max_amperes=as_count(fields.get("max_current"), _MOST_NUMBER),
        last_connection_at=as_moment(fields.get("last_connection_at")),
        last_disconnection_at=as_moment(fields.get("last_disconnection_at")),
        last_heartbeat_at=as_moment(fields.get("last_heartbeat_at")),
        connectors=_connectors(listed, ref) if isinstance(listed, list) else None,
    )


def read_one_charger(body: object, asked_uuid: str) -> SiteCharger:
    """Raises NoAnswer when it says nothing of a charger, or speaks of another one than was asked for."""
    charger = read_charger(_bare(body))
    if charger is None:
        raise NoAnswer("an answer without a charger")
    if (charger.ref.uuid or "").casefold() != asked_uuid.casefold():
        raise NoAnswer("an answer about another charger")
    return charger


def read_site_connector(value: object) -> SiteConnector | None:
    """An entry of the list of a site. None without a number or a charger: then it is no bay that one can find."""
    fields = as_object(value) or {}
    ref = _owner(fields)
    return None if ref is None else _connector(fields, ref)


def _connectors(listed: Sequence[object], ref: ChargerRef) -> tuple[SiteConnector, ...]:
    found: dict[int, SiteConnector] = {}
    for entry in listed[:_MOST_CONNECTORS]:
        connector = _connector(as_object(entry) or {}, ref)
        if connector is not None:
            found.setdefault(connector.connector.connector_id, connector)
    return tuple(found.values())


def _connector(fields: Mapping[str, object], ref: ChargerRef) -> SiteConnector | None:
    number = as_count(fields.get("connector_id"), _MOST_NUMBER)
    if number is None:
        return None
    return SiteConnector(
        charger=ref,
        connector=Connector(
            connector_id=number,
            status=connector_word(as_word(fields.get("status"))),
            standard=as_text(fields.get("standard"), 40),
            format=as_text(fields.get("format"), 40),
            power_type=as_text(fields.get("power_type"), 40),
            phase_rotation=as_word(fields.get("phase_rotation")),
        ),
        id=as_count(fields.get("id"), _MOST_ID),
        max_amperes=as_count(fields.get("max_amperage"), _MOST_NUMBER),
        max_volts=as_count(fields.get("max_voltage"), _MOST_NUMBER),
        trouble=_trouble(fields),
    )


def _owner(fields: Mapping[str, object]) -> ChargerRef | None:
    """The charger beside something that belongs to it; its row may stand outside, or alone."""
    charger = as_object(fields.get("charger")) or {}
    row = charger.get("id")
    return _ref({**charger, "id": fields.get("charger_id") if row is None else row})


def _ref(fields: Mapping[str, object]) -> ChargerRef | None:
    uuid, identity = as_text(fields.get("uuid")), as_text(fields.get("identity"))
    row = as_count(fields.get("id"), _MOST_ID)
    if uuid is None and identity is None and row is None:
        return None
    return ChargerRef(
        uuid=uuid,
        id=row,
        identity=identity,
        reference=as_text(fields.get("reference")),
        connection_status=as_word(fields.get("connection_status")),
        status=as_word(fields.get("status")),
    )


def _trouble(fields: Mapping[str, object]) -> Trouble:
    return Trouble(
        error=as_word(fields.get("error")),
        info=as_text(fields.get("error_info")),
        vendor_code=as_text(fields.get("vendor_error_code")),
    )


def _model(value: object) -> ChargerModel | None:
    fields = as_object(value)
    if fields is None:
        return None
    return ChargerModel(as_text(fields.get("vendor")), as_text(fields.get("name")), as_flag(fields.get("is_dc")))


# --- settings


def read_public_charging(body: object) -> PublicCharging:
    """Raises NoAnswer when it does not say whether, and under which code, the charger is open to everybody."""
    fields = _bare(body)
    if not fields.keys() & {"enabled", "public_code"}:
        raise NoAnswer("an answer without settings")
    connect = as_object(fields.get("connect")) or {}
    billing = as_object(fields.get("billing")) or {}
    percent = as_number(billing.get("fee_percent"))
    return PublicCharging(
        enabled=as_flag(fields.get("enabled")),
        tariff=None if worded_prices(fields, SETTINGS) else read_tariff({name: fields.get(name) for name in PRICING}),
        preauth_minor=as_minor(fields.get("preauth_amount")),
        public_code=as_text(fields.get("public_code"), 40),
        public_url=_web_address(fields.get("public_url")),
        has_account=as_flag(connect.get("has_account")),
        onboarding_complete=as_flag(connect.get("onboarding_complete")),
        billing_plan=as_word(billing.get("plan")),
        fee_percent=percent if percent is not None and 0 <= percent <= 100 else None,
    )


def _web_address(value: object) -> str | None:
    text = as_text(value, 500) if isinstance(value, str) else None
    return text if text is not None and text.lower().startswith(("https://", "http://")) else None


# --- transactions


def read_transaction(value: object) -> SiteTransaction | None:
    """None without an id. It runs unless anything says that it ended."""
    fields = as_object(value) or {}
    row = as_count(fields.get("id"), _MOST_ID)
    if row is None:
        return None
    connector = as_object(fields.get("connector")) or fields
    ended = any(fields.get(name) not in (None, "") for name in ("stopped_at", "meter_stop", "stop_reason"))
    return SiteTransaction(
        id=row,
        charger=_owner(fields),
        charger_connector_id=as_count(fields.get("charger_connector_id"), _MOST_ID),
        connector_id=as_count(connector.get("connector_id"), _MOST_NUMBER),
        id_tag=as_text(fields.get("id_tag"), 40),
        active=not ended and (as_word(fields.get("status")) or "active").lower() == "active",
        meter_start_wh=as_count(fields.get("meter_start"), _MOST_WH),
        meter_stop_wh=as_count(fields.get("meter_stop"), _MOST_WH),
        reported_kwh=as_kwh(fields.get("total_kwh")),
        started_at=as_moment(fields.get("started_at")),
        stopped_at=as_moment(fields.get("stopped_at")),
        stop_reason=as_word(fields.get("stop_reason")),
        is_valid=as_flag(fields.get("is_valid")),
    )


# --- live values


def read_power(body: object) -> PowerUsage:
    """`-`, which upstream writes for "not known", is None. Raises NoAnswer when there are no figures in it."""
    fields = _bare(body)
    names = ("L1", "L2", "L3", "kW")
    if not fields.keys() & set(names):
        raise NoAnswer("an answer without power")
    l1, l2, l3, kw = (_within(fields.get(name), _MOST_NUMBER) for name in names)
    return PowerUsage(as_moment(fields.get("timestamp")), l1, l2, l3, kw)


def read_meter(body: object, asked_connector: int) -> MeterReading:
    """The newest energy register. Raises NoAnswer without meter values, or when they are of another connector."""
    fields = _bare(body)
    listed = fields.get("meterValue")
    if not isinstance(listed, list):
        raise NoAnswer("an answer without meter values")
    if as_count(fields.get("connectorId"), _MOST_NUMBER) not in (None, asked_connector):
        raise NoAnswer("an answer about another connector")
    newest = MeterReading(None, None)
    for entry in map(as_object, listed):
        sampled = (entry or {}).get("sampledValue")
        at = as_moment((entry or {}).get("timestamp"))
        for sample in map(as_object, sampled if isinstance(sampled, list) else ()):
            register = _register(sample or {})
            if register is not None and (at or _LONG_AGO) >= (newest.measured_at or _LONG_AGO):
                newest = MeterReading(at, register)
    return newest


def _register(sample: Mapping[str, object]) -> Decimal | None:
    """Without a measurand it is the imported energy, without a unit it is in Wh. One phase is not the whole."""
    measurand = (as_word(sample.get("measurand")) or _REGISTER).lower()
    place = (as_word(sample.get("location")) or "outlet").lower()
    unit = _WH.get((as_word(sample.get("unit")) or "").lower())
    value = _within(sample.get("value"), _MOST_WH)
    if measurand != _REGISTER or place != "outlet" or as_word(sample.get("phase")) or unit is None or value is None:
        return None
    return value * unit


def _within(value: object, most: int) -> Decimal | None:
    number = as_number(value)
    return abs(number) if number is not None and 0 <= number <= most else None  # "-0.00" is nothing


def _bare(body: object) -> Mapping[str, object]:
    """The fields of a single resource, wrapped in `data` or not."""
    fields = as_object(body)
    if fields is not None and "data" in fields:
        fields = as_object(fields["data"])
    if fields is None:
        raise NoAnswer("not a JSON object")
    return fields
