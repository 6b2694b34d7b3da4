"""What the pages are given: the parts that `kiosk.app.create_app` has wired together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from flask import current_app

from kiosk.clock import Clock
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.news.live import Live
from kiosk.store.store import Store


class Waker(Protocol):
    """The engine as the pages know it: something that can be told to look at the store now."""

    def wake(self) -> None: ...

    def alive(self) -> bool:
        """It has gone round lately, here or in the process that holds the lease."""


@dataclass(frozen=True)
class Parts:
    settings: Settings
    site: SiteBook
    clock: Clock
    store: Store
    live: Live
    engine: Waker


def parts() -> Parts:
    return cast(Parts, current_app.extensions["kiosk"])
