"""The holds behind the public sessions: the back office's side of Stripe, on one connected account."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.world.chargers import Pricing

ACCOUNT = "acct_sandbox"


class Holds:
    """Not thread-safe by itself: the world's one lock guards it. `failing[code]` captures of that charger will fail."""

    def __init__(self, book: StripeBook, capture_method: str) -> None:
        self._book = book
        self._capture_method = capture_method
        self.failing: Counter[str] = Counter()

    @property
    def publishable_key(self) -> str:
        return self._book.publishable_key

    def ask(
        self, amount: int, pricing: Pricing, code: str, connector_id: int, email: str | None
    ) -> dict[str, Any] | None:
        """The new payment intent, or None when Stripe refuses it."""
        try:
            return self._book.create_intent(
                account=ACCOUNT,
                amount=amount,
                currency=pricing.currency.lower(),
                metadata={"public_code": code, "connector_id": str(connector_id)},
                receipt_email=email,
                capture_method=self._capture_method,
            )
        except StripeProblem:
            return None

    def state(self, intent_id: str) -> str:
        status: str = self._book.get_intent(ACCOUNT, intent_id)["status"]
        return status

    def capture(self, code: str, intent_id: str, amount: int) -> bool:
        if self.failing[code]:
            self.failing[code] -= 1
            return False
        try:
            self._book.capture(ACCOUNT, intent_id, amount)
        except StripeProblem:
            return False
        return True

    def release(self, intent_id: str) -> None:
        """End the intent unless it has ended: nothing of it can be taken any more."""
        if self.state(intent_id) not in ("canceled", "succeeded"):
            self._book.cancel(ACCOUNT, intent_id, "abandoned")

    def refund(self, intent_id: str, amount: int | None = None) -> bool:
        try:
            self._book.refund(ACCOUNT, intent_id, amount)
        except StripeProblem:
            return False
        return True

    def set_receipt_email(self, intent_id: str, email: str) -> None:
        self._book.set_receipt_email(ACCOUNT, intent_id, email)
