"""News to open pages: from the observation in the worker to the bytes at a client, with every stream slot taken."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import cpu_seconds, resident_kb
from benchmarks.report import Figure, at_most, percentile
from benchmarks.scene import Scene
from benchmarks.server import Server, Visitor, serve
from benchmarks.streams import KEYS, Streams
from kiosk.clock import SystemClock

STREAMS = 500
WARM = 40
SECONDS = 20
RATE = 20
LATEST = 5.0
"""Seconds after the last observation in which its news must have come."""
MOST_P99 = 150.0


class NewsLost(Exception):
    """A stream never had an event that it should have had."""


@dataclass(frozen=True)
class Run:
    delays: list[float]
    """Milliseconds from the start of the observation to the last byte of its event, one for each listener."""
    storing: list[float]
    kb_per_stream: float
    cpu_share: float

    def delay(self, share: float) -> float:
        return percentile(self.delays, share)


def run() -> list[Figure]:
    figures = []
    for sessions in (500, 50):
        with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
            folder = Path(name)
            environment = _prepared(folder, sessions)
            bare = _measured("benchmarks.bare_news:app", environment, folder)
            kiosk = _measured("benchmarks.news_app:app", environment, folder)
        figures += _figures(f"news, {sessions} sessions", kiosk, bare)
    return figures


def _figures(name: str, kiosk: Run, bare: Run) -> list[Figure]:
    storing = f"{percentile(kiosk.storing, 0.5):.0f}, {percentile(kiosk.storing, 0.99):.0f}"
    return [
        at_most(name, "ms from the observation to the page, p99", kiosk.delay(0.99), MOST_P99, "{:.0f}"),
        Figure(name, f"p50 and max of {len(kiosk.delays):,}", f"{kiosk.delay(0.5):.0f}, {kiosk.delay(1):.0f}"),
        Figure(name, "of which storing, p50 and p99", storing),
        Figure(
            name,
            "bare stream without a store: p50, p99, max",
            f"{bare.delay(0.5):.0f}, {bare.delay(0.99):.0f}, {bare.delay(1):.0f}",
        ),
        Figure(name, "kB a stream; bare stream", f"{kiosk.kb_per_stream:.0f}; {bare.kb_per_stream:.0f}"),
        Figure(
            name,
            f"share of a core at {RATE} observations/s; bare",
            f"{kiosk.cpu_share:.0%}; {bare.cpu_share:.0%}",
        ),
    ]


def _prepared(folder: Path, sessions: int) -> dict[str, str]:
    """A store with that many charging sessions."""
    scene = Scene(folder, SystemClock())
    try:
        keys = [scene.of_nobody(f"N{number:04}", 1) for number in range(sessions)]
    finally:
        scene.close()
    path = folder / "keys.json"
    path.write_text(json.dumps(keys))
    return {**scene.environment, KEYS: str(path), "KIOSK_MAX_STREAMS": str(STREAMS * 5 // 4)}


def _measured(app: str, environment: Mapping[str, str], folder: Path) -> Run:
    keys: list[str] = json.loads(Path(environment[KEYS]).read_text())
    with serve(app, environment, folder) as server:
        streams = Streams(server.port)
        try:
            return _listened(server, streams, keys)
        finally:
            streams.close()


def _listened(server: Server, streams: Streams, keys: list[str]) -> Run:
    wanted = [keys[number % len(keys)] for number in range(STREAMS)]
    streams.open(wanted[:WARM])
    streams.listen(1)
    before = resident_kb(server.worker)
    streams.open(wanted[WARM:])
    streams.listen(2)
    kilobytes = (resident_kb(server.worker) - before) / (STREAMS - WARM)
    control = Visitor(server.port)
    cpu, began = cpu_seconds(server.worker), time.monotonic()
    control.get(f"/benchmark/observe?seconds={SECONDS}&rate={RATE}")
    streams.listen(SECONDS)
    share = (cpu_seconds(server.worker) - cpu) / (time.monotonic() - began)
    streams.listen(LATEST)
    control.close()
    control = Visitor(server.port)
    answer = json.loads(control.get("/benchmark/stamps").body)
    control.close()
    if not answer["done"]:
        raise NewsLost("the observing thread did not keep up")
    stamps = [(str(key), int(version), float(at), float(stored)) for key, version, at, stored in answer["stamps"]]
    return Run(_delays(streams, stamps), [(stored - at) * 1000 for _, _, at, stored in stamps], kilobytes, share)


def _delays(streams: Streams, stamps: list[tuple[str, int, float, float]]) -> list[float]:
    """A page that missed a step has it with the next one: the first event of that version or a later one counts."""
    listeners: dict[str, list[list[tuple[int, float]]]] = {}
    for stream in streams.streams:
        listeners.setdefault(stream.key, []).append(stream.arrivals)
    delays = []
    for key, version, at, _ in stamps:
        for arrivals in listeners[key]:
            arrived = next((moment for seen, moment in arrivals if seen >= version), None)
            if arrived is None:
                raise NewsLost("an observation never came to a page")
            delays.append((arrived - at) * 1000)
    return delays
