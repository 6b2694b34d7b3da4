"""What expected power costs: a site of 1,000 connectors worked out, against parsing the same fuse tree as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.report import Figure, at_most
from kiosk.charts.fuse_tree import draw
from kiosk.clock import ManualClock
from kiosk.config.sites import Site
from kiosk.domain import lab
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import PoweredCharger
from kiosk.domain.fuses import FuseTree
from kiosk.domain.power import expected_power
from kiosk.domain.session import Session
from kiosk.news.local import LocalNews
from kiosk.service.power_kept import Powers
from kiosk.store.records import SeenTree
from kiosk.upstream.chargepilot.reading import read_site
from kiosk.upstream.http import decode

ROUNDS = 15
AGAIN = 1000
MOST_MS = 250.0
MOST_GROWTH = 30.0
"""Of ten times the work. In proportion it would be 10, somewhat more by sorting; with the square 100."""
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
FUSES, GROUPS, CHARGERS, POINTS = 10, 10, 5, 2


def run() -> list[Figure]:
    text, chargers = _site(1)
    large_text, large = _site(10)
    tree, large_tree = _tree(text), _tree(large_text)
    answer = expected_power(tree, chargers, NOW)
    if len(answer) != FUSES * GROUPS * CHARGERS * POINTS:
        raise RuntimeError("not every connector has an answer")
    rows = [
        (
            _ms(lambda: expected_power(tree, chargers, NOW)),
            _ms(lambda: json.loads(text)),
            _ms(lambda: expected_power(large_tree, large, NOW)),
            _ms(lambda: read_site(decode(text.encode()), "site")),
            _ms(lambda: draw(tree, chargers, answer, NOW)),
        )
        for _ in range(ROUNDS)
    ]
    ours, parsing, _ten, reading, drawing = (median(column) for column in zip(*rows, strict=True))
    growth = median(row[2] / row[0] for row in rows)
    name = "expected power"
    return [
        at_most(name, f"ms to work out {len(answer):,} connectors", ours, MOST_MS, "{:.1f}"),
        Figure(name, f"ms to parse the same tree ({len(text):,} bytes) with json.loads", f"{parsing:.1f}"),
        Figure(name, "the first by the second, median", f"{median(row[0] / row[1] for row in rows):.1f}"),
        at_most(name, "time of ten times as many by that", growth, MOST_GROWTH, "{:.1f}"),
        Figure(name, "ms to read ChargePilot's answer defensively", f"{reading:.1f}"),
        Figure(name, "ms to draw the tree", f"{drawing:.1f}"),
        Figure(name, "µs for a page while nothing has changed", f"{_kept(tree, chargers):.0f}"),
    ]


def _ms(work: Callable[[], object]) -> float:
    """CPU time of this thread: others on the machine are not counted."""
    since = time.thread_time()
    work()
    return (time.thread_time() - since) * 1000


def _tree(text: str) -> FuseTree:
    tree = read_site(decode(text.encode()), "site").tree
    if tree is None or not tree.complete:
        raise RuntimeError("the tree of the benchmark could not be read")
    return tree


def _site(times: int) -> tuple[str, list[PoweredCharger]]:
    """ChargePilot's answer for a site with `times` 1,000 connectors, and its chargers in various states."""
    chargers: list[PoweredCharger] = []
    fuses: list[dict[str, Any]] = []
    for number in range(FUSES * times):
        groups: list[dict[str, Any]] = []
        for _group in range(GROUPS):
            stations: list[dict[str, Any]] = []
            for _charger in range(CHARGERS):
                code = f"CP{len(chargers):05}"
                chargers.append(_charger_of(code, len(chargers)))
                stations.append(_node("charging station", code, 63, [], fallback=6, connectors=_points(code)))
            groups.append(_node("charger group", f"Group {len(groups)}", None, stations))
        fuses.append(_node("fuse", f"Fuse {number}", 250 + number % 7 * 40, groups))
    meter = {"is_consumer": True, "consumer_name": "Building", "max_possible_current": 400, "fallback_value": 200}
    main = _node("fuse", "Main", 1800 * times, fuses, meter=meter)
    return json.dumps({"id": "site", "name": "Site", "fuse_tree": [main]}), chargers


def _node(kind: str, name: str, limit: int | None, children: list[dict[str, Any]], **more: object) -> dict[str, Any]:
    return {"type": kind, "parameters": {"name": name, "limit": limit, **more}, "children": children}


def _points(code: str) -> list[dict[str, Any]]:
    return [
        {"charging_station_id": code, "connector_id": number, "charging_capability": [32, 32, 32]}
        for number in range(1, POINTS + 1)
    ]


def _charger_of(code: str, number: int) -> PoweredCharger:
    words = ("Available", "Charging" if number % 3 else "Available")
    connectors = tuple(Connector(place, word, power_type="AC_3_PHASE") for place, word in enumerate(words, start=1))
    return PoweredCharger(ChargerCard(code, None, number % 40 != 0, connectors, None, None, NOW))


class _Shelf:
    """A store in memory: what the database takes is not what is measured here."""

    def __init__(self, tree: FuseTree, chargers: list[PoweredCharger]) -> None:
        self._tree = SeenTree(tree, NOW)
        self._cards = {one.card.code: one.card for one in chargers}

    def tree(self, site_id: str) -> SeenTree:
        del site_id
        return self._tree

    def cards(self, codes: object) -> dict[str, ChargerCard]:
        del codes
        return self._cards

    def occupied_at(self, codes: object) -> dict[str, dict[int, str]]:
        del codes
        return {}

    def charging_at(self, codes: object) -> list[Session]:
        del codes
        return []

    def lab_facts(self, codes: object) -> dict[str, lab.LabFacts]:
        del codes
        return {}


def _kept(tree: FuseTree, chargers: list[PoweredCharger]) -> float:
    listed: list[Mapping[str, object]] = [{"code": one.card.code} for one in chargers]
    facts = {"id": "site", "name": "Site", "timezone": "UTC", "chargepilot_site": "site", "chargers": listed}
    site = Site.model_validate(facts)
    powers = Powers(_Shelf(tree, chargers), LocalNews(), ManualClock(NOW), monotonic=lambda: 0.0)
    powers.of(site)
    taken = median(_ms(lambda: [powers.of(site) for _ in range(AGAIN)]) for _ in range(3))
    if powers.worked_out != 1:
        raise RuntimeError("it was worked out again")
    return taken / AGAIN * 1000
