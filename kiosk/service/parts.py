"""What service functions are given: the parts that `kiosk.app.create_app` has wired together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from kiosk.clock import Clock
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.domain.directory import Directory, Grant
from kiosk.news.news import News
from kiosk.service.checkup import Checkup, NoCheckup
from kiosk.service.power_kept import Powers
from kiosk.service.systems import SystemSeen
from kiosk.store.store import Store


class Alive(Protocol):
    """The engine as services and pages know it. What it must do it learns from the store and the news."""

    def alive(self) -> bool:
        """Its last round was a moment ago, here or in the process that holds the lease."""

    def unwell(self) -> list[str]:
        """The names of duties that are late, or without which nothing works and that fail. Of who leads alone."""

    def duties(self) -> Sequence[Mapping[str, object]]:
        """The state of every duty as plain JSON, in the order of the round. Nothing in it is secret."""


@dataclass(frozen=True)
class Parts:
    """`patience`: waits for the engine last this many times as long as written. Tests without an engine set 0.

    `limits`: how many requests may leave for Plugchoice in a minute, by endpoint. `systems` says what the outside
    systems have answered here of late. `directory` is the operator's own, `grants` what its words are good for.
    """

    settings: Settings
    site: SiteBook
    clock: Clock
    store: Store
    news: News
    engine: Alive
    powers: Powers
    patience: float = 1.0
    limits: Mapping[str, int] = field(default_factory=dict)
    systems: Callable[[datetime], Sequence[SystemSeen]] = lambda _now: ()
    checkup: Checkup = field(default_factory=NoCheckup)
    directory: Directory | None = None
    grants: Mapping[str, Grant] = field(default_factory=dict)
