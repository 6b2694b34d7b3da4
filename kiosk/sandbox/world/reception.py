"""One call at any of the stand-ins: fault, key, limit, work, fault, in the order in which a real server meets them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Response, request

from kiosk.sandbox.world import faulty_answers
from kiosk.sandbox.world.faults import CUTS, Faults, Kind, Rule
from kiosk.sandbox.world.line import Line
from kiosk.sandbox.world.traffic import Request, Verdict
from kiosk.sandbox.world.world import World

ANYWHERE = frozenset(
    {
        Kind.LATENCY,
        Kind.LATE_ANSWER,
        Kind.SERVER_ERROR,
        Kind.BAD_GATEWAY,
        Kind.TOO_MANY,
        Kind.UNAUTHORIZED,
        Kind.TRUNCATED,
        Kind.HTML,
        Kind.EMPTY,
        *CUTS,
    }
)
"""The faults that any service can have; those of chargers, sessions and prices belong to some alone."""


@dataclass(frozen=True)
class Reception:
    """`kinds` are the faults that fit here. `tick` brings the world up to the present and returns the time. `line` is
    slow or not; without one, calls take no time."""

    world: World
    faults: Faults | None
    kinds: frozenset[Kind]
    tick: Callable[[], datetime]
    line: Line | None = None

    def serve(
        self,
        route: str,
        work: Callable[[], Response],
        *,
        address: str | None = None,
        refuse: Callable[[], Response | None] = lambda: None,
        spend: Callable[[datetime], Verdict] | None = None,
    ) -> Response:
        """The answer, counted in the world's traffic under `route`.

        `refuse` answers a caller whose key is wrong. `spend` takes one request from a limit; the answer then tells what
        is left. `work` must not raise: it answers also what it declines.
        """
        way_back = self.line.carry() if self.line is not None else 0.0
        arrived = self.tick()
        address = request.remote_addr or "" if address is None else address
        rule = self._fault(route)
        if rule is not None and rule.kind in CUTS and _early(rule):
            return self._cut(Request(arrived, route, 0, address, rule.kind))
        if rule is not None and rule.kind is Kind.LATENCY:
            self.world.clock.wait(threading.Event(), rule.seconds)
        now = self.tick()
        answer, verdict = refuse(), None
        if answer is None and spend is not None:
            verdict = spend(now)
            if verdict.retry_after is not None:
                answer = faulty_answers.error_answer(Rule(Kind.TOO_MANY, retry_after=verdict.retry_after))
        if answer is not None:
            rule = None  # not played: key and limit are met before the work
        else:
            answer = _played(rule, work)
            if rule is not None and rule.kind in CUTS:
                return self._cut(Request(arrived, route, 0, address, rule.kind))
        if verdict is not None:
            answer.headers["X-RateLimit-Limit"] = str(verdict.limit)
            answer.headers["X-RateLimit-Remaining"] = str(verdict.remaining)
        self.world.traffic.record(Request(arrived, route, answer.status_code, address, rule.kind if rule else None))
        if rule is not None and rule.kind is Kind.LATE_ANSWER:
            way_back += rule.seconds
        if way_back > 0:
            self.world.clock.wait(threading.Event(), way_back)
        return answer

    def _fault(self, route: str) -> Rule | None:
        if self.faults is None:
            return None
        return self.faults.take(route, faulty_answers.playable(request.environ) & self.kinds)

    def _cut(self, lost: Request) -> Response:
        self.world.traffic.record(lost)
        faulty_answers.cut(request.environ)
        return Response(status=500)  # never leaves: the connection is gone


def _early(rule: Rule) -> bool:
    """The work is not done. A server that cannot be reached never does it."""
    return not rule.after_effect or rule.kind is Kind.UNREACHABLE


def _played(rule: Rule | None, work: Callable[[], Response]) -> Response:
    """The answer as the rule leaves it."""
    if rule is None or rule.kind in (Kind.LATENCY, Kind.LATE_ANSWER) or rule.kind in CUTS:
        return work()
    if rule.kind in faulty_answers.ERRORS:
        if not _early(rule):
            work()
        return faulty_answers.error_answer(rule)
    return faulty_answers.spoil(rule, work())
