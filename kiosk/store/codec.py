"""Domain values as JSON and back, exactly: times as UTC text, decimals as text, what is None is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kiosk.domain.charger import ChargerCard, Connector, Drawn
from kiosk.domain.commands import AskedBy, Kind, Wish
from kiosk.domain.doubt import Doubt
from kiosk.domain.pace import Pace
from kiosk.domain.plots import DaySums, DayTotal, Outcome, Step
from kiosk.domain.session import HoldProof, LiveFigures, Observation, PaymentContext, Refund
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Point, Trace
from kiosk.store.types import utc

Json = dict[str, Any]

_NEVER_STORED = frozenset({"payment", "driver_email"})
_OBSERVATION_TIMES = frozenset(
    {
        "asked_at",
        "seen_at",
        "created_at",
        "authorized_at",
        "charging_started_at",
        "completed_at",
        "captured_at",
    }
)
_PROOF_TIMES = frozenset({"checked_at", "canceled_at", "capture_before", "refunded_at", "ended_at", "held_at"})
_CONNECTOR_TIMES = frozenset({"since", "last_at", "last_since"})


def time_to(value: datetime) -> str:
    return utc(value).isoformat()


def time_from(text: str) -> datetime:
    return datetime.fromisoformat(text)


def tariff_to(value: Tariff) -> Json:
    return plain(value)


def tariff_from(value: Json) -> Tariff:
    return Tariff(**value)


def trace_to(value: Trace) -> list[list[str]]:
    return [[time_to(point.at), str(point.energy_kwh)] for point in value.points]


def trace_from(value: list[list[str]]) -> Trace:
    return Trace(tuple(Point(time_from(at), Decimal(energy)) for at, energy in value))


def live_to(value: LiveFigures) -> list[Any]:
    energy = None if value.energy_kwh is None else str(value.energy_kwh)
    return [energy, value.cost_minor, time_to(value.at)]


def live_from(value: list[Any]) -> LiveFigures:
    energy, cost, at = value
    return LiveFigures(None if energy is None else Decimal(energy), cost, time_from(at))


def wish_to(value: Wish) -> Json:
    return plain(value)


def wish_from(value: Json) -> Wish:
    return Wish(Kind(value["kind"]), AskedBy(value["asked_by"]), time_from(value["asked_at"]))


def doubt_to(value: Doubt) -> Json:
    return plain(value)


def doubt_from(value: Json) -> Doubt:
    energy = value.get("energy_kwh")
    return Doubt(time_from(value["since"]), None if energy is None else Decimal(energy), value.get("cost_minor"))


def pace_to(value: Pace) -> dict[str, list[int]]:
    return {"most": list(value.seconds), "least": list(value.least)}


def pace_from(value: dict[str, list[int]] | list[int]) -> Pace:
    """Earlier releases have kept the one list alone."""
    if isinstance(value, list):
        return Pace(tuple(value))
    return Pace(tuple(value["most"]), tuple(value["least"]))


def proof_to(value: HoldProof) -> Json:
    return plain(value)


def proof_from(value: Json) -> HoldProof:
    return HoldProof(**_with_times(value, _PROOF_TIMES))


def refunds_to(value: tuple[Refund, ...]) -> list[list[Any]]:
    return [[one.amount_minor, time_to(one.seen_at)] for one in value]


def refunds_from(value: list[list[Any]]) -> tuple[Refund, ...]:
    return tuple(Refund(minor, time_from(at)) for minor, at in value)


def observation_to(value: Observation) -> Json:
    """Without the payment context and the e-mail: this table is never erased."""
    return plain(value)


def observation_from(value: Json) -> Observation:
    known = _with_times(value, _OBSERVATION_TIMES)
    if "energy_kwh" in known:
        known["energy_kwh"] = Decimal(known["energy_kwh"])
    if "tariff" in known:
        known["tariff"] = tariff_from(known["tariff"])
    return Observation(**{"status": None, **known})


def payment_to(value: PaymentContext) -> Json:
    return plain(value)


def payment_from(value: Json) -> PaymentContext:
    return PaymentContext(**value)


def card_to(value: ChargerCard) -> Json:
    return {**plain(value), "connectors": [_connector_to(connector) for connector in value.connectors]}


def card_from(value: Json) -> ChargerCard:
    tariff = value.get("tariff")
    return ChargerCard(
        code=value["code"],
        name=value.get("name"),
        online=value.get("online"),
        connectors=tuple(_connector_from(one) for one in value["connectors"]),
        tariff=None if tariff is None else tariff_from(tariff),
        preauth_minor=value.get("preauth_minor"),
        seen_at=time_from(value["seen_at"]),
        priced_at=time_from(value["priced_at"]) if "priced_at" in value else None,
        out_at=time_from(value["out_at"]) if "out_at" in value else None,
        unshown=tuple(value.get("unshown", ())),
    )


def _connector_to(value: Connector) -> Json:
    row = plain(value)
    if value.drawn is not None:
        row["drawn"] = plain(value.drawn)
    return row


def _connector_from(value: Json) -> Connector:
    known = {"status": None, **_with_times(value, _CONNECTOR_TIMES)}
    drawn = known.get("drawn")
    if drawn is not None:
        amperes = Decimal(drawn["amperes"]) if "amperes" in drawn else None
        known["drawn"] = Drawn(Decimal(drawn["kw"]), amperes, time_from(drawn["at"]))
    return Connector(**known)


def same(value: Any) -> Any:
    """For documents that are JSON already."""
    return value


def plain(value: Any) -> Json:
    """The fields of a frozen dataclass that are set, as JSON has them."""
    row: Json = {}
    for one in fields(value):
        content = getattr(value, one.name)
        if content is None or one.name in _NEVER_STORED:
            continue
        if isinstance(content, datetime):
            content = time_to(content)
        elif isinstance(content, Decimal):
            content = str(content)
        elif isinstance(content, Tariff):
            content = tariff_to(content)
        row[one.name] = content
    return row


def _with_times(value: Json, times: frozenset[str]) -> Json:
    return {name: time_from(content) if name in times else content for name, content in value.items()}


def day_sums_to(sums: DaySums) -> Json:
    one = sums.total
    return {
        "day": one.day.isoformat(),
        "charges": one.charges,
        "energy_kwh": str(one.energy_kwh),
        "taken": dict(one.taken),
        "energy_missing": one.energy_missing,
        "taken_missing": one.taken_missing,
        "used": [[code, number, _flat(hours)] for (code, number), hours in sums.used.items()],
        "outcomes": dict(sums.outcomes),
        "furthest": dict(sums.furthest),
        "waits": _flat(sums.waits),
    }


def _flat(counts: Mapping[int, int]) -> list[int]:
    """One after the other, which is read several times as quickly as pairs: a year of it is read at once."""
    return [number for pair in counts.items() for number in pair]


def _pairs(flat: list[int]) -> dict[int, int]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def day_sums_from(data: Json) -> DaySums:
    """Of a day that is over."""
    total = DayTotal(
        day=date.fromisoformat(data["day"]),
        known=True,
        so_far=False,
        charges=data["charges"],
        energy_kwh=Decimal(data["energy_kwh"]),
        taken=data["taken"],
        energy_missing=data["energy_missing"],
        taken_missing=data["taken_missing"],
    )
    return DaySums(
        total,
        used={(code, number): _pairs(hours) for code, number, hours in data["used"]},
        outcomes={Outcome(one): count for one, count in data["outcomes"].items()},
        furthest={Step(one): count for one, count in data["furthest"].items()},
        waits=_pairs(data["waits"]),
    )
