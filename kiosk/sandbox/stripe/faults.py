"""Faults of the Stripe stand-in on demand: refused, lost and slow answers to the browser, and lost webhooks."""

from __future__ import annotations

import threading
from enum import Enum


class Loss(Enum):
    """Which way the connection is lost: before Stripe acts, or after, when only the answer is missing."""

    BEFORE = "before"
    AFTER = "after"


class StripeFaults:
    """Counted faults. Each is used up by one confirm, one refund or one event; all calls may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: list[int] = []
        self._losses: list[Loss] = []
        self._refund_failures: list[int] = []
        self._refund_losses: list[Loss] = []
        self._delay = 0.0
        self._lost_webhooks = 0

    def fail_confirms(self, count: int, status: int = 503) -> None:
        """Answer the next `count` confirms with `status`; the intent is not touched."""
        with self._lock:
            self._failures.extend([status] * count)

    def drop_confirms(self, count: int, when: Loss = Loss.AFTER) -> None:
        """Break off the answer to the next `count` confirms."""
        with self._lock:
            self._losses.extend([when] * count)

    def fail_refunds(self, count: int, status: int = 503) -> None:
        """Answer the next `count` calls that make a refund with `status`; nothing is sent back."""
        with self._lock:
            self._refund_failures.extend([status] * count)

    def drop_refunds(self, count: int, when: Loss = Loss.AFTER) -> None:
        """Break off the answer to the next `count` calls that make a refund."""
        with self._lock:
            self._refund_losses.extend([when] * count)

    def delay_browser(self, seconds: float) -> None:
        """Let every answer to a publishable key wait for `seconds` of the book's clock, until set to 0."""
        with self._lock:
            self._delay = seconds

    def lose_webhooks(self, count: int) -> None:
        """Never deliver the next `count` events."""
        with self._lock:
            self._lost_webhooks += count

    def clear(self) -> None:
        with self._lock:
            self._failures.clear()
            self._losses.clear()
            self._refund_failures.clear()
            self._refund_losses.clear()
            self._delay = 0.0
            self._lost_webhooks = 0

    def take_failure(self, *, of_a_refund: bool = False) -> int | None:
        with self._lock:
            waiting = self._refund_failures if of_a_refund else self._failures
            return waiting.pop(0) if waiting else None

    def take_loss(self, *, of_a_refund: bool = False) -> Loss | None:
        with self._lock:
            waiting = self._refund_losses if of_a_refund else self._losses
            return waiting.pop(0) if waiting else None

    def take_lost_webhook(self) -> bool:
        with self._lock:
            if self._lost_webhooks == 0:
                return False
            self._lost_webhooks -= 1
            return True

    @property
    def browser_delay(self) -> float:
        with self._lock:
            return self._delay
