"""What a reconciliation costs: 10,000 sessions with 10,000 transactions, and how that grows with ten times as many."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from statistics import median

from benchmarks.report import Figure, at_most
from kiosk.domain.money import Money
from kiosk.domain.reconcile import Charge, State, reconcile, sums_of
from kiosk.domain.site_board import ChargerRef, SiteTransaction
from kiosk.domain.tariff import Tariff

ROUNDS = 3
COUNT = 10_000
BAYS = 50
MOST_SECONDS = 2.0
MOST_GROWTH = 20.0
"""Of ten times the work. In proportion it would be 10, somewhat more by sorting; with the square 100."""
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
CODES = {f"uuid-{bay}": f"C{bay}" for bay in range(BAYS)}
PRICE = Tariff("EUR", 49, 0)


def run() -> list[Figure]:
    rows = [
        (_seconds(COUNT, number), _sorting(COUNT, number), _seconds(COUNT * 10, number)) for number in range(ROUNDS)
    ]
    ours, sorting, _ten = (median(column) for column in zip(*rows, strict=True))
    name = "reconciling"
    return [
        at_most(name, f"CPU seconds for {COUNT:,} sessions and as many transactions", ours, MOST_SECONDS, "{:.2f}"),
        Figure(name, "by sorting both by time, median", f"{median(row[0] / row[1] for row in rows):.0f}"),
        at_most(
            name, "time of ten times as many by that", median(row[2] / row[0] for row in rows), MOST_GROWTH, "{:.1f}"
        ),
        Figure(name, "CPU seconds to sort both by time", f"{sorting:.3f}"),
    ]


def _seconds(count: int, seed: int) -> float:
    charges, transactions = _rows(count, seed)
    since = time.thread_time()
    lines = reconcile(charges, transactions, CODES, records=True)
    sums = sums_of(lines)
    taken = time.thread_time() - since
    if sums.lines != {State.AGREES: count}:
        raise RuntimeError(f"not every line agrees: {sums.lines}")
    return taken


def _sorting(count: int, seed: int) -> float:
    charges, transactions = _rows(count, seed)
    since = time.thread_time()
    sorted(charges, key=lambda one: one.at)
    sorted(transactions, key=lambda one: one.started_at or BEGAN)
    return time.thread_time() - since


def _rows(count: int, seed: int) -> tuple[list[Charge], list[SiteTransaction]]:
    chance = Random(seed)  # noqa: S311 - nothing is guessed by anybody
    charges, transactions = [], []
    for number in range(count):
        bay = number % BAYS
        began = BEGAN + timedelta(hours=number // BAYS, seconds=chance.uniform(0, 300))
        wh = chance.randrange(500, 20_000)
        energy = Decimal(wh) / 1000
        charges.append(_charge(number, bay, began, energy))
        transactions.append(_transaction(number, bay, began, wh, energy))
    chance.shuffle(charges)
    chance.shuffle(transactions)
    return charges, transactions


def _charge(number: int, bay: int, began: datetime, energy: Decimal) -> Charge:
    taken = PRICE.example(energy)
    return Charge(
        key=f"key-{number}",
        mark=f"{number:010x}",
        code=f"C{bay}",
        connector_id=1,
        begun_at=began,
        sure_begin=True,
        ended_at=began + timedelta(minutes=40),
        goes_on=False,
        energy_kwh=energy,
        tariff=PRICE,
        held=Money(5000, "EUR"),
        taken=taken,
        sent_back=Money(0, "EUR"),
        recorded=taken,
        recorded_back=Money(0, "EUR"),
        expected=True,
    )


def _transaction(number: int, bay: int, began: datetime, wh: int, energy: Decimal) -> SiteTransaction:
    return SiteTransaction(
        id=number,
        charger=ChargerRef(f"uuid-{bay}", bay, f"CP-{bay}"),
        charger_connector_id=bay,
        connector_id=1,
        id_tag="PUBLIC",
        active=False,
        meter_start_wh=1_000_000,
        meter_stop_wh=1_000_000 + wh,
        reported_kwh=energy,
        started_at=began + timedelta(seconds=3),
        stopped_at=began + timedelta(minutes=40, seconds=2),
        stop_reason="EVDisconnected",
        is_valid=True,
    )
