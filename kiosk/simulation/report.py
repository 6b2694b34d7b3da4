"""`kiosk simulate`: so many sessions in runs of a few, and a table of what happened. Each run has a seed of its own."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

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


def simulate_on(file: Path, seed: int, sessions: int, *, rough: bool, say: Say, seconds: float | None = None) -> Total:
    """Go on with what is written down in `file`, until so many sessions were played in all; each run is added to it as
    soon as it has ended. A file that is not there begins with `seed`. Raises ValueError for one of other runs.
    """
    kept = _read(file) if file.exists() else Kept(seed, rough)
    if kept.rough != rough:
        raise ValueError(f"{file} counts {'rough' if kept.rough else 'gentle'} runs")
    total, began = kept.total, time.perf_counter()
    while total.sessions < sessions and (seconds is None or time.perf_counter() - began < seconds):
        started = time.perf_counter()
        result = play(kept.seed + total.runs, rough=rough, drivers=min(A_RUN, sessions - total.sessions))
        before = len(total.broken)
        total.add(result, again(result, rough=rough))
        total.seconds += time.perf_counter() - started
        for line in total.broken[before:]:
            say(f"BROKEN  {line}")
        _write(file, kept)
    for line in table(total):
        say(line)
    return total


@dataclass(slots=True)
class Kept:
    """What a file of many runs has: their first seed, and all of them together."""

    seed: int
    rough: bool
    total: Total = field(default_factory=Total)


def _read(file: Path) -> Kept:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        counted = said["total"]
        counts = {name: Counter(counted[name]) for name in ("outcomes", "faults", "calls")}
        return Kept(said["seed"], said["rough"], Total(**{**counted, **counts}))
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{file} is no count of runs") from error


def _write(file: Path, kept: Kept) -> None:
    """Whole or not at all: whoever is ended meanwhile finds the runs before."""
    part = file.with_name(f"{file.name}.part")
    total = {each.name: getattr(kept.total, each.name) for each in fields(kept.total)}
    said = {"seed": kept.seed, "rough": kept.rough, "total": total}
    part.write_text(json.dumps(said, indent=1), encoding="utf-8")
    part.replace(file)


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
