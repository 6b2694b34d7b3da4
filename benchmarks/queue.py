"""What the queue of things that need a person costs at the desk: its first page and a far one, among 100,000 rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Figure, at_most
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.service.queue import PAGE, page_of
from kiosk.store import Cipher, Store
from kiosk.store.handlings import State, Wanted, place_of

ROWS, OPEN = 100_000, 30_000
TIMES = 60
FAR = 1000
"""The page that is asked for besides the first."""
MOST_MS = 50.0
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
KINDS = [kind for kind in Attention if kind is not Attention.STARTS_REFUSED]


def run() -> list[Figure]:
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder)}/kiosk.db", Cipher(["a secret of a benchmark, long enough"]))
        store.migrate()
        try:
            _fill(store)
            rows = store.waiting_for_people(Wanted(), NOW, PAGE * (FAR - 1))
            level, since, number = place_of(rows[-1])
            far = f"{level}~{since.timestamp():.6f}~{number}"
            book = SiteBook()
            first = _p95(lambda: page_of(store, book, Wanted(), NOW))
            later = _p95(lambda: page_of(store, book, Wanted(), NOW, far))
            closed = _p95(lambda: page_of(store, book, Wanted(State.CLOSED), NOW))
            counted = _p95(lambda: store.how_many_wait(Wanted(), NOW))
        finally:
            store.close()
    name = "queue"
    return [
        at_most(name, f"first page of {OPEN:,} open rows of {ROWS:,}, p95 in ms of CPU", first, MOST_MS, "{:.1f}"),
        at_most(name, f"page {FAR:,}, p95 in ms of CPU", later, MOST_MS, "{:.1f}"),
        at_most(name, "first page of those that are closed, p95 in ms of CPU", closed, MOST_MS, "{:.1f}"),
        at_most(name, "counts of the tabs, p95 in ms of CPU", counted, MOST_MS, "{:.1f}"),
    ]


def _fill(store: Store) -> None:
    matters = [
        Matter(KINDS[number % len(KINDS)], f"key-{number}", "7MK4T", NOW - timedelta(minutes=number % 9000), Act.READ)
        for number in range(ROWS)
    ]
    store.keep_exceptions(matters, (), NOW)
    store.keep_exceptions([], [one.subject for one in matters[OPEN:]], NOW)


def _p95(ask: Callable[[], object]) -> float:
    ask()
    taken = []
    for _ in range(TIMES):
        since = time.thread_time()
        ask()
        taken.append((time.thread_time() - since) * 1000)
    return sorted(taken)[int(TIMES * 0.95) - 1]
