"""A real gunicorn dies, or is frozen, at each of its commits and calls in turn, and each charge ends with its receipt.

Without an end the journey is played twice, to learn which points it has. Then it is played once for each point and way:
killed with `kill -9` and started again; frozen for longer than its lease, alone; and frozen while another one takes
over, and coming back beside it. `python -m benchmarks.kills freeze "before call POST /… 1"` plays one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from benchmarks.garage import folder_in_memory
from benchmarks.kill_scene import PATIENCE, Driver, Late, Outside, Servers, alive, free_port, wait_until_over, wrong
from benchmarks.points import Point, reached
from benchmarks.report import Figure, say
from benchmarks.stem import Stem

LANES = 3
"""Journeys at once: each waits more than it works."""
FROZEN_FOR = 3.5
"""Seconds of the wall: a lease lives for two."""
TAKEN_OVER_IN = 6.0
"""Seconds of the wall in which another one leads, or cannot, because the frozen one holds the database."""
NOTICED_EVERY = 0.02


class Way(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    REPLACE = "replace"
    """Frozen, and another one takes over before it comes back."""


@dataclass(frozen=True)
class Journey:
    """One charge. `struck`: the point was reached; `wrong`: a sentence for each thing that is not as it has to be."""

    way: Way | None
    point: Point | None
    struck: bool
    wrong: tuple[str, ...]
    seconds: float
    starts: int
    """Sessions that the driver had to begin."""
    points: tuple[Point, ...] = field(repr=False, default=())
    log: str = field(repr=False, default="")


def play(stem: Stem, way: Way | None = None, point: Point | None = None, database: str | None = None) -> Journey:
    """One charge from the scan to the receipt, with that end or without one."""
    began = time.monotonic()
    end = began + PATIENCE
    with folder_in_memory() as folder, ExitStack() as around:
        outside = Outside()
        around.callback(outside.close)
        servers = Servers(folder, stem, outside, database)
        around.callback(servers.end)
        over = threading.Event()
        number = signal.SIGKILL if way is Way.KILL else signal.SIGSTOP
        group = servers.start(point, number, count=True)
        if way is not None and point is not None:
            strike = partial(_follow, servers, group, way, point, over)
            watcher = threading.Thread(target=strike, daemon=True)
            watcher.start()
            around.callback(watcher.join)
            around.callback(over.set)
        driver = around.enter_context(closing(Driver(outside, servers)))
        try:
            key = driver.play(end)
            with closing(servers.store()) as store:
                wait_until_over(store, end)
                found = wrong(store, outside, key)
        except Late as late:
            found = [str(late)]
        points = reached(servers.points)
        return Journey(
            way,
            point,
            point in points,
            tuple(found),
            time.monotonic() - began,
            len(driver.keys),
            tuple(points),
            servers.log.read_text(errors="replace"),
        )


def _follow(servers: Servers, group: int, way: Way, point: Point, over: threading.Event) -> None:
    """Once the point is reached: what an operator's machine does then."""
    while not over.wait(NOTICED_EVERY):
        if point in reached(servers.points):
            break
    else:
        return
    if way is Way.KILL:
        while alive(group):
            time.sleep(NOTICED_EVERY)
        servers.start()
        return
    if way is Way.FREEZE:
        over.wait(FROZEN_FOR)
    else:
        before = servers.leader()
        servers.port = free_port()
        servers.start()
        until = time.monotonic() + TAKEN_OVER_IN
        while servers.leader() in {"", before} and time.monotonic() < until:
            over.wait(0.1)
        over.wait(0.5)
    os.killpg(group, signal.SIGCONT)


def points_of(journeys: Iterable[Journey]) -> list[Point]:
    """What any of them has reached, in the order in which it was met first."""
    return list(dict.fromkeys(point for journey in journeys for point in journey.points))


@contextmanager
def stem() -> Iterator[Stem]:
    grown = Stem()
    try:
        yield grown
    finally:
        grown.close()


def run() -> list[Figure]:
    with stem() as root, ThreadPoolExecutor(LANES) as lanes:
        quiet = [_told(play(root)) for _ in range(2)]
        jobs = [(way, point) for point in points_of(quiet) for way in Way]
        say(f"{len(jobs)} journeys …")
        played = list(lanes.map(lambda job: _told(play(root, *job)), jobs))
    return figures(quiet, played)


def _told(journey: Journey) -> Journey:
    if journey.wrong:
        say(f"{journey.way} at {journey.point}: {'; '.join(journey.wrong)}")
        if journey.log:
            say(journey.log[-3000:])
    return journey


def figures(quiet: Sequence[Journey], played: Sequence[Journey]) -> list[Figure]:
    points = points_of(quiet)
    kinds = Counter(point.kind for point in points)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    rows = [Figure("kills", "points of one charge", f"{len(points)}: {told}")]
    rows.append(Figure("kills", "different commits and calls", str(len({point.what for point in points}) // 2)))
    for way in dict.fromkeys(one.way for one in played):
        of_way = [one for one in played if one.way is way]
        struck = [one for one in of_way if one.struck]
        well = sum(not one.wrong for one in struck)
        name = f"{way}: ended with the right receipt, of those struck"
        rows.append(Figure("kills", name, f"{well} of {len(struck)}", "all", well == len(struck)))
        missed = len(of_way) - len(struck)
        broken = sum(bool(one.wrong) for one in of_way if not one.struck)
        rows.append(Figure("kills", f"{way}: points that their run did not reach", f"{missed}, {broken} broken"))
        again = sum(one.starts > 1 for one in struck)
        rows.append(Figure("kills", f"{way}: drivers who had to start again", str(again)))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("way", nargs="?", type=Way, choices=list(Way))
    parser.add_argument("point", nargs="?", type=Point.from_text, help="of the list that it prints without one")
    chosen = parser.parse_args()
    with stem() as root:
        journey = play(root, chosen.way if chosen.point else None, chosen.point)
    for point in journey.points:
        say(str(point))
    say(journey.log)
    say(f"{journey.seconds:.1f} s, {journey.starts} starts, struck: {journey.struck}")
    say("; ".join(journey.wrong) or "It ended as it has to.")
    return 1 if journey.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
