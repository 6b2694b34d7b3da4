"""What a page costs: CPU time of one worker for the charger's card and for an unchanged status, against bare Flask."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.bare import BYTES
from benchmarks.machine import cpu_seconds
from benchmarks.report import Figure, at_most
from benchmarks.scene import CODE, Scene
from benchmarks.server import Server, Visitor, serve
from kiosk.clock import SystemClock

ROUNDS = 7
VISITORS = 8
PAGES_EACH = 100  # below the kiosk's 120 a minute for one address
POLLS_EACH = 250
MOST_PAGE = 2.0
MOST_POLL = 1.3
_ADDRESSES = count()


class WrongAnswer(Exception):
    """The server under test did not answer as it must, so that a figure would mean nothing."""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        folder = Path(name)
        scene = Scene(folder, SystemClock())
        try:
            return _measured(scene, folder)
        finally:
            scene.close()


def _measured(scene: Scene, folder: Path) -> list[Figure]:
    phone = scene.phone()
    key = scene.started(phone)
    cookie = phone.get_cookie("__Host-driver")
    if cookie is None:
        raise WrongAnswer("the start gave no cookie")
    owner = {"Cookie": f"__Host-driver={cookie.value}"}
    scene.charge(key, Decimal("4.2"))
    page, status = f"/c/{CODE}", f"/s/{key}.json"
    size = len(scene.phone().get(page).data)
    with (
        serve("wsgi:app", scene.environment, folder) as kiosk,
        serve("benchmarks.bare:app", {**scene.environment, BYTES: str(size)}, folder) as bare,
    ):

        def card() -> float:
            scene.card()
            return _cost(kiosk, page, PAGES_EACH)

        def plain_card() -> float:
            scene.card()
            return _cost(kiosk, page, PAGES_EACH, {"Accept-Encoding": "identity"})

        def fresh_card() -> float:
            scene.card()
            return _cost(kiosk, page, PAGES_EACH, afresh=True)

        def poll(*, afresh: bool = False) -> float:
            """A new reading for each visitor: on a busy machine one reading grows old before all have asked."""
            total = 0.0
            for _ in range(VISITORS):
                scene.charge(key, Decimal("4.2"))
                tag = {**owner, "If-None-Match": _tag(kiosk, status, owner)}
                total += _cost(kiosk, status, POLLS_EACH, tag, 304, afresh=afresh, visitors=1)
            return total / VISITORS

        pages = _rounds(card, plain_card, fresh_card, lambda: _cost(bare, "/page", PAGES_EACH))
        polls = _rounds(poll, lambda: poll(afresh=True), lambda: _cost(bare, "/small.json", POLLS_EACH))
    squeezed = median(row[0] / row[-1] for row in pages)
    plain = median(row[1] / row[-1] for row in pages)
    new = median(row[2] / row[-1] for row in pages)
    unchanged = median(row[0] / row[-1] for row in polls)
    asked = median(row[1] / row[-1] for row in polls)
    return [
        at_most("card", f"CPU of a charger page ({size:,} bytes, sent as brotli) to a bare page", squeezed, MOST_PAGE),
        Figure("card", "the same without compression", f"{plain:.2f}"),
        Figure("card", "the same made afresh for every request", f"{new:.2f}"),
        at_most("card", "CPU of an unchanged status (304) to a bare JSON", unchanged, MOST_POLL),
        Figure("card", "the same found out afresh for every request", f"{asked:.2f}"),
        Figure("card", "CPU of a bare page, of a bare JSON", _milliseconds(median(row[-1] for row in pages), polls)),
    ]


def _milliseconds(page: float, polls: list[tuple[float, ...]]) -> str:
    return f"{page * 1000:.2f} ms, {median(row[-1] for row in polls) * 1000:.2f} ms"


def _rounds(*measures: Callable[[], float]) -> list[tuple[float, ...]]:
    """The first round only warms up. Within a round the measures follow one another, so that load falls on all."""
    return [tuple(measure() for measure in measures) for _ in range(ROUNDS + 1)][1:]


def _cost(
    server: Server,
    path: str,
    each: int,
    headers: Mapping[str, str] | None = None,
    wanted: int = 200,
    *,
    afresh: bool = False,
    visitors: int = VISITORS,
) -> float:
    """CPU seconds of the worker for one request. `afresh`: each has an address of its own, so that none is kept."""
    before = cpu_seconds(server.worker)
    for _ in range(visitors):
        visitor = Visitor(server.port)
        for _ in range(each):
            answer = visitor.get(f"{path}?n={next(_ADDRESSES)}" if afresh else path, headers)
            if answer.status != wanted:
                raise WrongAnswer(f"{answer.status} where {wanted} was expected")
        visitor.close()
    return (cpu_seconds(server.worker) - before) / (visitors * each)


def _tag(server: Server, path: str, headers: Mapping[str, str]) -> str:
    visitor = Visitor(server.port)
    answer = visitor.get(path, headers)
    visitor.close()
    tag = answer.headers.get("ETag", "")
    if answer.status != 200 or not re.fullmatch(r'W/"[^"]+"', tag):
        raise WrongAnswer(f"a status of {answer.status} without a usable ETag")
    return tag
