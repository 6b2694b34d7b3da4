"""What a round of the engine costs while 1,000 sessions charge: CPU of the thread that goes round, calls included."""

from __future__ import annotations

import time
from datetime import timedelta

from benchmarks.economy import STEP, Many, many_sessions
from benchmarks.report import Figure, at_most, percentile

SIZE = 1000
SETTLES, MEASURED = timedelta(minutes=2), timedelta(minutes=3)
MOST_MS = 30.0


def run() -> list[Figure]:
    with many_sessions(SIZE, None) as many:
        many.pass_time(SETTLES)
        taken = _rounds(many)
    name, what = "rounds", f"one with {SIZE:,} sessions that charge, in ms of CPU"
    return [
        at_most(name, f"{what}: mean", sum(taken) / len(taken), MOST_MS, "{:.1f}"),
        Figure(name, f"{what}: p50, p95", f"{percentile(taken, 0.5):.1f}, {percentile(taken, 0.95):.1f}"),
    ]


def _rounds(many: Many) -> list[float]:
    """One a second, as in a kiosk: of a new figure every few seconds, of the rest nothing new."""
    taken = []
    for _ in range(int(MEASURED.total_seconds() / STEP)):
        since = time.thread_time()
        many.engine.round()
        taken.append((time.thread_time() - since) * 1000)
        many.clock.advance(STEP)
    return taken
