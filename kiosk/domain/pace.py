"""How often a charger reports its meter, learnt from the charges that were seen there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kiosk.domain.session import Session
from kiosk.domain.status import Group

CHARGES_KEPT = 5
LONGEST = timedelta(hours=2)
"""What looks longer is a pause, not a habit."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many seconds lay between two reports, in each of the last charges, the oldest first. `least`: so many
    at least, as far as the newest of them were looked at often enough; fewer than the charges in what was kept earlier.
    """

    seconds: tuple[int, ...] = ()
    least: tuple[int, ...] = ()

    @property
    def interval(self) -> timedelta | None:
        """At most so far apart does it report: what half of the last charges have shown, so that none decides alone."""
        if not self.seconds:
            return None
        return timedelta(seconds=sorted(self.seconds)[(len(self.seconds) - 1) // 2])

    @property
    def surely(self) -> timedelta | None:
        """At least so far apart does it report: what half of the last charges have shown. None: nobody can tell."""
        if not self.least:
            return None
        return timedelta(seconds=sorted(self.least)[(len(self.least) - 1) // 2])

    def with_charge(self, interval: timedelta, surely: timedelta | None = None) -> Pace:
        """With one more charge. `surely`: so far apart it reports at least, by what was seen of it."""
        seconds = max(1, round(interval.total_seconds()))
        least = self.least if surely is None else (*self.least, int(surely.total_seconds()))
        return Pace((*self.seconds, seconds)[-CHARGES_KEPT:], least[-CHARGES_KEPT:])


def learnt_interval(before: Session, after: Session) -> timedelta | None:
    """What a charge has shown of its meter when it ends; None while it goes on, or when it has shown too little."""
    if before.facts.group is not Group.RUNNING or after.facts.group is Group.RUNNING:
        return None
    interval = after.trace.reporting_interval()
    return interval if interval is not None and interval <= LONGEST else None
