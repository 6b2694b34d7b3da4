"""What the desk may ask about the set-up of the kiosk. Who answers is wired in by `kiosk.app`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kiosk.domain.finding import Finding


@dataclass(frozen=True, slots=True)
class Asked:
    """A round of questions to everybody; `ended_at` is None while it goes on."""

    began_at: datetime
    ended_at: datetime | None
    findings: tuple[Finding, ...]


class Checkup(Protocol):
    """See `kiosk.doctor.at_desk`."""

    def now(self) -> Sequence[Finding]:
        """What can be said at once: nobody is asked."""

    def asked(self) -> Asked | None:
        """What the last round of questions has brought so far; None: none was begun here."""

    def ask(self) -> bool:
        """Begin one. False: one is under way, or was begun a moment ago."""


class NoCheckup:
    """Where nobody looks at the set-up: a kiosk of a test or of a simulation."""

    def now(self) -> Sequence[Finding]:
        return ()

    def asked(self) -> Asked | None:
        return None

    def ask(self) -> bool:
        return False
