"""The board as the tablets get it: made once for each site and language, given to any number of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from flask import current_app, get_template_attribute, json
from markupsafe import Markup

from kiosk.clock import Clock
from kiosk.config.sites import Site
from kiosk.news.kept import Kept
from kiosk.news.news import News, charger_topic, site_topic
from kiosk.service.bays import read_site
from kiosk.web.shared.formats import clock_s, stamp
from kiosk.web.shared.i18n import locale
from kiosk.web.shared.parts import parts
from kiosk.web.tablet.board import Board, board_of

KEEP_SECONDS = 2.0
"""For so long a board is given out again without a look at the store, unless there is news of one of its chargers."""

RESOLUTION = timedelta(microseconds=1)
"""A board is still true at the very moment that its `until` names."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A board in one language: the inside of each stall by its key, the prices with the `note` on what they mean, and
    all of it as one JSON text.
    """

    board: Board
    stalls: Mapping[str, Markup]
    prices: Markup
    note: Markup
    body: bytes
    etag: str


class Boards:
    """Boards by site and language. Safe to use from many threads; `drawings` counts how often one was rendered."""

    def __init__(self, news: News, clock: Clock) -> None:
        self._clock = clock
        self._drawn: Kept[tuple[str, str], Drawn] = Kept(news, clock)
        self.drawings = 0

    def of(self, site: Site, spoken: str, look: Callable[[], Board], draw: Callable[[Board], Drawn]) -> Drawn:
        """The board as it stands now. One that shows the same as the last is not drawn again."""

        def make(last: Drawn | None) -> Drawn:
            board = look()
            if last is not None and last.board == board:
                return last
            self.drawings += 1
            return draw(board)

        topics = site_topic(site.id), *(charger_topic(one.code) for one in site.chargers)
        return self._drawn.of((site.id, spoken), topics, make, self._lasts)

    def _lasts(self, drawn: Drawn) -> float:
        """Until the next bay or price is too old, but KEEP_SECONDS at the longest: in seconds of the kiosk's clock."""
        longest = KEEP_SECONDS * self._clock.rate
        if drawn.board.until is None:
            return longest
        left = drawn.board.until + RESOLUTION - self._clock.now()
        return min(longest, left / timedelta(seconds=1))


def boards() -> Boards:
    made: Boards = current_app.extensions.setdefault("kiosk.boards", Boards(parts().news, parts().clock))
    return made


def drawn_board(site: Site) -> Drawn:
    """The board of the site in the language of this request."""
    return boards().of(site, locale().tag, lambda: board_of(read_site(parts(), site)), lambda board: _draw(site, board))


def assets_version() -> str:
    """Changes with every release that changes a static file: a tablet then loads its page again, when it is at rest."""
    address: str = current_app.extensions["asset"]("tablet/tablet.js")
    return address


def _draw(site: Site, board: Board) -> Drawn:
    zone = parts().site.zone(site.chargers[0].code) if site.chargers else None
    stall, prices, note = (get_template_attribute("tablet/stall.html", name) for name in ("stall", "prices", "note"))
    stalls = {one.key: Markup(stall(one, zone, board.own_prices)) for one in board.stalls}  # noqa: S704
    price, meaning = Markup(prices(board)), Markup(note(board, _rate(site)))  # noqa: S704 - our own templates, which escape
    content = {
        "assets": assets_version(),
        "layout": layout_of(board),
        "as_of": stamp(board.as_of) if board.as_of else None,
        "time": clock_s(board.as_of, zone) if board.as_of and zone else None,
        "prices": price,
        "note": meaning,
        "stalls": {one.key: [one.kind, stalls[one.key]] for one in board.stalls},
        "seen": {one.key: stamp(one.seen_at) for one in board.stalls if one.seen_at is not None},
    }
    body = json.dumps(content, separators=(",", ":")).encode()
    return Drawn(board, stalls, price, meaning, body, f'W/"{hashlib.sha256(body).hexdigest()[:20]}"')


def _rate(site: Site) -> Decimal | None:
    """Of VAT, in the prices of the site: all bays of a board are in one country."""
    return parts().site.vat_percent(site.chargers[0].code) if site.chargers else None


def layout_of(board: Board) -> str:
    """Which bays stand where. When that changes the page is loaded again."""
    rows = [[[one.key for one in row] for row in lot.rows] for lot in board.lots]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]
