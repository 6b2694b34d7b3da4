"""Delivery of the book's events to its listeners: after the lock is released, one at a time, in order."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

Listener = Callable[[dict[str, Any]], None]


class Outbox:
    """One caller delivers for all; the others go on, so that a listener's own lock cannot meet the book's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: deque[dict[str, Any]] = deque()
        self._listeners: list[Listener] = []
        self._delivering = False

    def subscribe(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.append(listener)

    def put(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._events.append(event)

    def deliver(self) -> None:
        """Hand out what is waiting. A listener's error reaches the caller; what is left goes out with the next call."""
        while True:
            with self._lock:
                if self._delivering or not self._events:
                    return
                self._delivering = True
                event = self._events.popleft()
                listeners = [*self._listeners]
            try:
                for listener in listeners:
                    listener(copy.deepcopy(event))
            finally:
                with self._lock:
                    self._delivering = False
