"""When somebody last had the page of a session open, as far as this engine knows."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from kiosk.news.news import News, session_topic


class Onlookers:
    """Thread-safe. What was before this engine began to lead it cannot know: until then everybody counts as seen, so
    that pages have a moment to come back after a restart.
    """

    def __init__(self, news: News) -> None:
        self._news = news
        self._lock = Lock()
        self._seen: dict[str, datetime] = {}
        self._since: datetime | None = None

    def take_over(self, now: datetime) -> None:
        with self._lock:
            self._seen, self._since = {}, now

    def last_seen(self, key: str, now: datetime) -> datetime:
        """Now, while a page of it is open; else the last moment at which this was asked and one was."""
        watched = self.here(key)
        with self._lock:
            if self._since is None:
                self._since = now
            if watched:
                self._seen[key] = now
            return self._seen.get(key, self._since)

    def here(self, key: str) -> bool:
        """A page of it is open just now."""
        return self._news.watched(session_topic(key))

    def keep_only(self, keys: set[str]) -> None:
        """Forget all the others."""
        with self._lock:
            self._seen = {key: at for key, at in self._seen.items() if key in keys}
