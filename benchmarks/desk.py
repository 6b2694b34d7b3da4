"""What the desk costs with 100,000 sessions of a year: lists, searches, queue, log, plots, report and reconciliation as
whole pages, on SQLite and PostgreSQL, and a file of all of them.

A page is asked for as a browser does, through the whole app: session, filters, store, template. Its time is CPU: that
of this thread, and on PostgreSQL that of the server's processes as well. Beside it stands how many times a bare query
of the newest rows by the same driver it is, in the same run. A far page goes on from the last row of page 999. A file
is read to its end while memory is watched.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from sqlalchemy import Table, insert, select

from benchmarks.report import Figure, at_most, percentile, say
from kiosk.clock import ManualClock
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.desk import Role
from kiosk.domain.session import HoldProof, Phase, Session
from kiosk.domain.site_days import SiteDay
from kiosk.domain.tariff import Tariff
from kiosk.service.desk_people import add_person
from kiosk.store import Store
from kiosk.store.finding import Wanted
from kiosk.store.handlings import Wanted as WantedRows
from kiosk.store.handlings import place_of
from kiosk.store.rows import session_values
from kiosk.store.tables import commands, desk_log, receipts, sessions, site_transactions
from tests.web.conftest import BOOK, Kiosk
from tests.worlds import postgres

NAME = "desk"
SESSIONS, FAR = 100_000, 1000
OF_MONTH, MONTH, YEAR = 31_000, 31, 365
"""So many of them are of the last days, the rest of those before: a month that is worth a reconciliation."""
LOGGED, EXCEPTIONS = 210_000, 30_000
ROWS, OF_QUEUE = 50, 25
TIMES, FILES = 40, 10
MOST_MS, MOST_FIRST_MS = 50.0, 200.0
MOST_GROWTH_MB = 8.0
"""A file of a hundred times the rows may need so much more memory: what is gathered for one read of the store."""
PASSWORD = "three plain words"  # noqa: S105 - made up
AT_ONCE = 5_000
SITE, CODES = "marktplatz", ("7MK4T", "9QX6B")


def run() -> list[Figure]:
    figures = []
    kinds = ["SQLite", *(["PostgreSQL"] if postgres.programs() is not None else [])]
    for kind in kinds:
        with _kiosk(kind) as (kiosk, browser):
            begun = time.process_time()
            _fill(kiosk.store, kiosk)
            say(f"{kind}: {SESSIONS:,} sessions written in {time.process_time() - begun:.0f} s of CPU")
            figures += _pages(kind, kiosk, browser)
            figures += _files(kind, browser)
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


# --- what there is


def _fill(store: Store, kiosk: Kiosk) -> None:
    """Straight into the tables: nine in ten were paid and have a receipt, at two chargers; a third needs a person."""
    for first in range(0, SESSIONS, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        _write(store, sessions, [_session(number, kiosk.now) for number in numbers])
        _write(store, receipts, [_receipt(number, kiosk.now) for number in numbers if number % 10])
        _write(store, commands, [_mailed(store, number, kiosk.now) for number in numbers if number % 20 == 1])
    last = range(SESSIONS - OF_MONTH, SESSIONS)
    for first in range(last.start, last.stop, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, last.stop))
        _write(store, site_transactions, [_transaction(number, kiosk.now) for number in numbers])
    today = kiosk.now.date()
    days = [today - timedelta(days=back) for back in range(1, MONTH * 2)]
    store.plan_days(SiteDay(SITE, day, read_at=kiosk.now, tried_at=kiosk.now) for day in days)
    for first in range(0, LOGGED, AT_ONCE):
        row = {"who": "kim", "did": "looked", "subject": None, "reason": None}
        _write(store, desk_log, [{**row, "at": kiosk.now, "subject": str(n)} for n in range(first, first + AT_ONCE)])
    kinds = [kind for kind in Attention if kind is not Attention.STARTS_REFUSED]
    begun = kiosk.now - timedelta(days=60)
    matters = [
        Matter(kinds[number % len(kinds)], f"key-{number}", CODES[0], begun + timedelta(seconds=number), Act.READ)
        for number in range(EXCEPTIONS)
    ]
    store.keep_exceptions(matters, (), kiosk.now)
    if not store.is_file:
        with store._database.write() as connection:
            connection.exec_driver_sql("ANALYZE")


def _write(store: Store, table: Table, rows: list[dict[str, Any]]) -> None:
    """In one statement for all of them, by the driver's own way of many rows on either kind of store."""
    with store._database.write() as connection:
        connection.execute(insert(table), rows)


def _at(number: int, now: datetime) -> datetime:
    """When a session was asked for: the newest is of an hour ago."""
    back = SESSIONS - number
    month, others = timedelta(days=MONTH), timedelta(days=YEAR - MONTH)
    if back <= OF_MONTH:
        return now - timedelta(hours=1) - month * back / OF_MONTH
    return now - timedelta(hours=1) - month - others * (back - OF_MONTH) / (SESSIONS - OF_MONTH)


def _taken(number: int) -> int:
    return 100 + number % 4000 if number % 10 else 0


def _wh(number: int) -> int:
    return max(0, _taken(number) - 35) * 1000 // 49


def _session(number: int, now: datetime) -> dict[str, Any]:
    at, taken = _at(number, now), _taken(number)
    ended = at + timedelta(minutes=40)
    status = "captured" if taken else ("no_charge", "abandoned", "refunded", "requires_review")[number % 40 // 10]
    one = Session(
        key=f"key-{number}",
        code=CODES[number % 2],
        connector_id=1 + number // 2 % 2 if number % 2 == 0 else 1,
        phase=Phase.REFUSED if number % 1000 == 0 else Phase.OPEN,
        requested_at=at,
        status=None if number % 1000 == 0 else status,
        tariff=Tariff("EUR", 49, 35),
        authorized_minor=5000 + number % 50 * 10,
        authorized_at=at + timedelta(seconds=30),
        charging_started_at=at + timedelta(seconds=50 + number % 90) if taken else None,
        energy_kwh=Decimal(_wh(number)) / 1000,
        cost_minor=taken,
        captured_minor=taken,
        tax_minor=taken * 19 // 119,
        completed_at=ended,
        status_since=ended,
        captured_at=ended if taken else None,
        proof=HoldProof(
            ended, "succeeded" if taken else "canceled", 0, taken, card_last4=f"{number % 9999:04}", ended_at=ended
        ),
    )
    return {**session_values(one), "watch": False, "unproven": False, "ended_at": ended}


def _receipt(number: int, now: datetime) -> dict[str, Any]:
    at = _at(number, now) + timedelta(minutes=41)
    document = {
        "seller": {"name": "Lindenau Energie", "vat_percent": "19", "timezone": "Europe/Berlin"},
        "taken": {"minor": _taken(number), "currency": "EUR"},
        "lines": [{"component": "energy", "quantity": "1.000", "amount": {"minor": 49, "currency": "EUR"}}] * 2,
    }
    return {"number": f"2025-{number + 1:06}", "session_key": f"key-{number}", "issued_at": at, "document": document}


def _mailed(store: Store, number: int, now: datetime) -> dict[str, Any]:
    at, address = _at(number, now), f"driver-{number % 5000}@example.org"
    times = dict.fromkeys(("asked_at", "not_before", "sent_at", "ended_at"), at)
    words = {"kind": Kind.RECEIPT_EMAIL, "asked_by": AskedBy.DRIVER, "state": CommandState.DONE, "attempts": 1}
    mark = {"email": None, "email_mark": store.finding._cipher.marks(address)[0]}
    return {"session_key": f"key-{number}", **times, **words, **mark}


def _transaction(number: int, now: datetime) -> dict[str, Any]:
    at, wh = _at(number, now), _wh(number)
    return {
        "site_id": SITE,
        "number": number,
        "code": CODES[number % 2],
        "charger_uuid": f"uuid-{number % 2}",
        "connector_id": 1 + number // 2 % 2 if number % 2 == 0 else 1,
        "tag": "PUBLIC",
        "active": False,
        "meter_start_wh": 1_000_000,
        "meter_stop_wh": 1_000_000 + wh,
        "reported_kwh": Decimal(wh) / 1000,
        "started_at": at + timedelta(seconds=45),
        "stopped_at": at + timedelta(minutes=40, seconds=2),
        "stop_reason": "EVDisconnected",
        "is_valid": True,
        "at": at + timedelta(minutes=40, seconds=2),
        "seen_at": now,
    }


# --- pages


def _pages(kind: str, kiosk: Kiosk, browser: FlaskClient) -> list[Figure]:
    bare = _bare(kiosk)
    figures = [Figure(NAME, f"{kind}: bare query of the {ROWS} newest rows, median in ms of CPU", f"{bare:.2f}")]
    for what, address in _addresses(kiosk):
        told = _judged(f"{kind}: {what}, p95 in ms of CPU", *_time(kiosk, browser, address), bare)
        say(f"{told.what}: {told.value}")
        figures.append(told)
    return figures


def _judged(what: str, seen: float, first: float, bare: float) -> Figure:
    """`first`: the time of the first look, named where it is another one because something was made and kept then."""
    made = f"; {first:,.0f} at first" if first > 4 * seen else ""
    told = f"{seen:.1f}, {seen / bare:.0f} times the bare query{made}"
    return Figure(NAME, what, told, f"≤ {MOST_MS:.0f}", seen <= MOST_MS)


def _addresses(kiosk: Kiosk) -> Iterator[tuple[str, str]]:
    middle = SESSIONS // 2 + 1
    far = _far(kiosk, Wanted())
    yield "sessions, first page", "/desk/sessions"
    yield f"sessions, page {FAR:,}", f"/desk/sessions?after={far}"
    for view in ("open", "paid", "nothing", "back", "stuck", "refused"):
        yield f"sessions, {view}", f"/desk/sessions?view={view}"
    for view in ("paid", "nothing", "stuck", "refused"):
        yield f"sessions, {view}, from page {FAR:,} on", f"/desk/sessions?view={view}&after={far}"
    yield "sessions of a site", f"/desk/sessions?site={SITE}"
    yield f"sessions of a site, page {FAR:,}", f"/desk/sessions?site={SITE}&after={far}"
    day = _at(middle, kiosk.now).date().isoformat()
    yield "sessions of a day", f"/desk/sessions?from={day}&to={day}"
    stuck = _at(middle, kiosk.now).date().isoformat()
    yield "sessions of a site, stuck, until a day", f"/desk/sessions?site={SITE}&view=stuck&to={stuck}"
    words = {
        "code": CODES[0],
        "bay": "4",
        "bay where nobody was": "4 0000",
        "EVSE id": "DE*LND*E000204",
        "time": "14:03",
        "day and time": f"{day} 14:03",
        "amount taken": "9.47",
        "amount of holds": "50.00",
        "card": "4242",
        "card and amount": "4242 9.47",
        "e-mail": f"driver-{middle % 5000}@example.org",
        "receipt": f"2025-{middle + 1:06}",
        "mark": session_values(Session("key-50001", CODES[0], 1, Phase.OPEN, kiosk.now))["mark"],
        "what nobody has": "0000 0.01",
    }
    for name, said in words.items():
        yield f"search for {name}", f"/desk/sessions?q={quote(said)}"
    yield f"search for a bay, from page {FAR:,} on", f"/desk/sessions?q=4&after={far}"
    yield f"search for an amount of holds, from page {FAR:,} on", f"/desk/sessions?q=50.00&after={far}"
    yield "search for a bay, stuck", "/desk/sessions?q=4&view=stuck"
    yield "search for a bay, refused", "/desk/sessions?q=7&view=refused"
    rows = kiosk.store.waiting_for_people(WantedRows(), kiosk.now, OF_QUEUE * (FAR - 1))
    level, since, number = place_of(rows[-1])
    yield "queue, first page", "/desk/queue"
    yield f"queue, page {FAR:,}", f"/desk/queue?after={level}~{since.timestamp():.6f}~{number}"
    yield "queue of a site and kind", f"/desk/queue?site={SITE}&kind={Attention.REVIEW.value}"
    yield "log, first page", "/desk/log"
    yield f"log, page {FAR:,}", f"/desk/log?before={LOGGED - 200 * (FAR - 1)}"
    found = kiosk.store.finding.number_of(f"key-{middle}")
    yield "page of a session", f"/desk/sessions/{found}"
    yield "plots of a month", f"/desk/plots?site={SITE}&days=31"
    yield "plots of a year", f"/desk/plots?site={SITE}&days=365"
    month = (kiosk.now - timedelta(days=MONTH // 2)).strftime("%Y-%m")
    yield "report of a month", f"/desk/reconcile/report?site={SITE}&month={month}"
    yield "reconciliation of a month", f"/desk/reconcile?site={SITE}&month={month}"


def _far(kiosk: Kiosk, wanted: Wanted) -> str:
    after = None
    for _ in range(20):  # the last row of page 999, by larger steps
        after = kiosk.store.finding.page(wanted, kiosk.now, after, ROWS * (FAR - 1) // 20)[-1].place
    if after is None:
        raise RuntimeError("there is no page so far")
    return quote(f"{after.at.isoformat()}_{after.id}")


def _bare(kiosk: Kiosk) -> float:
    """The least that a page of the list could ask for."""
    query = select(sessions).order_by(sessions.c.requested_at.desc(), sessions.c.id.desc()).limit(ROWS)
    seen, servers = [], _server_cpu(kiosk)
    for _ in range(TIMES):
        with kiosk.store._database.read() as connection:
            text = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
            since = time.thread_time()
            connection.exec_driver_sql(text).all()
            seen.append((time.thread_time() - since) * 1000)
    return median(seen) + (_server_cpu(kiosk) - servers) / TIMES


def _time(kiosk: Kiosk, browser: FlaskClient, address: str) -> tuple[float, float]:
    """The 95th percentile of this thread's own time, and what the database's server needed for one page on an average,
    together, in milliseconds: other work on the machine hardly moves either. And the time of the first look, alone."""

    def ask() -> None:
        answer = browser.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")

    since, servers = time.thread_time(), _server_cpu(kiosk)
    ask()
    first = (time.thread_time() - since) * 1000 + _server_cpu(kiosk) - servers
    seen, servers = [], _server_cpu(kiosk)
    begun = time.perf_counter()
    for _ in range(TIMES):
        since = time.thread_time()
        ask()
        seen.append((time.thread_time() - since) * 1000)
        if len(seen) >= 5 and time.perf_counter() - begun > 10:  # what is slow is known to be by then
            break
    return percentile(seen, 0.95) + (_server_cpu(kiosk) - servers) / len(seen), first


def _server_cpu(kiosk: Kiosk) -> float:
    """Milliseconds of CPU of the processes of PostgreSQL that serve this database; 0 for a file."""
    if kiosk.store.is_file:
        return 0.0
    with kiosk.store._database.read() as connection:
        known = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        numbers = connection.exec_driver_sql(known).scalars().all()
    ticks = 0
    for number in numbers:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


# --- files


def _files(kind: str, browser: FlaskClient) -> list[Figure]:
    figures = []
    for form in ("csv", "xlsx"):
        few = _file(browser, f"/desk/sessions.{form}?q=4242")
        first = percentile([_first_byte(browser, form) for _ in range(FILES)], 0.95)
        whole = _file(browser, f"/desk/sessions.{form}")
        growth = (whole - few) / 1_000_000
        name = f"{kind}: {form} of {SESSIONS:,} rows"
        figures += [
            at_most(NAME, f"{name}, first byte, p95 in ms by the clock", first, MOST_FIRST_MS, "{:.0f}"),
            at_most(NAME, f"{name}, memory above that of few rows at its peak, MB", growth, MOST_GROWTH_MB, "{:.1f}"),
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
