"""The baseline of the news: bare Flask with an event stream for each key, woken by a thread, and nothing stored."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response

from benchmarks.observer import Observer, Stamp, controlled
from benchmarks.streams import KEYS

PING = 15.0
FILLING = "." * 1000
"""About the size of the kiosk's event."""

_app = Flask("bare_news", static_folder=None)
_keys: list[str] = json.loads(Path(os.environ[KEYS]).read_text())
_versions: Counter[str] = Counter(_keys)
_listeners: dict[str, list[threading.Event]] = {key: [] for key in _keys}


@_app.get("/s/<key>/events")
def events(key: str) -> Response:
    bell = threading.Event()
    _listeners[key].append(bell)

    def news() -> Iterator[str]:
        while True:
            yield f'id: {_versions[key]}-0\ndata: {{"filling": "{FILLING}"}}\n\n'
            while not bell.wait(PING):
                yield ": still here\n\n"
            bell.clear()

    return Response(news(), mimetype="text/event-stream")


@_app.get("/healthz")
def healthz() -> str:
    return "up"


def observe_next(number: int) -> Stamp:
    key = _keys[number % len(_keys)]
    before = time.monotonic()
    _versions[key] += 1
    for bell in tuple(_listeners[key]):
        bell.set()
    return key, _versions[key], before, before


app = controlled(_app, Observer(observe_next))
