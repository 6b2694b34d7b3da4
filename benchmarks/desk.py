"""What the desk costs with 100,000 sessions: list, search and queue as pages, on SQLite and PostgreSQL; a file of all.

The page is asked for as a browser does, through the whole app, so the time is the server's: session, filters, store,
template. A far page goes on from the last row of page 999. A file is read to its end while memory is watched.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert

from benchmarks.report import Figure, at_most, percentile, say
from kiosk.clock import ManualClock
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.desk import Role
from kiosk.domain.session import HoldProof, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.service.desk_people import add_person
from kiosk.store import Store
from kiosk.store.finding import Wanted
from kiosk.store.handlings import Wanted as WantedRows
from kiosk.store.handlings import place_of
from kiosk.store.rows import session_values
from kiosk.store.tables import sessions
from tests.web.conftest import BOOK, Kiosk
from tests.worlds import postgres

NAME = "desk"
SESSIONS, FAR = 100_000, 1000
ROWS, OF_QUEUE = 50, 25
TIMES = 60
MOST_MS, MOST_FIRST_MS = 50.0, 200.0
MOST_GROWTH_MB = 8.0
"""A file of a hundred times the rows may need so much more memory: what is gathered for one read of the store."""
PASSWORD = "three plain words"  # noqa: S105 - made up
AT_ONCE = 10_000


def run() -> list[Figure]:
    figures = []
    kinds = ["SQLite", *(["PostgreSQL"] if postgres.programs() is not None else [])]
    for kind in kinds:
        with _kiosk(kind) as (kiosk, browser):
            _fill(kiosk.store, kiosk)
            figures += _pages(kind, kiosk, browser)
            if kind == "SQLite":
                figures += _files(browser)
    return figures


@contextmanager
def _kiosk(kind: str) -> Iterator[tuple[Kiosk, FlaskClient]]:
    with TemporaryDirectory() as folder:
        kiosk = _OnServer(Path(folder)) if kind == "PostgreSQL" else Kiosk(Path(folder), ManualClock())
        with closing(kiosk):
            problem = add_person(kiosk.store, "kim", PASSWORD, Role.OWNER, None, kiosk.now, "bench")
            if problem is not None:
                raise RuntimeError(problem)
            browser = kiosk.phone()
            browser.post("/desk/sign-in", data={"name": "kim", "password": PASSWORD})
            yield kiosk, browser


class _OnServer(Kiosk):
    """The same over a server's database."""

    def __init__(self, folder: Path) -> None:
        url = postgres.new_database()
        self._url = url
        super().__init__(folder, ManualClock(), SiteBook.model_validate(BOOK), database_url=url)

    def close(self) -> None:
        super().close()
        postgres.drop_database(self._url)


def _fill(store: Store, kiosk: Kiosk) -> None:
    """Straight into the table: nine in ten were paid, a second apart each, at two chargers; a third needs a person."""
    begun = kiosk.now - timedelta(days=60)
    for first in range(0, SESSIONS, AT_ONCE):
        rows = [_row(number, begun) for number in range(first, first + AT_ONCE)]
        with store._database.write() as connection:
            connection.execute(insert(sessions), rows)
    kinds = [kind for kind in Attention if kind is not Attention.STARTS_REFUSED]
    matters = [
        Matter(kinds[number % len(kinds)], f"key-{number}", "7MK4T", begun + timedelta(seconds=number), Act.READ)
        for number in range(30_000)
    ]
    store.keep_exceptions(matters, (), kiosk.now)
    if postgres.programs() is not None and not store.is_file:
        with store._database.write() as connection:
            connection.exec_driver_sql("ANALYZE")


def _row(number: int, begun: Any) -> dict[str, Any]:
    at = begun + timedelta(seconds=number * 40)
    paid = number % 10 != 0
    taken = 100 + number % 4000
    one = Session(
        key=f"key-{number}",
        code=("7MK4T", "9QX6B")[number % 2],
        connector_id=1 + number % 2,
        phase=Phase.OPEN,
        requested_at=at,
        status="captured" if paid else "no_charge",
        tariff=Tariff("EUR", 49, 35),
        authorized_minor=5000,
        authorized_at=at,
        energy_kwh=Decimal(number % 60_000) / 1000,
        cost_minor=taken if paid else 0,
        captured_minor=taken if paid else 0,
        completed_at=at,
        captured_at=at if paid else None,
        proof=HoldProof(
            at, "succeeded" if paid else "canceled", 0, taken if paid else 0, card_last4=f"{number % 9999:04}"
        ),
    )
    return {**session_values(one), "watch": False, "unproven": False, "ended_at": at}


def _pages(kind: str, kiosk: Kiosk, browser: FlaskClient) -> list[Figure]:
    after = None
    for _ in range(20):  # the last row of page 999, by larger steps
        after = kiosk.store.finding.page(Wanted(), kiosk.now, after, ROWS * (FAR - 1) // 20)[-1].place
    if after is None:
        raise RuntimeError("there is no page so far")
    far = f"{after.at.isoformat()}_{after.id}".replace("+", "%2B")
    rows = kiosk.store.waiting_for_people(WantedRows(), kiosk.now, OF_QUEUE * (FAR - 1))
    level, since, number = place_of(rows[-1])
    queue = f"{level}~{since.timestamp():.6f}~{number}"
    asked = {
        "sessions, first page": "/desk/sessions",
        f"sessions, page {FAR:,}": f"/desk/sessions?after={far}",
        "sessions, paid, first page": "/desk/sessions?view=paid",
        f"sessions, paid, from page {FAR:,} on": f"/desk/sessions?view=paid&after={far}",
        "search for card and amount": "/desk/sessions?q=4242+9.47",
        "search for a bay": "/desk/sessions?q=4",
        "search for what nobody has": "/desk/sessions?q=0000+0.01",
        "queue, first page": "/desk/queue",
        f"queue, page {FAR:,}": f"/desk/queue?after={queue}",
    }
    figures = []
    for what, address in asked.items():
        cpu, clock = _times(browser, address)
        figures.append(at_most(NAME, f"{kind}: {what}, p95 in ms of CPU", cpu, MOST_MS, "{:.1f}"))
        if kind == "PostgreSQL":  # whose own time is spent in another process
            figures.append(Figure(NAME, f"{kind}: {what}, quickest in ms by the clock", f"{clock:.1f}"))
    return figures


def _times(browser: FlaskClient, address: str) -> tuple[float, float]:
    """The 95th percentile of this thread's own time, which other work on the machine hardly moves, and the quickest
    answer by the clock, in milliseconds."""

    def ask() -> None:
        answer = browser.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")

    ask()
    cpu, clock = [], []
    for _ in range(TIMES):
        since, began = time.thread_time(), time.perf_counter()
        ask()
        cpu.append((time.thread_time() - since) * 1000)
        clock.append((time.perf_counter() - began) * 1000)
    return percentile(cpu, 0.95), min(clock)


def _files(browser: FlaskClient) -> list[Figure]:
    figures = []
    for form in ("csv", "xlsx"):
        few = _file(browser, f"/desk/sessions.{form}?q=4242")
        first = percentile([_first_byte(browser, form) for _ in range(20)], 0.95)
        whole = _file(browser, f"/desk/sessions.{form}")
        growth = (whole - few) / 1_000_000
        figures += [
            at_most(NAME, f"{form}: {SESSIONS:,} rows, first byte, p95 in ms", first, MOST_FIRST_MS, "{:.0f}"),
            at_most(NAME, f"{form}: memory above that of few rows at its peak, MB", growth, MOST_GROWTH_MB, "{:.1f}"),
        ]
    return figures


def _first_byte(browser: FlaskClient, form: str) -> float:
    since = time.perf_counter()
    answer = browser.get(f"/desk/sessions.{form}", buffered=False)
    next(answer.iter_encoded())
    taken = time.perf_counter() - since
    answer.close()
    return taken * 1000


def _file(browser: FlaskClient, address: str) -> float:
    """Bytes at the peak while the file is read to its end."""
    tracemalloc.start()
    answer = browser.get(address, buffered=False)
    size = sum(len(piece) for piece in answer.iter_encoded())
    answer.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    say(f"{address}: {size:,} bytes, {peak:,} at the peak")
    return peak
