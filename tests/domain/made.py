"""Sessions, observations and strategies that the tests of this room share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from kiosk.domain.money import ISO_EXPONENTS
from kiosk.domain.session import Observation, Phase, Session
from kiosk.domain.site_board import ChargerRef, SiteTransaction
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff

T0 = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
EURO = Tariff("EUR", 49, 100)

currencies = st.sampled_from(sorted(ISO_EXPONENTS))
minors = st.integers(min_value=0, max_value=10**9)
energies = st.decimals(min_value=0, max_value=2000, places=3)
tariffs = st.builds(Tariff, currencies, st.integers(0, 10**6), st.integers(0, 10**6))
words = st.sampled_from([*(status.value for status in Status), "paused_by_grid", "CHARGING"])


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def a_session(**changed: Any) -> Session:
    facts: dict[str, Any] = {
        "key": "key-that-nobody-guesses",
        "code": "AB12",
        "connector_id": 1,
        "phase": Phase.QUEUED,
        "requested_at": T0 - timedelta(hours=3),
        "hold_minor": 5000,
    }
    return Session(**(facts | changed))


def seen(at: float, status: str | None, **said: Any) -> Observation:
    """An answer read at `at` seconds to a question that left half a second before, unless told."""
    facts: dict[str, Any] = {"asked_at": after(at - 0.5), "seen_at": after(at), "charger_online": True}
    return Observation(status=status, **(facts | said))


def charging(at: float, energy: str | None, cost: int | None, **said: Any) -> Observation:
    facts: dict[str, Any] = {
        "tariff": EURO,
        "authorized_minor": 5000,
        "energy_kwh": None if energy is None else Decimal(energy),
        "cost_minor": cost,
    }
    return seen(at, "charging", **(facts | said))


UUID, CODE = "0b1c", "7MK4T"
CODES = {UUID: CODE, "ffff": "OTHER"}
"""Public codes by the uuid of a charger: the one that `a_transaction` is at, and another."""
BEGAN, ENDED = 60.0, 2460.0
"""Seconds: when a charge begins and ends."""


def a_transaction(number: int = 1, begin: float = BEGAN, **changed: Any) -> SiteTransaction:
    """The charger's own record of a charge of 7.936 kWh that began `begin` seconds in, by its clock 4 s later."""
    facts: dict[str, Any] = {
        "id": number,
        "charger": ChargerRef(UUID, 7, "CP-1"),
        "charger_connector_id": 99,
        "connector_id": 1,
        "id_tag": "PUBLIC",
        "active": False,
        "meter_start_wh": 29_317,
        "meter_stop_wh": 37_253,
        "reported_kwh": Decimal("7.94"),
        "started_at": after(begin + 4),
        "stopped_at": after(begin + ENDED - BEGAN + 3),
        "stop_reason": "EVDisconnected",
        "is_valid": True,
    }
    return SiteTransaction(**(facts | changed))
