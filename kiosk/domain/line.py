"""The line of drivers who wait for a start: three starts a minute for everybody behind one address.

Pure functions of who waits and of the sliding window, so that any process can tell a driver the place and the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STARTS_PER_MINUTE = 3
RESERVED = 1
"""So many of the starts a minute are left to drivers whose network owes nothing, whoever else stands in the line."""
WINDOW = timedelta(seconds=62)
"""A start counts for a minute from when its answer began, which is a moment after it was sent."""
FIRST_CLOSURE = timedelta(minutes=1)
LONGEST_CLOSURE = timedelta(minutes=15)
LONGEST_TOLD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LinePlace:
    """A driver's place in the line. `number` counts from 1; `seconds` is an estimate of the wait.

    `closed`: the charger itself takes no starts for now, and nobody knows for how long.
    """

    number: int
    seconds: int
    closed: bool = False
    unreachable: bool = False
    """The charging service could not be reached when this start was to be sent; it is tried again."""

    @property
    def timed(self) -> bool:
        """`seconds` is an estimate that can be told."""
        return not self.closed and not self.unreachable


def place_in_line(
    number: int,
    recent: Sequence[datetime],
    now: datetime,
    per_minute: int = STARTS_PER_MINUTE,
    opens_at: datetime | None = None,
) -> LinePlace:
    """Where the `number`-th waiting start stands, given when the `recent` starts were sent.

    `opens_at`: nothing is sent before then, because upstream said so.
    """
    opens = now if opens_at is None else max(now, opens_at)
    sent = sorted(at for at in recent if now - at < WINDOW)
    when = opens
    for _ in range(number):
        window = sent[-per_minute:]
        when = max(opens, window[0] + WINDOW) if len(window) == per_minute else opens
        sent.append(when)
    return LinePlace(number, max(0, round((when - now).total_seconds())))


def closed_for(refused: int, told: timedelta | None) -> timedelta:
    """For how long nothing is started at a charger that said no `refused` times in a row because of its own limit.

    1, 2, 4, 8, then 15 minutes. `told` is upstream's own wait; then it is that, up to an hour.
    """
    if told is not None:
        return min(max(told, FIRST_CLOSURE), LONGEST_TOLD)
    doubled: timedelta = FIRST_CLOSURE * 2 ** min(max(0, refused - 1), 8)
    return min(doubled, LONGEST_CLOSURE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A start that waits, and by which marks its turn is found: device and network (None: not known), never names.

    `bay` is charger and connector as one word. `on_site`: they came by a fresh code of the site's screen, or stood at
    it. `unreachable`: it could not leave when it was to be sent.
    """

    command_id: int
    key: str
    code: str
    bay: str
    asked_at: datetime
    not_before: datetime
    device: str
    network: str | None = None
    on_site: bool = False
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One place in the fair line. `first`: the first of a network that owes nothing, or of a driver on site."""

    waiting: Waiting
    first: bool


def fair_line(waiting: Sequence[Waiting], debts: Mapping[str, int]) -> list[Turn]:
    """In turn by network, in each by device, and in the order of asking only between equals.

    Who stands in front of the site's screen comes first: a stranger far away cannot. `debts` are the starts that a
    network has left unpaid (`kiosk.domain.unpaid`): each puts it one round back.
    """
    of_device: Counter[str] = Counter()
    seconds: list[tuple[int, Waiting]] = []
    for one in sorted(waiting, key=lambda one: one.command_id):
        seconds.append((of_device[one.device], one))
        of_device[one.device] += 1
    of_network: Counter[str] = Counter()
    turns: list[tuple[bool, int, int, Turn]] = []
    for nth, one in sorted(seconds, key=lambda pair: (pair[0], pair[1].command_id)):
        network = one.network or one.device
        round_ = nth if one.on_site else of_network[network] + debts.get(network, 0)
        if not one.on_site:
            of_network[network] += 1
        turns.append((not one.on_site, round_, one.command_id, Turn(one, first=round_ == 0)))
    return [turn for *_, turn in sorted(turns, key=lambda row: row[:3])]
