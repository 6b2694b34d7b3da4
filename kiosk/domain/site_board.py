"""A site as the operator's back office describes it: chargers, their connectors, transactions and meters.

Words of the back office stay raw, because a later version may know more of them. None is "not known", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from kiosk.domain.charger import Connector
from kiosk.domain.tariff import Tariff

T = TypeVar("T")

_ONLINE = {"online": True, "offline": False, "never_seen": False}
_WH_IN_A_KWH = 1000


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Everything that a list of several pages held, each entry once, in the order of the back office.

    `complete` is False when there may be more that could not be reached: then what is missing is not gone. Even a
    complete list can miss an entry that moved to an earlier page while it was read: one absence proves nothing.
    `asked_at` is when the first page was asked for, so nothing in here is older; `seen_at` is when the last one came.
    `pages` is how many were asked for. `total_kwh` is the sum that the back office itself tells beside the list.
    """

    entries: tuple[T, ...]
    complete: bool
    asked_at: datetime
    seen_at: datetime
    pages: int = 1
    total_kwh: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A site. The back office knows neither its time zone nor its currency."""

    uuid: str
    id: int | None
    name: str | None
    address: str | None
    country: str | None
    chargers_count: int | None


@dataclass(frozen=True, slots=True)
class ChargerRef:
    """Which charger something belongs to. At least one of `uuid`, `id` and `identity` is set.

    `identity` is the charger's own name in OCPP, by which other systems know it. `status` is that of the charger as a
    whole, null before its first contact.
    """

    uuid: str | None
    id: int | None
    identity: str | None
    reference: str | None = None
    connection_status: str | None = None
    status: str | None = None

    @property
    def online(self) -> bool | None:
        return _ONLINE.get((self.connection_status or "").lower())


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an OCPP status notification said besides the status. `error` is `NoError` when all is well."""

    error: str | None = None
    info: str | None = None
    vendor_code: str | None = None


@dataclass(frozen=True, slots=True)
class SiteConnector:
    """`id` is the row of the back office, by which a transaction may name it; `connector.connector_id` is OCPP's."""

    charger: ChargerRef
    connector: Connector
    id: int | None
    max_amperes: int | None
    max_volts: int | None
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class ChargerModel:
    vendor: str | None
    name: str | None
    is_dc: bool | None


@dataclass(frozen=True, slots=True)
class SiteCharger:
    """`ref.uuid` is always set. `connectors` is None where the list does not speak of them."""

    ref: ChargerRef
    trouble: Trouble
    model: ChargerModel | None
    firmware: str | None
    blocked: bool | None
    max_amperes: int | None
    last_connection_at: datetime | None
    last_disconnection_at: datetime | None
    last_heartbeat_at: datetime | None
    connectors: tuple[SiteConnector, ...] | None


@dataclass(frozen=True, slots=True)
class PublicCharging:
    """The settings under which a charger is open to everybody. `public_code` joins it to the driver's charger card.

    `public_code` and `public_url` are None for a charger that was never opened; `tariff` is None when it has no price.
    """

    enabled: bool | None
    tariff: Tariff | None
    preauth_minor: int | None
    public_code: str | None
    public_url: str | None
    has_account: bool | None
    onboarding_complete: bool | None
    billing_plan: str | None
    fee_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class SiteTransaction:
    """One charge by anybody. Nothing links it to a public session but charger, connector and time.

    `reported_kwh` is the back office's own figure: rounded, and for a running charge possibly zero or old.
    `id_tag` may tell who charges: it is for nobody but the operator.
    """

    id: int
    charger: ChargerRef | None
    charger_connector_id: int | None
    connector_id: int | None
    id_tag: str | None = field(repr=False)
    active: bool
    meter_start_wh: int | None
    meter_stop_wh: int | None
    reported_kwh: Decimal | None
    started_at: datetime | None
    stopped_at: datetime | None
    stop_reason: str | None
    is_valid: bool | None

    def energy_kwh(self, register_wh: Decimal | None = None) -> Decimal | None:
        """What the meter counted: up to its end, or up to `register_wh` while it runs.

        None when a reading is missing or the register fell: then the meter proves nothing.
        """
        last = register_wh if self.meter_stop_wh is None else Decimal(self.meter_stop_wh)
        if self.meter_start_wh is None or last is None or last < self.meter_start_wh:
            return None
        return (last - self.meter_start_wh) / _WH_IN_A_KWH


@dataclass(frozen=True, slots=True)
class PowerUsage:
    """What flows at a connector. Amperes per phase; a phase that is not used or not measured is None."""

    measured_at: datetime | None
    l1_amperes: Decimal | None
    l2_amperes: Decimal | None
    l3_amperes: Decimal | None
    kw: Decimal | None


@dataclass(frozen=True, slots=True)
class MeterReading:
    """The energy register of a connector's meter: it counts on from charge to charge."""

    measured_at: datetime | None
    register_wh: Decimal | None
