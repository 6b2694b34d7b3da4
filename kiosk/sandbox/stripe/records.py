"""What the books of the Stripe stand-in keep of an intent, and what they show of a customer's challenge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kiosk.sandbox.stripe.methods import PaymentMethod


@dataclass
class Record:
    """An intent, and what Stripe knows of it without showing it."""

    intent: dict[str, Any] = field(repr=False)
    account: str
    method: PaymentMethod | None = None
    action: str | None = field(default=None, repr=False)
    charge: dict[str, Any] | None = None


@dataclass(frozen=True)
class CustomerAction:
    """A challenge or redirect that a customer was sent to. `open` while an answer still counts."""

    account: str
    intent: dict[str, Any] = field(repr=False)
    return_url: str | None
    open: bool
