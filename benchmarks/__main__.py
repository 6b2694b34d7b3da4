"""`python -m benchmarks [name ...]`: runs the named benchmarks, or all, and prints one table. Ends with 1 on a miss."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable

from benchmarks import (
    board,
    card,
    desk,
    economy,
    expected,
    fleet,
    jitter,
    kills,
    meters,
    news,
    pages,
    queue,
    reconciling,
    rounds,
    strangers,
    tablet,
    weight,
)
from benchmarks.machine import facts
from benchmarks.report import Figure, say, table
from kiosk.config.logs import configure_logs

ALL: dict[str, Callable[[], list[Figure]]] = {
    "fleet": fleet.run,
    "economy": economy.run,
    "rounds": rounds.run,
    "card": card.run,
    "news": news.run,
    "weight": weight.run,
    "pages": pages.run,
    "expected": expected.run,
    "reconciling": reconciling.run,
    "queue": queue.run,
    "desk": desk.run,
    "board": board.run,
    "tablet": tablet.run,
    "meters": meters.run,
    "jitter": jitter.run,
    "strangers": strangers.run,
    "kills": kills.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(ALL)}; all without one")
    names: list[str] = parser.parse_args().names or list(ALL)
    unknown = [name for name in names if name not in ALL]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; take {', '.join(ALL)}")
    configure_logs("console", logging.WARNING, sys.stderr)
    for line in facts():
        say(line)
    figures: list[Figure] = []
    for name in names:
        say(f"Running {name} …")
        figures += ALL[name]()
    say(f"load when it ended: {os.getloadavg()[0]:.1f}\n")
    say(table(figures))
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    raise SystemExit(main())
