"""The kiosk as in production, with addresses that bring news of its one site in place of the engine.

`/benchmark/change?bays=20` turns that many bays, the next ones each time: after two times through all of them the board
is as it was. `/benchmark/news` tells of news that changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from benchmarks.controls import Query, controlled
from kiosk.app import create_app, running
from kiosk.config.logs import configure_logs
from kiosk.config.settings import load_settings
from kiosk.config.sites import load_site
from kiosk.domain.charger import ChargerCard
from kiosk.domain.sighting import Sighting
from kiosk.news.news import charger_topic, site_topic

FREE, TAKEN = "Available", "Charging"

_settings = load_settings()
configure_logs(_settings.log_format)
_book = load_site(_settings.config)
_app = create_app(_settings, site=_book)
(_site,) = _book.sites
_codes = [charger.code for charger in _site.chargers]
_places = [(charger.code, number) for charger in _site.chargers for number in charger.bays]
_usual: dict[tuple[str, int], str | None] = {}
_turned: set[tuple[str, int]] = set()
_next = 0


def change(query: Query) -> object:
    """As the engine does with every listing: store the states of all chargers, tell who looks at those that changed."""
    global _next
    bays = int(query["bays"][0])
    for number in range(_next, _next + bays):
        _turned.symmetric_difference_update({_places[number % len(_places)]})
    _next += bays
    store, news, now = running(_app).store, running(_app).news, datetime.now(UTC)
    sightings = [_sighting(card, now) for card in store.cards(_codes).values()]
    changed = store.save_sightings(sightings, now)
    for code in changed:
        news.publish(charger_topic(code))
    return {"changed": len(changed)}


def _sighting(card: ChargerCard, now: datetime) -> Sighting:
    connectors = []
    for each in card.connectors:
        place = (card.code, each.connector_id)
        usual = _usual.setdefault(place, each.status)
        other = TAKEN if usual == FREE else FREE
        connectors.append(replace(each, status=other if place in _turned else usual))
    return Sighting(card.code, card.online, tuple(connectors), None, now)


def news(query: Query) -> object:
    del query
    running(_app).news.publish(site_topic(_site.id))
    return {}


app = controlled(_app, {"/benchmark/change": change, "/benchmark/news": news})
