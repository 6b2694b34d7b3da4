"""Chargers, connectors and charging transactions of the stand-in world: what stands there, not how it behaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from kiosk.sandbox.world.cars import MICROJOULES_PER_WH, Car
from kiosk.sandbox.world.curves import Supply

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1 and I


@dataclass(frozen=True)
class Pricing:
    """Minor units, per kWh and once per session. `more` are price parts that the documents do not know, as
    `("price_per_minute", 10)`: told to whoever asks, and part of no sum."""

    currency: str
    price_per_kwh: int
    start_fee: int = 0
    more: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class ConnectorSpec:
    """`described=False`: the back office knows nothing of the plug and its strings are null, as is often so."""

    connector_id: int
    supply: Supply
    max_power_w: int
    standard: str = "IEC 62196"
    format: str = "Socket"
    described: bool = True


@dataclass(frozen=True)
class ChargerSpec:
    code: str
    name: str
    connectors: tuple[ConnectorSpec, ...]
    pricing: Pricing
    preauth_amount: int = 5000
    public: bool = True
    meter_interval: float | None = None  # seconds; None: that of the switches
    anothers: bool = False  # of another operator: sold by its code, and unknown to this one's token

    def __post_init__(self) -> None:
        if len(self.code) != 5 or any(letter not in CODE_ALPHABET for letter in self.code):
            raise ValueError(f"not a public code: {self.code}")


@dataclass
class Transaction:
    """One charge at one connector. Energy is counted from the start, in microjoules; `reported_wh` is the last sample
    that reached the back office. `token` names the public session, and is None for another driver with a card.

    `most_w` is what the connector may give now, `offered_ma` what its fuses leave it (None: no fuse is counted)."""

    id: int
    code: str
    connector_id: int
    car: Car
    id_tag: str
    token: str | None = field(repr=False)
    started_at: datetime
    meter_start_wh: int
    integrated_to: datetime
    energy_uj: int = 0
    power_w: int = 0
    reported_wh: int = 0
    reported_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_reason: str | None = None
    full_noticed: bool = False
    most_w: int = 0
    offered_ma: int | None = None

    @property
    def active(self) -> bool:
        return self.stopped_at is None

    @property
    def energy_wh(self) -> int:
        return self.energy_uj // MICROJOULES_PER_WH


@dataclass
class Connector:
    spec: ConnectorSpec
    car: Car | None = None
    transaction: Transaction | None = None
    meter_wh: int = 0
    broken: bool = False
    blocked: bool = False
    finished: bool = False
    limit_w: int | None = None  # set by hand: what it may give at most
    handshake: float | None = None  # seconds from the plug to the charge, for the next car only; None: the switch's
    reserved_for: str | None = field(default=None, repr=False)
    reported_status: str = "Available"

    @property
    def status(self) -> str:
        """The OCPP 1.6 status that the charger itself would send now."""
        if self.broken:
            return "Faulted"
        if self.transaction is not None:
            if self.transaction.car.model.stuck:
                return "Preparing"
            if self.transaction.most_w == 0:
                return "SuspendedEVSE"
            return "Charging" if self.transaction.power_w > 0 else "SuspendedEV"
        if self.blocked:
            return "Unavailable"
        if self.car is not None:
            return "Finishing" if self.finished else "Preparing"
        return "Available"


@dataclass
class Charger:
    """`outbox` holds what a charger without a connection will tell the back office when it is back.

    `status` is the charger's own word (connector 0), which only the operator's view tells. `hides_energy`, `words` and
    `amounts_after` are half answers of the back office about sessions here: a null energy while the cost is known,
    another word for a status, and a final word whose amounts come so many seconds later.
    """

    spec: ChargerSpec
    pricing: Pricing
    connectors: dict[int, Connector]
    online: bool = True
    seen_at: datetime | None = None
    outbox: list[Callable[[], None]] = field(default_factory=list)
    reject_starts: int = 0
    refuse_stops: int = 0
    ignore_stops: int = 0
    meter_interval: float | None = None
    status: str = "Available"
    blocked: bool = False
    anothers: bool = False
    hides_energy: bool = False
    words: dict[str, str] = field(default_factory=dict)
    amounts_after: float | None = None

    def mood(self) -> tuple[str, ...]:
        """What is unusual here now, in plain words."""
        told = {
            f"its meter is told every {self.meter_interval or 0:g} s": self.meter_interval is not None,
            f"itself {self.status}": self.status != "Available",
            "blocked by the operator": self.blocked,
            "of another operator": self.anothers,
            f"rejects the next {self.reject_starts} start(s)": self.reject_starts,
            f"refuses the next {self.refuse_stops} stop(s)": self.refuse_stops,
            f"ignores the next {self.ignore_stops} stop(s)": self.ignore_stops,
            "hides the energy of a charge": self.hides_energy,
            "holds back the amounts of a last word": self.amounts_after is not None,
        }
        told |= {f"says {word} for {status}": True for status, word in self.words.items()}
        return tuple(words for words, holds in told.items() if holds)


@dataclass(frozen=True)
class ConnectorView:
    """A connector at one moment. `status` is what the back office knows, `real_status` what the charger would say."""

    spec: ConnectorSpec
    status: str
    real_status: str
    car: str | None
    charge_percent: int | None
    power_w: int
    energy_wh: int | None
    transaction_id: int | None


@dataclass(frozen=True)
class ChargerView:
    spec: ChargerSpec
    pricing: Pricing
    online: bool
    seen_at: datetime | None
    connectors: tuple[ConnectorView, ...]
    status: str = "Available"
    blocked: bool = False
    anothers: bool = False
