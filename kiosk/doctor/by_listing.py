"""What stands at Plugchoice and at ChargePilot: their sites with ids, chargers and connectors, for the crosswalk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kiosk.config.sites import SiteBook
from kiosk.doctor.by_asking import trouble_of
from kiosk.domain.crosswalk import Crosswalk, Joint, Place, crosswalk, place_of, place_of_tree
from kiosk.outside import Outside
from kiosk.service.crosswalk import our_sites
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.plugchoice.codes import read_codes
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator

MOST_CODES = 150
"""Chargers that are asked for their public code in one go: a third of the token's requests of a minute."""
_MISSES = 2
_OF_PILOT = (
    "this machine's clock may be wrong (every request is signed with the time), or KIOSK_CHARGEPILOT_KEY, _SECRET or "
    "_PATH"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """None: that system is not set, or did not answer; then a sentence says which. `codes` by Plugchoice's uuid."""

    plugchoice: tuple[Place, ...] | None
    pilot: tuple[Place, ...] | None
    codes: Mapping[str, str]
    troubles: tuple[str, ...]

    def crosswalk(self, book: SiteBook, rejected: Collection[Joint] = ()) -> Crosswalk:
        """`rejected`: what a person does not want to be proposed again."""
        return crosswalk(our_sites(book), self.plugchoice or (), self.pilot or (), rejected)


def listed(outside: Outside, codes: Mapping[str, str]) -> Listed:
    """Asks both. `codes` are public codes that are known already, by uuid: those chargers are not asked for theirs."""
    troubles: list[str] = []
    known = dict(codes)
    plugchoice = pilot = None
    if outside.operator is not None:
        plugchoice = _plugchoice(outside.operator, known, troubles)
    else:
        troubles.append("Plugchoice's sites are seen with the operator's token alone: set KIOSK_PLUGCHOICE_TOKEN.")
    if outside.pilot is not None:
        pilot = _pilot(outside.pilot, troubles)
    return Listed(plugchoice, pilot, known, tuple(troubles))


def _plugchoice(operator: PlugchoiceOperator, codes: dict[str, str], troubles: list[str]) -> tuple[Place, ...] | None:
    hint = "KIOSK_PLUGCHOICE_TOKEN is wrong"
    try:
        sites = operator.sites()
    except UpstreamError as error:
        troubles.append(trouble_of("Plugchoice", "its sites", error, hint))
        return None
    if not sites.complete:
        troubles.append("Plugchoice shows only a part of its sites.")
    places, room = [], MOST_CODES
    for site in sites.entries:
        try:
            found = operator.site_chargers(site.uuid)
        except UpstreamError as error:
            troubles.append(trouble_of("Plugchoice", f"the chargers of {site.name or site.uuid}", error, hint))
            places.append(place_of(site, (), codes, whole=False))
            continue
        wanted = [one.ref.uuid for one in found.entries if one.ref.uuid is not None and one.ref.uuid not in codes]
        told = read_codes(operator, wanted[:room], _MISSES)
        codes.update(told.found)
        if told.ended is not None:
            what = f"the public codes of {site.name or site.uuid}"
            troubles.append(trouble_of("Plugchoice", what, told.ended, hint))
        elif len(wanted) > room:
            troubles.append(f"Not all public codes of {site.name or site.uuid} were asked for: ask again.")
        room -= len(wanted[:room])
        places.append(place_of(site, found.entries, codes, whole=found.complete))
    return tuple(places)


def _pilot(pilot: ChargePilot, troubles: list[str]) -> tuple[Place, ...] | None:
    """The list may leave the trees out; then each site is asked for its own."""
    try:
        sites = pilot.sites()
    except UpstreamError as error:
        troubles.append(trouble_of("ChargePilot", "its sites", error, _OF_PILOT))
        return None
    places = []
    for site in sites:
        tree = site.tree
        if tree is None:
            try:
                tree = pilot.site(site.id).tree
            except UpstreamError as error:
                troubles.append(trouble_of("ChargePilot", f"the fuses of {site.name or site.id}", error, _OF_PILOT))
        places.append(place_of_tree(site.id, site.name, tree, site.timezone or ""))
    return tuple(places)
