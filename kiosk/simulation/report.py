"""`kiosk simulate`: so many sessions in runs of a few, and a table of what happened. Each run has a seed of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.simulation.play import A_RUN, Result, play
from kiosk.simulation.shrink import NoShrinker, shrunk

Say = Callable[[str], None]


@dataclass(slots=True)
class Total:
    """All runs together. `broken` are sentences, each with the line that has its run again."""

    sessions: int = 0
    runs: int = 0
    hours: float = 0.0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, result: Result, again: str) -> None:
        self.sessions += result.drivers
        self.runs += 1
        self.hours += result.hours
        self.outcomes += result.outcomes
        self.faults += result.faults
        self.calls += result.calls
        self.broken += [f"{sentence}. Again: {again}" for sentence in result.broken]


def simulate(seed: int, sessions: int, *, rough: bool, story: bool, say: Say, seconds: float | None = None) -> Total:
    """Play at least so many sessions, or for so many `seconds` of the wall clock, and print what came of them."""
    total, began = Total(), time.perf_counter()
    while total.sessions < sessions:
        drivers = min(A_RUN, sessions - total.sessions)
        result = play(seed + total.runs, rough=rough, drivers=drivers)
        before = len(total.broken)
        total.add(result, again(result, rough=rough))
        for line in total.broken[before:]:
            say(f"BROKEN  {line}")
        if story:
            _tell(_shortest(result, say, rough=rough) if result.broken else result, say)
        if seconds is not None and time.perf_counter() - began >= seconds:
            break
    total.seconds = time.perf_counter() - began
    for line in table(total):
        say(line)
    return total


def again(result: Result, *, rough: bool) -> str:
    """The line that has this run again."""
    return f"kiosk simulate --seed {result.seed} --sessions {result.drivers}{' --rough' if rough else ''} --story"


def table(total: Total) -> list[str]:
    lines = [
        _row("sessions", f"{total.sessions} in {total.runs} runs, {total.hours:.1f} made-up hours"),
        _row("calls to upstream", f"{total.calls.total()}"),
        "how they ended",
        *(_row(f"  {name}", str(count)) for name, count in total.outcomes.most_common()),
        "faults",
        *(_row(f"  {name}", str(count)) for name, count in sorted(total.faults.items())),
        _row("broken", str(len(total.broken))),
        _row("sessions a second", f"{total.sessions / total.seconds:.2f}" if total.seconds > 0 else "-"),
    ]
    return [line for line in lines if line != "faults" or total.faults]


def _row(name: str, value: str) -> str:
    return f"{name:58} {value}"


def _shortest(result: Result, say: Say, *, rough: bool) -> Result:
    """The smallest run that breaks the same promise, and in a sentence what is in it."""

    def replay(kept: frozenset[str]) -> Result:
        return play(result.seed, rough=rough, drivers=result.drivers, kept=kept)

    try:
        found = shrunk(result, replay)
    except NoShrinker as missing:
        say(f"This is the whole run, and not the shortest: {missing} (pip install hypothesis).")
        return result
    say(f"It takes no more than this, of {len(result.parts)} parts of the run, to break it: {'; '.join(found.parts)}.")
    return found


def _tell(result: Result, say: Say) -> None:
    say(f"The story of seed {result.seed}:")
    for line in result.lines:
        say(f"  {line}")
