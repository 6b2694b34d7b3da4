"""`kiosk sites`: the sites of Plugchoice and of ChargePilot with their ids, chargers and connectors, and which of them
are which by their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from kiosk.config.sites import SiteBook
from kiosk.doctor.by_listing import Listed
from kiosk.domain.crosswalk import Kind, Place, Proposal, Thing

_KEYS = {
    Kind.PLUGCHOICE_SITE: "plugchoice_site",
    Kind.CHARGEPILOT_SITE: "chargepilot_site",
    Kind.STATION: "station_ids",
}


def lines(found: Listed, book: SiteBook) -> Iterator[str]:
    """What stands there, then the crosswalk, then what could not be read."""
    yield from _places("Plugchoice", found.plugchoice, "charger", {s.plugchoice_site: s.id for s in book.sites})
    yield from _places("ChargePilot", found.pilot, "station", {s.chargepilot_site: s.id for s in book.sites})
    yield "Crosswalk"
    yield from _settled(book)
    walk = found.crosswalk(book)
    for one in walk.proposals:
        yield f"  proposed: {_pair(one)}, score {one.score}: {', '.join(one.reasons)}"
    for one in walk.unsure:
        yield f"  not proposed, because something else fits as well: {_pair(one)}"
    if walk.proposals:
        yield "  Write what is right into kiosk.toml, or confirm it at the desk under Set-up."
    for trouble in found.troubles:
        yield f"note  {trouble}"


def as_json(found: Listed, book: SiteBook) -> str:
    walk = found.crosswalk(book)
    told = {
        "plugchoice": _plain(found.plugchoice),
        "chargepilot": _plain(found.pilot),
        "configured": [
            {
                "site": site.id,
                "plugchoice_site": site.plugchoice_site,
                "chargepilot_site": site.chargepilot_site,
                "station_ids": {one.code: list(one.station_ids) for one in site.chargers if one.station_ids},
            }
            for site in book.sites
        ],
        "proposed": _proposals(walk.proposals),
        "unsure": _proposals(walk.unsure),
        "troubles": list(found.troubles),
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _places(system: str, places: Sequence[Place] | None, word: str, ours: dict[str | None, str]) -> Iterator[str]:
    if places is None:
        return
    yield f"{system}: {len(places)} sites"
    for place in places:
        about = f" ({place.about})" if place.about else ""
        here = f", {ours[place.id]} in kiosk.toml" if place.id in ours else ""
        yield f"  {place.id}  {place.name or 'without a name'}{about}{here}"
        for one in place.things:
            yield f"    {word} {_thing(one)}"
        if not place.whole:
            yield "    and what could not be read"
    yield ""


def _thing(one: Thing) -> str:
    numbers = ", ".join(map(str, sorted(one.connectors)))
    connectors = f"connectors {numbers}" if numbers else "connectors not told"
    return f"{one.id}  {' / '.join(one.names) or 'without a name'}  {connectors}"


def _settled(book: SiteBook) -> Iterator[str]:
    for site in book.sites:
        for kind, value in (("plugchoice_site", site.plugchoice_site), ("chargepilot_site", site.chargepilot_site)):
            yield f"  {site.id}: {kind} {value or 'not named'}"
        for one in site.chargers:
            if one.station_ids:
                yield f"  {one.code}: station_ids {', '.join(one.station_ids)}"


def _pair(one: Proposal) -> str:
    named = f" ({one.name})" if one.name and one.name != one.value else ""
    return f"{one.subject}: {_KEYS[one.kind]} {one.value}{named}"


def _plain(places: Sequence[Place] | None) -> object:
    if places is None:
        return None
    return [
        {
            "id": place.id,
            "name": place.name,
            "about": place.about or None,
            "whole": place.whole,
            "chargers": [
                {"id": one.id, "names": list(one.names), "connectors": sorted(one.connectors)} for one in place.things
            ],
        }
        for place in places
    ]


def _proposals(found: Sequence[Proposal]) -> list[dict[str, object]]:
    return [
        {
            "kind": one.kind.value,
            "subject": one.subject,
            "value": one.value,
            "name": one.name,
            "score": one.score,
            "reasons": [reason.value for reason in one.reasons],
        }
        for one in found
    ]
