"""A public charging session as the back office keeps it: its statuses, what may follow what, and the sum it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kiosk.sandbox.world.chargers import Pricing

CREATED = "created"
AUTHORIZED = "authorized"
STARTING = "starting"
CHARGING = "charging"
STOPPING = "stopping"
SETTLING = "settling"
CAPTURED = "captured"
NO_CHARGE = "no_charge"
EXPIRED = "expired"
FAILED = "failed"
ABANDONED = "abandoned"
CAPTURE_FAILED = "capture_failed"
REQUIRES_REVIEW = "requires_review"
REFUNDED = "refunded"
WRITTEN_OFF = "written_off"

STATUSES = (
    CREATED,
    AUTHORIZED,
    STARTING,
    CHARGING,
    STOPPING,
    SETTLING,
    CAPTURED,
    NO_CHARGE,
    EXPIRED,
    FAILED,
    ABANDONED,
    CAPTURE_FAILED,
    REQUIRES_REVIEW,
    REFUNDED,
    WRITTEN_OFF,
)
CANCELLABLE = frozenset({CREATED, AUTHORIZED, STARTING})
KEEPS_CONNECTOR = frozenset({CREATED, AUTHORIZED, STARTING, CHARGING, STOPPING, SETTLING})
ENDED = frozenset({CAPTURED, NO_CHARGE, EXPIRED, FAILED, ABANDONED, REFUNDED, WRITTEN_OFF})

REASONS = {
    "cancelled_by_driver": "The driver cancelled the session.",
    "not_plugged_in": "No car was plugged in within the time allowed.",
    "payment_canceled": "The payment was cancelled.",
    "payment_expired": "The payment was not completed in time.",
    "start_rejected": "The charger rejected the start.",
    "start_timeout": "The charger did not respond in time.",
}


@dataclass(frozen=True)
class Session:
    """Amounts in minor units, energy in Wh. `rolled_back`: a reading fell below an earlier one."""

    token: str = field(repr=False)
    code: str
    connector_id: int
    status: str
    pricing: Pricing
    hold: int
    intent_id: str
    client_secret: str = field(repr=False)
    created_at: datetime
    driver_email: str | None = field(default=None, repr=False)
    failure_reason: str | None = None
    amount_authorized: int | None = None
    energy_wh: int | None = None
    cost_amount: int | None = None
    amount_captured: int | None = None
    tax_amount: int | None = None
    authorized_at: datetime | None = None
    charging_started_at: datetime | None = None
    completed_at: datetime | None = None
    captured_at: datetime | None = None
    ended_at: datetime | None = None
    accepted: bool = False
    rolled_back: bool = False


@dataclass(frozen=True)
class SessionView:
    """A session together with what the back office knows of its charger at the same moment."""

    session: Session
    charger_name: str
    charger_online: bool
    connector_status: str


def cost(pricing: Pricing, energy_wh: int, hold: int) -> int:
    """start fee + half-up(price x kWh), never above the hold."""
    return min(hold, pricing.start_fee + (pricing.price_per_kwh * energy_wh * 2 + 1000) // 2000)


def tax_part(amount: int, percent: int) -> int:
    """The tax inside a tax-inclusive amount, half-up."""
    return (amount * percent * 2 + 100 + percent) // (2 * (100 + percent))


def kwh(energy_wh: int) -> str:
    """A decimal string with three digits: 7412 is "7.412"."""
    return f"{energy_wh // 1000}.{energy_wh % 1000:03d}"
