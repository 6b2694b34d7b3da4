"""CPU time of one worker for a question of a tablet's board, against bare Flask in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from benchmarks.bare import BYTES
from benchmarks.machine import cpu_seconds
from benchmarks.report import Figure
from benchmarks.server import Answer, Server, Visitor, serve
from benchmarks.site_scene import SiteScene
from kiosk.clock import SystemClock

NAME = "board"
ROUNDS = 5
MANY, SOME, FEW = 1000, 50, 20
"""Questions of a round that are cheap, that are not, and that change something."""
BAYS_TURNED = 20
BOARD, CHANGE, NEWS = "/tablet/board.json", f"/benchmark/change?bays={BAYS_TURNED}", "/benchmark/news"
SMALL, PAGE = "/small.json", "/page"


class WrongAnswer(Exception):
    """The server under test did not answer as it must, so that a figure would mean nothing."""


@dataclass(frozen=True)
class Costs:
    """CPU seconds of one question."""

    unchanged: float
    afresh: float
    first: float
    others: float
    bare_json: float
    bare_page: float


def figures(chargers: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        folder = Path(name)
        scene = SiteScene(folder, SystemClock(), chargers)
        try:
            scene.fill()
            owner = {"Cookie": "=".join(scene.key_of(scene.tablet()))}
        finally:
            scene.close()
        with serve("benchmarks.board_app:app", scene.environment, folder) as kiosk:
            plain = len(_asked(kiosk, {**owner, "Accept-Encoding": "identity"}).body)
            small = len(_asked(kiosk, owner).body)
            with serve("benchmarks.bare:app", {**scene.environment, BYTES: str(plain)}, folder) as bare:
                # The first round only warms up.
                rows = [_round(kiosk, bare, owner) for _ in range(ROUNDS + 1)][1:]
    costs = Costs(*(median(getattr(row, each.name) for row in rows) for each in fields(Costs)))
    return _figures(rows, costs, chargers, f"{plain:,} bytes, {small:,} as brotli")


def _round(kiosk: Server, bare: Server, owner: Mapping[str, str]) -> Costs:
    """One measure after the other, so that load falls on all. What it costs to bring news is taken off."""
    _asked(kiosk, {}, CHANGE)
    known = {**owner, "If-None-Match": _asked(kiosk, owner).headers["ETag"]}
    unchanged = _cost(kiosk, MANY, lambda visitor: _ask(visitor, BOARD, known, 304))
    telling = _cost(kiosk, SOME, lambda visitor: _ask(visitor, NEWS, {}))

    def told_nothing_new(visitor: Visitor) -> None:
        _ask(visitor, NEWS, {})
        _ask(visitor, BOARD, known, 304)

    def changed(visitor: Visitor) -> None:
        _ask(visitor, CHANGE, {})
        _ask(visitor, BOARD, known)

    afresh = _cost(kiosk, SOME, told_nothing_new) - telling
    changing = _cost(kiosk, FEW, lambda visitor: _ask(visitor, CHANGE, {}))
    return Costs(
        unchanged,
        afresh,
        _cost(kiosk, FEW, changed) - changing,
        _cost(kiosk, MANY // 4, lambda visitor: _ask(visitor, BOARD, known)),
        _cost(bare, MANY, lambda visitor: _ask(visitor, SMALL, {})),
        _cost(bare, MANY // 4, lambda visitor: _ask(visitor, PAGE, {})),
    )


def _cost(server: Server, times: int, ask: Callable[[Visitor], object]) -> float:
    """CPU seconds of the worker for one `ask`."""
    visitor = Visitor(server.port)
    before = cpu_seconds(server.worker)
    for _ in range(times):
        ask(visitor)
    spent = cpu_seconds(server.worker) - before
    visitor.close()
    return spent / times


def _ask(visitor: Visitor, path: str, headers: Mapping[str, str], wanted: int = 200) -> Answer:
    answer = visitor.get(path, headers)
    if answer.status != wanted:
        raise WrongAnswer(f"{answer.status} where {wanted} was expected")
    return answer


def _asked(server: Server, headers: Mapping[str, str], path: str = BOARD) -> Answer:
    visitor = Visitor(server.port)
    try:
        return _ask(visitor, path, headers)
    finally:
        visitor.close()


def _figures(rows: list[Costs], costs: Costs, chargers: int, size: str) -> list[Figure]:
    unchanged = median(row.unchanged / row.bare_json for row in rows)
    afresh = median(row.afresh / row.bare_json for row in rows)
    first = median(row.first / row.bare_page for row in rows)
    others = median(row.others / row.bare_page for row in rows)
    ours = (costs.unchanged, costs.afresh, costs.first, costs.others)
    return [
        Figure(NAME, f"CPU of an unchanged board of {chargers} chargers (304) to a bare JSON", f"{unchanged:.2f}"),
        Figure(NAME, "the same found out afresh for every question", f"{afresh:.2f}"),
        Figure(NAME, f"CPU of a changed board ({size}) to a bare page", f"{first:.2f}"),
        Figure(NAME, "the same for every further tablet", f"{others:.2f}"),
        Figure(NAME, "CPU of these four", ", ".join(map(_milliseconds, ours))),
        Figure(
            NAME,
            "CPU of a bare JSON, of a bare page",
            f"{_milliseconds(costs.bare_json)}, {_milliseconds(costs.bare_page)}",
        ),
    ]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
