"""The crosswalk as people confirm it at the desk: kiosk.toml goes before it, and it fills what that file leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kiosk.config.sites import ChargerFacts, Site, SiteBook
from kiosk.domain.crosswalk import Joint, Kind, OurSite, Place, Proposal, Thing, Verdict
from kiosk.domain.desk import Person
from kiosk.service.parts import Parts
from kiosk.store.crosswalks import Entry
from kiosk.store.store import Store


class Where(StrEnum):
    """What becomes of an entry of the crosswalk in this process."""

    USED = "used"
    OVERRULED = "overruled"  # kiosk.toml says something itself
    LATER = "later"  # the file of sites is read when the kiosk starts, and so is this
    STILL = "still"  # taken back, and in use until the next start
    NOT = "not"  # not confirmed


@dataclass(frozen=True, slots=True)
class Joined:
    """The book with what was confirmed. `used`: what of it comes from the desk."""

    book: SiteBook
    used: frozenset[Joint] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """An entry for the page: `where` says what becomes of it, `site` whose it is."""

    entry: Entry
    where: Where
    site: str


@dataclass(frozen=True, slots=True)
class Looked:
    """A look at both systems; `ended_at` is None while it goes on."""

    began_at: datetime
    ended_at: datetime | None = None
    unsure: tuple[Proposal, ...] = ()
    troubles: tuple[str, ...] = ()


class Lookout(Protocol):
    """Who looks at both systems and writes down what can be proposed: see `kiosk.doctor.lookout`."""

    def last(self) -> Looked | None:
        """The last look of this process; None: none was begun here."""

    def begin(self) -> bool:
        """False: one is under way, or was begun a moment ago."""


@dataclass(frozen=True, slots=True)
class Crosswalking:
    """What the page needs besides the parts: the book of the file alone, what of the desk's is in use, who looks."""

    configured: SiteBook
    used: frozenset[Joint]
    lookout: Lookout


@dataclass
class _Filled:
    sites: dict[str, dict[str, object]] = field(default_factory=dict)
    stations: dict[str, str] = field(default_factory=dict)
    used: set[Joint] = field(default_factory=set)


def joined(book: SiteBook, entries: Iterable[Entry]) -> Joined:
    """Fill what the file leaves out with what a person has confirmed. Nothing is ever used twice, whoever says so."""
    filled = _Filled()
    taken, done = _taken(book), set[tuple[Kind, str]]()
    for entry in sorted(entries, key=lambda one: one.id):
        kind, subject, value = entry.joint
        if entry.verdict is not Verdict.CONFIRMED or (kind, value.casefold()) in taken or (kind, subject) in done:
            continue
        if kind is Kind.STATION:
            charger = book.charger(subject)
            if charger is None or charger.station_ids:
                continue
            filled.stations[charger.code] = value
        else:
            site = book.site(subject)
            if site is None or _of_site(site)[kind] is not None:
                continue
            filled.sites.setdefault(subject, {})[kind.value] = value
        taken.add((kind, value.casefold()))
        done.add((kind, subject))
        filled.used.add(entry.joint)
    if not filled.used:
        return Joined(book)
    sites = tuple(_with(site, filled) for site in book.sites)
    return Joined(SiteBook(operator=book.operator, sites=sites, notify=book.notify), frozenset(filled.used))


def joined_from(book: SiteBook, store: Store) -> SiteBook:
    """The book as a kiosk that starts now has it."""
    return joined(book, store.crosswalk.entries()).book


def our_sites(book: SiteBook) -> list[OurSite]:
    """The sites of the book, with what is settled of them."""
    return [_ours(site) for site in book.sites]


def rows(parts: Parts, walking: Crosswalking, who: Person) -> list[Row]:
    """What a person may decide: of the sites that they see."""
    later = joined(walking.configured, parts.store.crosswalk.entries()).used
    found = []
    for entry in parts.store.crosswalk.entries():
        site = _site_of(walking.configured, entry)
        if site is not None and who.sees(site.id):
            found.append(Row(entry, _where(entry, walking.used, later), site.id))
    return found


def look(parts: Parts, walking: Crosswalking, who: Person) -> bool:
    """Begin a look at both systems. False: one is under way."""
    begun = walking.lookout.begin()
    if begun:
        parts.store.desk.log(who.name, "crosswalk_looked", parts.clock.now())
    return begun


_DID = {
    Verdict.CONFIRMED: "crosswalk_confirmed",
    Verdict.REJECTED: "crosswalk_rejected",
    Verdict.OPEN: "crosswalk_undone",
}


def decide(parts: Parts, walking: Crosswalking, who: Person, number: int, verdict: Verdict) -> bool:
    """Confirm or reject a proposal, or (OPEN) take that back; in the log before. False: somebody was quicker, or it is
    joined otherwise. Raises LookupError for one that this person has not before them, CannotWrite.
    """
    entry = parts.store.crosswalk.entry(number)
    site = None if entry is None else _site_of(walking.configured, entry)
    if entry is None or site is None or not who.sees(site.id):
        raise LookupError("there is no such proposal")
    now, proposal = parts.clock.now(), entry.proposal
    what = f"{proposal.kind.value} {proposal.value}"
    parts.store.desk.log(who.name, _DID[verdict], now, subject=proposal.subject, reason=what)
    return parts.store.crosswalk.decide(number, verdict, who.name, now)


def settled_by_file(book: SiteBook, who: Person) -> list[tuple[str, str, str]]:
    """What kiosk.toml says itself: subject, what it is, and the value."""
    found = []
    for site in book.sites:
        if who.sees(site.id):
            found += [(site.id, kind.value, value) for kind, value in _of_site(site).items() if value is not None]
            found += [(one.code, Kind.STATION.value, name) for one in site.chargers for name in one.station_ids]
    return found


def _ours(site: Site) -> OurSite:
    things = tuple(_thing(one) for one in site.chargers)
    stations = {one.code: one.station_ids for one in site.chargers if one.station_ids}
    place = Place(site.id, str(site.name), things)
    return OurSite(place, site.plugchoice_site, site.chargepilot_site, stations)


def _thing(one: ChargerFacts) -> Thing:
    return Thing(one.code, tuple(name for name in (one.code, one.lab_id) if name), frozenset(one.bays))


def _of_site(site: Site) -> Mapping[Kind, str | None]:
    return {Kind.PLUGCHOICE_SITE: site.plugchoice_site, Kind.CHARGEPILOT_SITE: site.chargepilot_site}


def _taken(book: SiteBook) -> set[tuple[Kind, str]]:
    """What the file names already; a station of a charger without names is called like its public code."""
    found = {
        (kind, value.casefold()) for site in book.sites for kind, value in _of_site(site).items() if value is not None
    }
    named = (name for site in book.sites for one in site.chargers for name in one.station_ids)
    return found | {(Kind.STATION, name.casefold()) for name in named}


def _with(site: Site, filled: _Filled) -> Site:
    chargers = tuple(
        one.model_copy(update={"station_ids": (filled.stations[one.code],)}) if one.code in filled.stations else one
        for one in site.chargers
    )
    return site.model_copy(update={**filled.sites.get(site.id, {}), "chargers": chargers})


def _site_of(book: SiteBook, entry: Entry) -> Site | None:
    kind, subject, _value = entry.joint
    return book.site_of(subject) if kind is Kind.STATION else book.site(subject)


def _where(entry: Entry, used: frozenset[Joint], later: frozenset[Joint]) -> Where:
    if entry.joint in used:
        return Where.USED if entry.joint in later else Where.STILL
    if entry.verdict is not Verdict.CONFIRMED:
        return Where.NOT
    return Where.LATER if entry.joint in later else Where.OVERRULED
