"""The wire under a client of an outside system, where the test itself answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from kiosk.clock import ManualClock
from kiosk.upstream.http import Outcome

Handler = Callable[[httpx.Request], httpx.Response]
Answers = Handler | httpx.Response | list[httpx.Response]
"""What decides, what is always answered, or one answer after the other."""


class FakedWire:
    """A clock, everything that was sent and everything that was counted. Subclasses make `api` of `wired`."""

    def __init__(self, answer: Answers, start: datetime | None = None) -> None:
        self.clock = ManualClock() if start is None else ManualClock(start)
        self.sent: list[httpx.Request] = []
        self.counted: list[tuple[str, Outcome, int | None]] = []
        self._answer = answer

    @property
    def wired(self) -> dict[str, Any]:
        """The arguments that set a client on this wire."""
        return {"clock": self.clock, "transport": httpx.MockTransport(self._record), "on_call": self._count}

    def body(self) -> Any:
        """What was sent last."""
        return json.loads(self.sent[-1].content)

    def _record(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if isinstance(self._answer, list):
            return self._answer[len(self.sent) - 1]
        return self._answer(request) if callable(self._answer) else self._answer

    def _count(self, endpoint: str, outcome: Outcome, status: int | None, _seconds: float) -> None:
        self.counted.append((endpoint, outcome, status))
