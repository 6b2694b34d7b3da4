"""Who is told of what needs a person, and when: at once, again after an hour and after a day, or once a day.

Rule CH-04: what is left to lie for an hour is told louder, for a day as an alarm. A message names charger, bay, amount
and age; never a driver, their address, or anything that opens a session.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from kiosk.domain.attention import Attention, Level, Matter
from kiosk.domain.handling import Handling

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
TRIED_FOR = timedelta(days=1)
"""Then it is given up, and stands so in the record. What is told a day later is told by the next level."""
APART = timedelta(minutes=1)
"""So long after one message to somebody the next one is made: what comes together is told together."""
DIGEST_LATE = timedelta(hours=6)
"""A digest that could not be made for so long after its time waits for the next day."""


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"
    NTFY = "ntfy"
    APPRISE = "apprise"


class Why(StrEnum):
    """Why a message is made."""

    AT_ONCE = "at_once"
    DIGEST = "digest"


class DeliveryState(StrEnum):
    """One that was being sent when the process was killed waits again: told twice is better than not at all."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    GIVEN_UP = "given_up"  # refused for good, or not to be delivered for a day
    NEEDLESS = "needless"  # everything in it was over before it could be sent


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` to `end` on a clock on the wall; over midnight when `end` is earlier."""

    start: time
    end: time

    def contain(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told, where, and of what. `codes`: the chargers of their sites; None: all. `after`: from which age on.

    `quiet`: nothing is sent then but alarms, if `alarms_at_night`. `digest`: once a day at that time, not at once.
    """

    name: str
    channel: Channel
    address: str = field(repr=False)
    kinds: frozenset[Attention] | None = None
    codes: frozenset[str] | None = None
    after: timedelta = timedelta(0)
    again: bool = True
    quiet: Hours | None = None
    alarms_at_night: bool = True
    digest: time | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def hears(self, matter: Matter) -> bool:
        kind = self.kinds is None or matter.kind in self.kinds
        return kind and (self.codes is None or matter.code in self.codes)

    def is_quiet(self, now: datetime) -> bool:
        return self.quiet is not None and self.quiet.contain(now.astimezone(self.zone).time())


@dataclass(frozen=True, slots=True)
class Open:
    """One row of the list, as far as messages need it."""

    id: int
    matter: Matter
    level: Level
    handling: Handling


Told = Collection[tuple[int, Level]]
"""Which rows one receiver has been told of, and how loud each was then."""


def to_tell(rows: Iterable[Open], receiver: Receiver, told: Told, now: datetime) -> list[Open]:
    """The rows of which this receiver is to hear now; empty for one with a digest.

    A row is told once, and once more for each level that it reaches after that. Of an engine that was away for two days
    nobody hears three times. What a person has set aside or seen to is not told.
    """
    if receiver.digest is not None:
        return []
    known = {number for number, _level in told}
    quiet = receiver.is_quiet(now)
    found = []
    for row in rows:
        if not receiver.hears(row.matter) or not row.handling.waits(now) or now - row.matter.since < receiver.after:
            continue
        if (row.id, row.level) in told or (row.id in known and not receiver.again):
            continue
        if quiet and not (row.level is Level.ALARM and receiver.alarms_at_night):
            continue
        found.append(row)
    return found


def digest_due(receiver: Receiver, last: datetime | None, now: datetime) -> bool:
    """It is time for the digest of today, and it was not made yet. `last`: when the last one was made.

    On a night in which the clocks go forward its time may not be on any clock: then the next one counts.
    """
    if receiver.digest is None:
        return False
    local = now.astimezone(receiver.zone)
    moment = datetime.combine(local.date(), receiver.digest, receiver.zone)
    due = moment.timestamp() <= now.timestamp() < moment.timestamp() + DIGEST_LATE.total_seconds()
    return due and (last is None or last.timestamp() < moment.timestamp())


def next_try(asked_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """When a message is tried again that did not arrive; None: it is given up."""
    if now - asked_at >= TRIED_FOR:
        return None
    pause: timedelta = FIRST_PAUSE * (1 << min(max(attempts, 1) - 1, 7))
    return now + min(LONGEST_PAUSE, pause)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message in words, and `facts` as JSON has them, for machines. Neither holds a secret or names a driver."""

    subject: str
    text: str
    facts: Mapping[str, object]
    urgent: bool = False
