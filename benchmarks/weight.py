"""How heavy the pages are: bytes on the wire as a phone gets them, by page. Only counts, so a test asserts them too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient

from benchmarks.fetched import from_css, from_html, from_script
from benchmarks.report import Figure
from benchmarks.scene import CODE, Scene
from kiosk.clock import ManualClock

MOST_FIRST_VIEW = 14_000
MOST_PAGE = 30_000
MOST_REQUESTS = 6
PROVIDER = frozenset({"js.stripe.com"})
"""The pay page alone asks for the provider's script, at once: on a poor line each step costs half a second."""
ADDED = (("Server", "gunicorn"), ("Date", "Fri, 20 Nov 2026 13:00:00 GMT"), ("Connection", "keep-alive"))
READERS: dict[str, Callable[[str], list[str]]] = {"text/css": from_css, "text/javascript": from_script}


class NotThere(Exception):
    """A page, or something that it asks for, was not answered as it must be."""


@dataclass(frozen=True)
class Weight:
    """Bytes with status line and headers. `first_view` is the HTML and the style sheets: all that the price needs."""

    name: str
    first_view: int
    whole: int
    requests: int
    origins: frozenset[str]
    """Other origins than the kiosk's own, from which the page fetches by itself."""
    compressed: bool
    """Every text came as brotli."""


@dataclass(frozen=True)
class Sent:
    """One answer as it leaves the app."""

    status: str
    headers: tuple[tuple[str, str], ...]
    kind: str
    body: bytes

    @property
    def size(self) -> int:
        """As HTTP/1.1 writes it, with the three headers that the server adds. HTTP/2 and 3 send fewer bytes."""
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in (*self.headers, *ADDED))]
        return len("\r\n".join([*lines, "", ""]).encode()) + len(self.body)

    @property
    def text(self) -> bool:
        return self.kind.startswith("text/") or self.kind in {"image/svg+xml", "application/json"}

    @property
    def compressed(self) -> bool:
        return ("Content-Encoding", "br") in self.headers


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        rows = weights(Path(name))
    figures = [
        _at_most("first price view: HTML and CSS", rows[0].first_view, MOST_FIRST_VIEW, " B"),
        _at_most("whole charger page", rows[0].whole, MOST_PAGE, " B"),
        _at_most("requests of the charger page", rows[0].requests, MOST_REQUESTS, ""),
        _no_origins("other origins of the charger page", rows[0]),
    ]
    for row in rows[1:]:
        value = f"{row.first_view:,} B, {row.whole:,} B, {row.requests}"
        figures.append(Figure("weight", f"{row.name} page: HTML and CSS, whole, requests", value))
        figures.append(_no_origins(f"other origins of the {row.name} page", row))
    return figures


def weights(folder: Path) -> list[Weight]:
    """Charger, pay, charging and receipt page, in this order. Stripe's own script is not counted: no page names it."""
    clock = ManualClock()
    scene = Scene(folder, clock)
    try:
        scene.card()
        rows = [weigh(scene.phone(), f"/c/{CODE}", "charger")]
        phone = scene.phone()
        key = scene.started(phone)
        rows.append(weigh(phone, f"/s/{key}", "pay"))
        for step in range(1, 13):
            clock.advance(60)
            scene.charge(key, Decimal(step) / 5)
        rows.append(weigh(phone, f"/s/{key}", "charging"))
        clock.advance(60)
        scene.capture(key, Decimal("2.6"))
        rows.append(weigh(phone, f"/r/{key}", "receipt"))
        return rows
    finally:
        scene.close()


def weigh(phone: FlaskClient, path: str, name: str) -> Weight:
    """Load the page as a browser with an empty cache does: the HTML, what it names, and what those name."""
    page = _get(phone, path)
    html = _plain(phone, path)
    found = from_html(html)
    origins: set[str] = set()
    waiting = [urljoin(path, each) for each in found]
    answers = {path: page}
    sheets = 0
    while waiting:
        address = waiting.pop(0)
        if address.startswith("data:") or address in answers:
            continue
        if urlsplit(address).netloc:
            origins.add(urlsplit(address).netloc)
            continue
        answer = answers[address] = _get(phone, address)
        more = READERS.get(answer.kind)
        if more is not None:
            waiting += [urljoin(address, each) for each in more(_plain(phone, address))]
        sheets += answer.size if answer.kind == "text/css" else 0
    return Weight(
        name,
        page.size + sheets,
        sum(answer.size for answer in answers.values()),
        len(answers),
        frozenset(origins),
        all(answer.compressed for answer in answers.values() if answer.text),
    )


def _get(phone: FlaskClient, path: str, encoding: str = "br") -> Sent:
    with phone.get(path, headers={"Accept-Encoding": encoding}) as answer:
        if answer.status_code != 200:
            raise NotThere(f"{answer.status_code} for {path}")
        return Sent(answer.status, tuple(answer.headers), answer.mimetype or "", answer.get_data())


def _plain(phone: FlaskClient, path: str) -> str:
    return _get(phone, path, "identity").body.decode()


def _at_most(what: str, seen: int, most: int, unit: str) -> Figure:
    return Figure("weight", what, f"{seen:,}{unit}", f"≤ {most:,}{unit}", seen <= most)


def _no_origins(what: str, row: Weight) -> Figure:
    wanted = PROVIDER if row.name == "pay" else frozenset()
    return Figure("weight", what, ", ".join(row.origins) or "0", ", ".join(wanted) or "0", row.origins == wanted)
