"""What service functions are given: the parts that `kiosk.app.create_app` has wired together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kiosk.clock import Clock
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.news.live import Live
from kiosk.store.store import Store


class Waker(Protocol):
    """The engine as services and pages know it: something that can be asked to read the store now."""

    def wake(self) -> None: ...

    def alive(self) -> bool:
        """Its last round was a moment ago, here or in the process that holds the lease."""


@dataclass(frozen=True)
class Parts:
    """`patience`: waits for the engine last this many times as long as written. Tests without an engine set 0."""

    settings: Settings
    site: SiteBook
    clock: Clock
    store: Store
    live: Live
    engine: Waker
    patience: float = 1.0
