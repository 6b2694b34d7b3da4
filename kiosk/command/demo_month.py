"""Three weeks before a demo began: charges that were paid, what the back office says of them, and differences between
the two that were planted on purpose, so that the desk's reconciliation has something to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from kiosk.config.sites import Site
from kiosk.domain.reconcile import Reason
from kiosk.domain.session import HoldProof, Observation, PaymentContext, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.service.parts import Parts
from kiosk.store.store import Store

DAYS = 20
HOURS = (8, 12, 18)
HOLD = 5000
TARIFF = Tariff("EUR", 49, 35)
_FIRST_NUMBER = 400_000
_TAG = "PUBLIC"
_MINUTES = 40


@dataclass(frozen=True, slots=True)
class Planted:
    """A difference, by what is other than usual on the kiosk's side and in the back office. `reasons` is what a
    reconciliation must say of it; `missing` leaves the side of that name out.
    """

    reasons: frozenset[Reason]
    ours: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""


def _planted(*reasons: Reason, missing: str = "", ours: Any = None, theirs: Any = None) -> Planted:
    return Planted(frozenset(reasons), ours or {}, theirs or {}, missing)


PLANTED: Sequence[Planted] = (
    _planted(Reason.ENERGY, Reason.TOTAL, theirs={"more_wh": 1000}),
    _planted(Reason.TIME, theirs={"later": timedelta(hours=1)}),
    _planted(Reason.AMOUNT, ours={"received": -100}),
    _planted(Reason.REFUND, ours={"refunded": 200}),
    _planted(Reason.TAKEN_WITHOUT_ENERGY, ours={"energy": Decimal(0)}, theirs={"wh": 0}),
    _planted(Reason.ENERGY_WITHOUT_TAKING, ours={"nothing_taken": True, "status": "no_charge"}),
    _planted(Reason.ABOVE_HOLD, ours={"over_hold": 50}),
    _planted(Reason.PRICE, ours={"more_taken": 80}),
    _planted(Reason.NO_METER, theirs={"no_stop": True}),
    _planted(Reason.NO_METER, theirs={"stop_wh": 20}),
    _planted(Reason.INVALID, theirs={"is_valid": False}),
    _planted(Reason.NO_TRANSACTION, missing="theirs"),
    _planted(Reason.NO_SESSION, missing="ours"),
)
"""What is not explained until somebody looks. Each stands on a day of its own."""
TOLD: Sequence[Planted] = (
    _planted(Reason.TOTAL, theirs={"total": "7.00"}),
    _planted(Reason.NO_SESSION, Reason.OTHER_TAG, missing="ours", theirs={"id_tag": "04A1B2C3D4"}),
)
"""What is said beside a line that needs nobody."""


@dataclass(frozen=True, slots=True)
class Past:
    """The month as it was made: `facts` for the back office, and by session's key or transaction's number which
    planted difference it is.
    """

    facts: tuple[Mapping[str, Any], ...]
    by_key: Mapping[str, Planted]
    by_number: Mapping[int, Planted]


def history_of_demo(app: Flask) -> tuple[Mapping[str, Any], ...]:
    """For `kiosk.demo.create_demo_app`: the month of its first site."""
    parts: Parts = app.extensions["kiosk"]
    return make_month(parts.store, parts.site.sites[0], parts.clock.now()).facts


def make_month(store: Store, site: Site, now: datetime) -> Past:
    """Store the sessions as an engine would have, and give what the back office knows of each."""
    facts: list[Mapping[str, Any]] = []
    by_key: dict[str, Planted] = {}
    by_number: dict[int, Planted] = {}
    for place, (begun, code, connector) in enumerate(_charges(site, now)):
        planted, number, key = _planted_at(place), _FIRST_NUMBER + place, f"past-{now:%y%j}-{place:05}-demo"
        wh = 4_000 + place * 137 % 9_000
        if planted is None or planted.missing != "ours":
            _store(store, key, code, connector, begun, wh, planted.ours if planted is not None else {})
        if planted is None or planted.missing != "theirs":
            facts.append(_fact(number, code, connector, begun, wh, planted.theirs if planted is not None else {}))
        if planted is not None:
            by_key[key] = by_number[number] = planted
    return Past(tuple(facts), by_key, by_number)


def _planted_at(place: int) -> Planted | None:
    """The first charge of each day has one, but for the first days: by then the card of public charges is known."""
    day, of_day = divmod(place, len(HOURS))
    every = (*PLANTED, *TOLD)
    return every[day - 2] if of_day == 0 and 0 <= day - 2 < len(every) else None


def _charges(site: Site, now: datetime) -> Iterator[tuple[datetime, str, int]]:
    """When and where; the last one of each day goes over midnight on every fifth day."""
    zone = ZoneInfo(site.timezone)
    bays = [(charger.code, number) for charger in site.chargers for number in sorted(charger.bays)]
    today = now.astimezone(zone).date()
    for back in range(DAYS, 0, -1):
        for turn, hour in enumerate(HOURS):
            code, number = bays[(back * len(HOURS) + turn) % len(bays)]
            at = time(23, 40) if turn == len(HOURS) - 1 and back % 5 == 0 and back > 1 else time(hour, back % 30)
            yield datetime.combine(today - timedelta(days=back), at, zone).astimezone(UTC), code, number


def _store(
    store: Store, key: str, code: str, connector: int, begun: datetime, wh: int, other: Mapping[str, Any]
) -> None:
    energy = Decimal(wh) / 1000
    bill = TARIFF.example(energy).minor
    taken = 0 if other.get("nothing_taken") else bill + other.get("more_taken", 0)
    held = taken - other["over_hold"] if "over_hold" in other else HOLD
    ended = begun + timedelta(minutes=_MINUTES)
    asked = store.create(
        Session(
            key=key,
            code=code,
            connector_id=connector,
            phase=Phase.QUEUED,
            requested_at=begun - timedelta(minutes=2),
            tariff=TARIFF,
            hold_minor=held,
        ),
        device="demo",
        now=begun - timedelta(minutes=2),
    )
    store.claim(asked.id, begun - timedelta(seconds=119))
    intent = f"pi_past{key.replace('-', '')}"
    payment = PaymentContext(f"{intent}_secret_demo", "pk_test_sandbox", "acct_demo")
    store.start_done(
        asked.id,
        f"token of {key}",
        _seen(begun - timedelta(seconds=118), "created", tariff=TARIFF, payment=payment),
        begun - timedelta(seconds=117),
    )
    told = {"tariff": TARIFF, "authorized_minor": held, "charging_started_at": begun, "charger_online": True}
    store.observe(key, _seen(begun + timedelta(minutes=1), "charging", energy_kwh=Decimal(0), **told), source="read")
    end = {
        "energy_kwh": other.get("energy", energy),
        "cost_minor": bill,
        "captured_minor": taken,
        "tax_minor": taken * 19 // 119 if taken else 0,
        "completed_at": ended,
        "captured_at": ended + timedelta(seconds=30) if taken else None,
    }
    seen_at = ended + timedelta(minutes=1)
    store.observe(key, _seen(seen_at, other.get("status", "captured"), **told, **end), source="read")
    proof = HoldProof(
        checked_at=seen_at,
        intent_status="succeeded" if taken else "canceled",
        capturable_minor=0,
        received_minor=taken + other.get("received", 0),
        canceled_at=None if taken else seen_at,
        card_brand="visa",
        card_last4="4242",
        refunded_minor=other.get("refunded", 0) if taken else None,
        amount_minor=held,
    )
    store.set_proof(key, proof)


def _seen(at: datetime, status: str, **more: Any) -> Observation:
    return Observation(asked_at=at, seen_at=at + timedelta(seconds=1), status=status, **more)


def _fact(
    number: int, code: str, connector: int, begun: datetime, wh: int, other: Mapping[str, Any]
) -> Mapping[str, Any]:
    begun += other.get("later", timedelta(0))
    start = 1_000_000 + number
    counted = other.get("wh", wh)
    total = other.get("total", f"{Decimal(counted) / 1000:.2f}")
    stop: int | None = start + counted + other.get("more_wh", 0)
    if "stop_wh" in other:
        stop = other["stop_wh"]
    if other.get("no_stop"):
        stop = None
    return {
        "number": number,
        "code": code,
        "connector_id": connector,
        "id_tag": other.get("id_tag", _TAG),
        "meter_start": start,
        "meter_stop": stop,
        "total_kwh": total,
        "started_at": begun + timedelta(seconds=4),
        "stopped_at": begun + timedelta(minutes=_MINUTES, seconds=3),
        "stop_reason": "EVDisconnected",
        "is_valid": other.get("is_valid", True),
    }
