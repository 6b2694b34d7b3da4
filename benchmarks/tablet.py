"""What a tablet's board keeps in Chromium while it stands there for weeks: updates and resets, each a real answer."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chromium import Browser, BrowserFailed, opened
from benchmarks.machine import resident_kb
from benchmarks.report import Figure, at_most, say
from benchmarks.server import Server, serve
from benchmarks.site_scene import SiteScene
from kiosk.clock import SystemClock
from tests.browser.browsers import CHROMIUM_ARGS

NAME = "tablet"
CHARGERS = 124
"""Of the large site, so that there are two hundred bays."""
BAYS_TURNED = 20
"""So that after twenty updates, and so at each count below, the board is as it was."""
WARM, UPDATES, AT_ONCE = 100, 1000, 50
WARM_RESETS, RESETS = 20, 200
MOST_GROWTH = 5.0
COLLECTIONS = 3
ADDRESS = "http://127.0.0.1"

CHANGE = f"/benchmark/change?bays={BAYS_TURNED}"
SHOWN = """location.pathname === '/tablet/' && document.querySelector('a[data-stall]') !== null
  && navigator.serviceWorker.controller !== null"""
"""As the board stands there all day: also its service worker is at work."""
UPDATE = """(async (times, address) => {
  const states = () => Array.from(document.querySelectorAll('a[data-stall]'), (one) => one.className).join();
  let shown = 0;
  for (let time = 0; time < times; time += 1) {
    const before = states();
    await (await fetch(address)).json();
    await new Promise((done) => {
      new MutationObserver((_, watching) => {
        watching.disconnect();
        done();
      }).observe(document.getElementById('age'), {attributeFilter: ['data-age']});
      dispatchEvent(new Event('online'));
    });
    shown += states() === before ? 0 : 1;
  }
  return shown;
})"""
"""Bays change, then the page asks at once, because that is what it does when a connection is there again.

Answers how often another state was shown.
"""


class NotUpdated(Exception):
    """The page did not show what it should, so that a figure would mean nothing."""


@dataclass(frozen=True)
class Kept:
    """What is there after a forced collection. Sizes in kB.

    `renderer` and `browser` are resident memory: of the page's process, which is the largest of its kind, and of the
    one that is above all pages.
    """

    heap: float
    documents: int
    nodes: int
    listeners: int
    renderer: int
    browser: int


def run() -> list[Figure]:
    chromium = shutil.which("chromium")
    if chromium is None:
        say(f"{NAME} is left out: there is no Chromium on this machine")
        return []
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        folder = Path(name)
        with closing(SiteScene(folder, SystemClock(), CHARGERS, public=ADDRESS)) as scene:
            bays = len(scene.bays)
            scene.fill()
            key = scene.key_of(scene.tablet())
        with (
            serve("benchmarks.board_app:app", scene.environment, folder) as server,
            opened(chromium, folder / "profile", CHROMIUM_ARGS) as browser,
        ):
            screen = Screen(browser, server, key)
            figures = _updated(bays, *screen.updated())
            try:
                return figures + _started_over(*screen.started_over())
            except BrowserFailed:
                return [*figures, _came_back(screen.resets)]


def _updated(bays: int, before: Kept, after: Kept) -> list[Figure]:
    growth = (after.heap / before.heap - 1) * 100
    more = (after.documents - before.documents, after.nodes - before.nodes, after.listeners - before.listeners)
    heap = f"growth of the heap from {WARM} to {UPDATES:,} updates of {bays} bays, %"
    return [
        at_most(NAME, heap, growth, MOST_GROWTH, "{:.1f}"),
        Figure(NAME, "heap after both", f"{before.heap:,.0f} kB, {after.heap:,.0f} kB"),
        Figure(
            NAME,
            "documents, nodes and listeners that came with them",
            ", ".join(f"{each:+}" if each else "0" for each in more),
            "0, 0, 0",
            max(more) <= 0,
        ),
        Figure(NAME, "documents, nodes and listeners", f"{after.documents}, {after.nodes:,}, {after.listeners}"),
        _memory("resident memory of renderer and browser after both", before, after),
    ]


def _started_over(before: Kept, after: Kept) -> list[Figure]:
    counted = f"{before.documents} and {after.documents}, {before.nodes:,} and {after.nodes:,}"
    return [
        _came_back(RESETS),
        Figure(NAME, f"heap after {WARM_RESETS} and {RESETS} resets", f"{before.heap:,.0f} kB, {after.heap:,.0f} kB"),
        Figure(NAME, "documents and nodes after both", counted),
        _memory("resident memory of renderer and browser after both", before, after),
    ]


def _came_back(resets: int) -> Figure:
    return Figure(NAME, f"resets of {RESETS} that came back to the board", str(resets), str(RESETS), resets == RESETS)


def _memory(what: str, before: Kept, after: Kept) -> Figure:
    pairs = ((before.renderer, after.renderer), (before.browser, after.browser))
    return Figure(NAME, what, "; ".join(f"{first / 1000:.0f} and {last / 1000:.0f} MB" for first, last in pairs))


class Screen:
    """A paired browser that shows the board."""

    def __init__(self, browser: Browser, server: Server, key: tuple[str, str]) -> None:
        self._browser = browser
        self._address = f"{ADDRESS}:{server.port}"
        self._page = browser.page()
        name, value = key
        self._page.send("Network.setCookie", name=name, value=value, url=self._address, httpOnly=True)
        self._page.go(f"{self._address}/tablet/", SHOWN)
        self.resets = 0

    def updated(self) -> tuple[Kept, Kept]:
        """Updates in which bays change: what is kept after some of them, and after all."""
        self._update(WARM)
        before = self._kept()
        self._update(UPDATES - WARM)
        return before, self._kept()

    def started_over(self) -> tuple[Kept, Kept]:
        """Resets between two drivers: what is kept after some of them, and after all."""
        self._reset(WARM_RESETS)
        before = self._kept()
        self._reset(RESETS - WARM_RESETS)
        return before, self._kept()

    def _update(self, times: int) -> None:
        for _ in range(times // AT_ONCE):
            shown = self._page.run(f"{UPDATE}({AT_ONCE}, '{CHANGE}')", is_promise=True)
            if shown != AT_ONCE:
                raise NotUpdated(f"{AT_ONCE} updates came, and {shown} were shown")

    def _reset(self, times: int) -> None:
        for _ in range(times):
            self._page.go("/tablet/reset", SHOWN)
            self.resets += 1

    def _kept(self) -> Kept:
        for _ in range(COLLECTIONS):
            self._page.send("HeapProfiler.collectGarbage")
        counters = self._page.send("Memory.getDOMCounters")
        heap = self._page.send("Runtime.getHeapUsage")
        return Kept(
            heap["usedSize"] / 1000,
            counters["documents"],
            counters["nodes"],
            counters["jsEventListeners"],
            max(map(resident_kb, self._browser.processes("renderer"))),
            sum(map(resident_kb, self._browser.processes("browser"))),
        )
