"""Fetching the pictures of chargers: each address once a month, one at a time, and never in anybody's way."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.engine.context import Context
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.ocpplab.pictures import Pictures

PICTURE_EVERY = timedelta(days=30)
PICTURE_AGAIN = timedelta(days=1)
"""After an attempt that gave none."""
LOOK_EVERY = timedelta(minutes=5)
BETWEEN = timedelta(seconds=2)
MOST_PICTURES = 500


class PictureWatch:
    """One look at a time is under way. What a look finds missing is fetched, one picture a look."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures
        self._next: datetime | None = None

    def due_in(self, now: datetime) -> timedelta:
        """How long until the next look; zero or less when now."""
        return self._next - now if self._next is not None else timedelta(0)

    def read(self) -> None:
        """A failure is kept as an attempt without a picture; it is nobody's trouble and is not logged."""
        now = self._context.clock.now()
        self._next = now + LOOK_EVERY
        url = self._missing(now)
        if url is None:
            return
        try:
            picture = self._pictures.fetch(url)
        except UpstreamError:
            picture = None
        now = self._context.clock.now()
        self._context.store.save_picture(url, picture, now)
        self._next = now + BETWEEN

    def _missing(self, now: datetime) -> str | None:
        """The first address that has no picture, or an old one. Pictures that nobody shows any more are forgotten."""
        store = self._context.store
        codes = [code for plan in self._context.sites for code in plan.codes]
        facts = store.lab_facts(codes)
        named = [facts[code].image_url for code in codes if code in facts]
        urls = list(dict.fromkeys(url for url in named if url is not None))[:MOST_PICTURES]
        store.keep_pictures(urls)
        tried = store.pictures_tried(urls)
        for url in urls:
            at, there = tried.get(url, (None, False))
            longest = PICTURE_EVERY if there else PICTURE_AGAIN
            if at is None or now - at >= longest:
                return url
        return None
