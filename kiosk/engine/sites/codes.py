"""By which public codes chargers are sold that the operator's view names by their uuid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock

from kiosk.clock import Clock
from kiosk.domain.site_board import SiteTransaction
from kiosk.store.store import Store
from kiosk.upstream.plugchoice.codes import read_codes
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator

AT_ONCE = 30
"""Chargers that are asked for their code at once; the next look asks for more."""
AGAIN_AFTER = timedelta(minutes=10)
"""A charger that has no code now may get one."""
MISSES = 2
"""Chargers without an answer, after which the others are left for the next look."""


class PublicCodes:
    """Asked for once, then known. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, str] = {}
        self._without: dict[str, datetime] = {}

    def of(self, operator: PlugchoiceOperator, transactions: Iterable[SiteTransaction]) -> dict[str, str]:
        """The codes of the chargers of these transactions by uuid, as far as they can be had."""
        uuids = {one.charger.uuid for one in transactions if one.charger is not None and one.charger.uuid is not None}
        if self._wanted(uuids):
            learnt = {one.uuid: one.code for one in self._store.own_chargers() if one.code is not None}
            with self._lock:
                self._known |= learnt
        told = read_codes(operator, self._wanted(uuids)[:AT_ONCE], MISSES)
        with self._lock:
            self._without |= dict.fromkeys(told.without, self._clock.now())
            self._known |= told.found
        with self._lock:
            return {uuid: self._known[uuid] for uuid in uuids if uuid in self._known}

    def _wanted(self, uuids: set[str]) -> list[str]:
        now = self._clock.now()
        with self._lock:
            asked = {uuid for uuid, at in self._without.items() if now - at < AGAIN_AFTER}
            return sorted(uuids - self._known.keys() - asked)
