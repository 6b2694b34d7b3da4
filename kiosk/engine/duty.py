"""What a duty of the engine is: it says what is to be done now, and when there may be more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import ClassVar

from kiosk.upstream.plugchoice.budget import Endpoint

EVERY_ROUND = timedelta(0)
COMMAND_MARK = "command:"
"""Before the key of its session, the mark of a job that sends a command: one session sends one at a time."""
NOTHING_SOON = timedelta(minutes=1)
"""The wait of a duty that knows of nothing to do."""


class Pool(Enum):
    """Which workers do a job. A slow outside system keeps only its own pools waiting."""

    COMMANDS = auto()
    READS = auto()
    """Not those of the commands: while the back office hangs, a stop must not queue behind what only reads."""
    PROOFS = auto()
    MAILS = auto()
    """Not those of the proofs: a mail server may hang for a minute, and holds have to be seen to their end."""
    SITES = auto()
    NOTICES = auto()
    """Not those of the mails: an operator's own server may hang, and no driver waits for what it is told."""
    BACKUPS = auto()
    """A copy of a large database takes its time, and nothing waits for it."""
    TABLES = auto()
    """Nor for the tables of a month; the place that they go to may hang, and backups go on."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. While one with the same mark is under way, no other is begun.

    `endpoint` is the public endpoint that it calls, so that its grant is reserved. `about` names in the log whose it
    is; the mark itself may contain a session's key and is never logged.
    """

    mark: str = field(repr=False)
    run: Callable[[], None]
    endpoint: Endpoint | None = None
    pool: Pool = Pool.COMMANDS
    about: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Jobs:
    """What is to be done now, in this order, and after how long there may be more."""

    now: tuple[Job, ...] = ()
    wait: timedelta = NOTHING_SOON


class Duty(ABC):
    """One kind of the engine's work. It decides in `jobs`, on the engine's own thread; the crew does the jobs.

    `beat` is the time between two runs; with EVERY_ROUND it is asked in every round, and `Jobs.wait` says when at the
    latest.
    """

    name: ClassVar[str]
    beat: timedelta = EVERY_ROUND
    vital: ClassVar[bool] = False
    """A kiosk in which it fails cannot do its work: a charge would not be stopped, or a start not be sent."""

    @abstractmethod
    def jobs(self, now: datetime) -> Jobs: ...

    def take_over(self, now: datetime) -> None:  # noqa: B027 - most duties have nothing to take up
        """This process begins to lead: take up what an earlier leader has left. Before the first `jobs`."""
