"""Budgets of which something is spent, as if calls had been made."""

from __future__ import annotations

from datetime import datetime

from kiosk.upstream.plugchoice.budget import Budgets, Endpoint


def spend(budgets: Budgets, endpoint: Endpoint, now: datetime, times: int = 1) -> None:
    """So many calls at that moment, each answered at once."""
    for _ in range(times):
        budgets.ended(budgets.take(endpoint, now), now)
