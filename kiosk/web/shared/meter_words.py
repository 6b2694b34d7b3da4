"""What a driver should know of a meter that reports rarely, in plain words."""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.money import Money
from kiosk.web.shared.formats import duration, money
from kiosk.web.shared.text import _

_MINUTE = timedelta(minutes=1)


def about_every(interval: timedelta) -> str:
    """Whole minutes: `5 min`. Nobody knows it more exactly."""
    return duration(max(_MINUTE, round(interval / _MINUTE) * _MINUTE))


def rough_limit(rough: Money | None, interval: timedelta | None) -> str:
    """How exactly a limit can be kept here; "" where it is kept as exactly as anybody expects."""
    if rough is None or interval is None:
        return ""
    return _(
        "This charger reports about every %(every)s. Charging may stop up to %(amount)s before a limit, and if the "
        "power rises in between, up to %(amount)s after it.",
        every=about_every(interval),
        amount=money(rough),
    )
