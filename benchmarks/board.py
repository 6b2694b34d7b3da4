"""What the board of a site costs: bytes on the wire, CPU of one worker, and requests upstream."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import board_calls, board_cost
from benchmarks.report import Figure
from benchmarks.site_scene import SiteScene
from benchmarks.weight import Weight, weigh
from kiosk.clock import ManualClock

NAME = "board"
CHARGERS = 200
MOST_FIRST_VIEW = 14_000


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        rows = weights(Path(name))
    return [*_light(rows), *board_cost.figures(CHARGERS), *board_calls.figures(CHARGERS)]


def weights(folder: Path) -> dict[int, Weight]:
    """The first paint of a board by the number of its bays: of the demo's site, and of the large one."""
    rows = {}
    for chargers in (None, CHARGERS):
        own = folder / f"site-{chargers or 'demo'}"
        own.mkdir()
        scene = SiteScene(own, ManualClock(), chargers)
        try:
            scene.fill()
            rows[len(scene.bays)] = weigh(scene.tablet(), "/tablet/", f"board of {len(scene.bays)} bays")
        finally:
            scene.close()
    return rows


def _light(rows: dict[int, Weight]) -> list[Figure]:
    (bays, usual), (more, large) = sorted(rows.items())
    first = Figure(
        NAME,
        f"first view of {bays} bays: HTML and CSS",
        f"{usual.first_view:,} B",
        f"≤ {MOST_FIRST_VIEW:,} B",
        usual.first_view <= MOST_FIRST_VIEW,
    )
    figures = [
        first,
        Figure(NAME, f"whole page of {bays} bays, requests", f"{usual.whole:,} B, {usual.requests}"),
        Figure(
            NAME,
            f"{CHARGERS} chargers, {more} bays: HTML and CSS, whole, requests",
            f"{large.first_view:,} B, {large.whole:,} B, {large.requests}",
        ),
    ]
    origins = len(usual.origins | large.origins)
    return [*figures, Figure(NAME, "other origins of both", str(origins), "0", not origins)]
