"""The deadlines of this kiosk: the engine acts by them, and the pages promise them."""

from __future__ import annotations

from datetime import timedelta

from kiosk.config.settings import Settings
from kiosk.domain.limits import Policy


def policy_of(settings: Settings) -> Policy:
    return Policy(
        start=timedelta(seconds=settings.start_deadline_seconds),
        power=timedelta(seconds=settings.power_deadline_seconds),
        waits=timedelta(hours=settings.longest_wait_hours),
    )
