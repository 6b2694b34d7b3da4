"""News between the instances of a fleet, by PostgreSQL's LISTEN and NOTIFY.

Nothing depends on a message: each is a nudge to read the store. What is lost costs freshness, never truth, and while
nothing is heard everything counts as new every few seconds, and every page as watched.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from kiosk.news.local import GLANCE_SECONDS, LocalNews
from kiosk.news.news import Subscription

log = logging.getLogger(__name__)

CHANNEL = "kiosk_news"
BEAT = 4.0
"""Seconds between two messages at most: whoever hears not even their own is deaf."""
DEAF_AFTER = 3 * BEAT
TELL_OPEN_EVERY = 10.0
"""Seconds after which it is told again which pages are open here."""
OPEN_LIVES = 25.0
"""So long a page that is open elsewhere counts as open after it was told last."""
AGAIN_AFTER = 1.0
"""Seconds until a connection that broke is tried again."""
MOST_WAITING = 50_000
"""Topics that wait to be told. When there are more, all is told to be new instead."""
MOST_AFAR = 200_000
_MOST_BYTES = 7_900
"""PostgreSQL takes messages of less than 8000."""


class FleetNews(LocalNews):
    """`url` is a libpq address. Silent until `start`: one thread then listens, and another one tells."""

    def __init__(
        self, url: str, most: int = 500, *, connect: Callable[[str], psycopg.Connection] | None = None
    ) -> None:
        super().__init__(most)
        self._url = url
        self._connect = connect or _connected
        self._name = secrets.token_hex(6)
        self._waiting: dict[str, set[str]] = {"n": set(), "o": set(), "g": set()}
        self._wished = self._all = False
        self._tell = threading.Event()
        self._over = threading.Event()
        self._afar: dict[str, float] = {}
        self._told_glances: dict[str, float] = {}
        self._heard_at: float | None = None
        self._threads: list[threading.Thread] = []

    # --- what happens here

    def start(self) -> None:
        """Once a process, after a server's fork."""
        for work, name in ((self._listen, "news-listen"), (self._speak, "news-tell")):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def publish(self, *topics: str) -> None:
        super().publish(*topics)
        self._say("n", topics)

    def wish(self, *topics: str) -> None:
        super().wish(*topics)
        self._wished = True
        self._say("n", topics)

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription]:
        with super().subscribe(topic) as subscription:
            self._say("o", (topic,))
            yield subscription

    def glance(self, topic: str) -> None:
        super().glance(topic)
        now = time.monotonic()
        if now - self._told_glances.get(topic, -BEAT) >= BEAT:
            if len(self._told_glances) >= MOST_WAITING:
                self._told_glances = {}
            self._told_glances[topic] = now
            self._say("g", (topic,))

    def watched(self, topic: str) -> bool:
        """Also elsewhere in the fleet. While nothing is heard from there, nobody can say that it is not."""
        if super().watched(topic) or not self.hears:
            return True
        return self._afar.get(topic, 0.0) > time.monotonic()

    @property
    def hears(self) -> bool:
        """What is told reaches this process: its own messages do."""
        at = self._heard_at
        return at is not None and time.monotonic() - at < DEAF_AFTER

    def close(self) -> None:
        super().close()
        self._over.set()
        self._tell.set()

    # --- telling

    def _say(self, kind: str, topics: Iterable[str]) -> None:
        with self._lock:
            waiting = self._waiting[kind]
            if len(waiting) >= MOST_WAITING:
                waiting.clear()
                self._all = self._all or kind == "n"
            waiting.update(topics)
        self._tell.set()

    def _speak(self) -> None:
        line: psycopg.Connection | None = None
        told_open = 0.0
        while not self._over.is_set():
            self._tell.wait(BEAT)
            self._tell.clear()
            if not self.hears:
                self._all_is_new()
            now = time.monotonic()
            try:
                if line is None:
                    line = self._connect(self._url)
                if now - told_open >= TELL_OPEN_EVERY:
                    told_open = now
                    self._say("o", self._open_here())
                    self._tell.clear()
                for message in self._messages():
                    line.execute("SELECT pg_notify(%s, %s)", (CHANNEL, message))
            except psycopg.Error:
                # What was taken out may be lost, so the others will read everything anew.
                self._all = True
                _closed(line)
                line = None
                self._over.wait(AGAIN_AFTER)
        _closed(line)

    def _open_here(self) -> list[str]:
        with self._lock:
            return list(self._topics)

    def _messages(self) -> list[str]:
        """What waits, in as many messages as it needs; at least one, which says that we are here."""
        with self._lock:
            waiting, self._waiting = self._waiting, {kind: set() for kind in self._waiting}
            head: dict[str, Any] = {"from": self._name}
            if self._wished:
                head["w"] = 1
            if self._all:
                head["a"] = 1
            self._wished = self._all = False
        messages, now, size = [], dict(head), 0
        for kind, topics in waiting.items():
            for topic in topics:
                length = len(json.dumps(topic)) + 8
                if length > _MOST_BYTES - 200:
                    continue
                if size + length > _MOST_BYTES - 200:
                    messages.append(json.dumps(now))
                    now, size = {"from": self._name}, 0
                now.setdefault(kind, []).append(topic)
                size += length
        messages.append(json.dumps(now))
        return messages

    # --- hearing

    def _listen(self) -> None:
        failing = False
        while not self._over.is_set():
            line: psycopg.Connection | None = None
            try:
                line = self._connect(self._url)
                line.execute(f"LISTEN {CHANNEL}")
                self._all_is_new()  # whatever was told meanwhile
                self._tell.set()  # what is said now is heard here too: no need to be deaf until the next beat
                while not self._over.is_set():
                    for message in line.notifies(timeout=BEAT, stop_after=1):
                        self._hear(message.payload)
                        if failing:
                            failing = False
                            log.info("news from the other instances is heard again")
            except psycopg.Error as error:
                if not failing and not self._over.is_set():
                    failing = True
                    log.warning("no news from the other instances", extra={"problem": type(error).__name__})
                self._all_is_new()
            finally:
                _closed(line)
            self._over.wait(AGAIN_AFTER)

    def _hear(self, payload: str) -> None:
        try:
            said = json.loads(payload)
            sender, kinds = said["from"], {kind: [str(one) for one in said.get(kind, ())] for kind in ("n", "o", "g")}
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # somebody else's, on our channel
        now = self._heard_at = time.monotonic()
        if sender == self._name:
            return
        self._keep_afar(now, kinds["o"], OPEN_LIVES)
        self._keep_afar(now, kinds["g"], GLANCE_SECONDS)
        if said.get("a"):
            self._all_is_new()
        if kinds["n"]:
            super().publish(*kinds["n"])
        if said.get("w"):
            for look in self._looks:
                look()

    def _keep_afar(self, now: float, topics: list[str], lives: float) -> None:
        if not topics:
            return
        with self._lock:
            if len(self._afar) + len(topics) > MOST_AFAR:
                self._afar = {topic: until for topic, until in self._afar.items() if until > now}
            for topic in topics:
                self._afar[topic] = max(self._afar.get(topic, 0.0), now + lives)

    def _all_is_new(self) -> None:
        """Every page reads again, and nothing that was kept is true any more."""
        with self._lock:
            self._news += 1
            self._versions, self._floor = {}, self._news
            everyone = [one for listeners in self._topics.values() for one in listeners]
        for subscription in everyone:
            subscription.ring()
        for look in self._looks:
            look()


def _connected(url: str) -> psycopg.Connection:
    line = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=3,
        application_name="kiosk news",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=10_000,
    )
    line.execute("SET statement_timeout = 10000")
    return line


def _closed(line: psycopg.Connection | None) -> None:
    if line is not None:
        with suppress(psycopg.Error):
            line.close()
