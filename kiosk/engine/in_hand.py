"""Tokens that came and could not be written down yet: kept in memory until the store takes them.

A store that is locked from outside, or a full disk, must not cost a driver a bay: whoever has the token can cancel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from kiosk.engine.context import Context
from kiosk.store.errors import Missing, WrongState

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 3
"""Each waits by itself until another process has written."""


def patiently(write: Callable[[], T], tries: int = TRIES) -> T:
    """Try a write again when the store could not do it. What it refuses is raised at once."""
    try:
        return write()
    except (Missing, WrongState):
        raise
    except Exception:
        if tries <= 1:
            raise
    return patiently(write, tries - 1)


class InHand:
    """Thread-safe. Nothing of it survives the process; a row does."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._tokens: dict[str, str] = {}

    def keep(self, key: str, token: str) -> None:
        """Write the token of that session down now, or as soon as the store takes it."""
        with self._lock:
            self._tokens[key] = token
        self._write(key, token, TRIES)

    def forget(self, key: str) -> None:
        """Its session has it."""
        with self._lock:
            self._tokens.pop(key, None)

    def write(self) -> None:
        """Try those that are left once more, and not for long: the engine's own thread asks."""
        with self._lock:
            tokens = list(self._tokens.items())
        for key, token in tokens:
            self._write(key, token, tries=1)

    def _write(self, key: str, token: str, tries: int) -> None:
        store, now = self._context.store, self._context.clock.now()
        try:
            patiently(lambda: store.keep_token(key, token, now), tries)
        except Exception:
            log.exception("a token could not be written down; it is tried again", extra={"session": key})
            return
        self.forget(key)
