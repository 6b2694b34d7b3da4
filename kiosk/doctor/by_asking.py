"""What the systems outside answer when they are asked, and how the kiosk is reached from a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from kiosk.config.addresses import is_loopback
from kiosk.config.settings import Settings
from kiosk.config.sites import ChargerFacts, Site, SiteBook
from kiosk.doctor.front import HTTP_2
from kiosk.doctor.of_store import not_sold
from kiosk.domain.finding import Finding, about, bad, note, ok
from kiosk.domain.fuses import FuseTree, spots
from kiosk.domain.site_board import Listing, PublicCharging, SiteConnector
from kiosk.outside import Outside
from kiosk.service.fast import price_problem
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.errors import NotSent, Refused, UpstreamError
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.reading import LabCharger
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic

MUST_ARRIVE = ("strict-transport-security", "content-security-policy", "x-content-type-options")
"""Headers of every page, in lower case."""
MOST_SETTINGS = 25
"""Chargers of a site whose settings are read for their public codes. Of a larger site no code can be called missing."""
Protocol = Callable[[str], str | None]
Headers = Callable[[str], Mapping[str, str] | None]


def in_front(settings: Settings, protocol: Protocol, headers: Headers) -> Iterator[Finding]:
    """As a browser meets the kiosk. Over HTTP/1.1 it has six connections to us for all of its tabs, and streams take
    some of them.
    """
    return about("Seen from outside", _in_front(settings, protocol, headers))


def _in_front(settings: Settings, protocol: Protocol, headers: Headers) -> Iterator[Finding]:
    if not settings.https or is_loopback(urlsplit(settings.public_url).hostname):
        return
    spoken = protocol(settings.public_url)
    if spoken == HTTP_2:
        yield ok(f"{settings.public_host} speaks HTTP/2.")
    elif spoken is None:
        yield note(f"Nobody answers at {settings.public_url} from here, or its certificate is not trusted here.")
        return
    else:
        yield bad(
            f"{settings.public_host} speaks HTTP/1.1 alone: a driver with many tabs waits. Turn HTTP/2 on in front."
        )
    yield from _headers(settings, headers(settings.public_url))


def _headers(settings: Settings, found: Mapping[str, str] | None) -> Iterator[Finding]:
    """Whether what the kiosk says of its pages comes through whatever stands in front."""
    if found is None:
        yield note(f"No page came from {settings.public_url} in time, so its headers were not seen.")
        return
    lost = [name for name in MUST_ARRIVE if name not in found]
    if lost:
        yield bad(f"Pages of {settings.public_host} arrive without {', '.join(lost)}: let the proxy pass them on.")
    else:
        yield ok(f"Pages of {settings.public_host} arrive with their headers for safety.")


def everybody(outside: Outside, site: SiteBook, *, learns: bool) -> Iterator[Finding]:
    """Each is asked a few questions, one after the other; those of the public endpoints count in their budgets."""
    return about("Asked", _everybody(outside, site, learns=learns))


def _everybody(outside: Outside, site: SiteBook, *, learns: bool) -> Iterator[Finding]:
    if outside.operator is not None:
        yield from _ask_board(outside.operator, site)
    if outside.pilot is not None:
        yield from _ask_pilot(outside.pilot, site)
    if outside.lab is not None:
        yield from _ask_lab(outside.lab, site)
    if outside.operator is not None and learns:
        yield _ask_own(outside.operator)
    yield from _ask_plugchoice(outside.public, site)


def _ask_board(operator: PlugchoiceOperator, site: SiteBook) -> Iterator[Finding]:
    for each in site.sites:
        if each.plugchoice_site is None:
            continue
        try:
            listing = operator.site_connectors(each.plugchoice_site)
        except UpstreamError as error:
            yield bad(trouble_of("Plugchoice", f"the board of {each.name}", error, "KIOSK_PLUGCHOICE_TOKEN is wrong"))
        else:
            yield ok(f"Plugchoice shows {len(listing.entries)} connectors on the board of {each.name}.")
            known: dict[str, str] = {}
            yield from _codes(operator, each, listing, known)
            yield from _chargers_of(operator, each, known)


def _chargers_of(operator: PlugchoiceOperator, site: Site, codes: Mapping[str, str]) -> Iterator[Finding]:
    """What each charger says of itself. `codes`: by the back office's id, as far as they were read."""
    try:
        listing = operator.site_chargers(site.plugchoice_site or "")
    except UpstreamError:
        return  # that nobody answers is said of the board
    for one in listing.entries:
        name = codes.get(one.ref.uuid or "", one.ref.identity or "a charger without a name")
        told = [f"firmware {one.firmware}" if one.firmware else "firmware not known"]
        if one.last_heartbeat_at is not None:
            told.append(f"last heard of at {one.last_heartbeat_at:%Y-%m-%d %H:%M} UTC")
        wrong = [f"error {one.trouble.error}"] if one.trouble.error not in {None, "NoError"} else []
        wrong += [f"its maker's code {one.trouble.vendor_code}"] if wrong and one.trouble.vendor_code else []
        wrong += [one.trouble.info] if wrong and one.trouble.info else []
        if one.blocked:
            wrong.append("blocked in the back office")
        text = f"{name}: {', '.join(wrong + told)}."
        yield note(f"{text} Look at it on site, or unblock it in the back office.") if wrong else ok(text)


def _ask_own(operator: PlugchoiceOperator) -> Finding:
    try:
        listing = operator.chargers()
    except UpstreamError as error:
        text = trouble_of("Plugchoice", "the list of your chargers", error, "KIOSK_PLUGCHOICE_TOKEN is wrong")
        return bad(f"{text} Without it no charger is sold but those of kiosk.toml and those that it showed before.")
    if not listing.complete:
        return note("Plugchoice shows only a part of the list of your chargers; list the others in kiosk.toml.")
    return ok(f"Plugchoice shows {len(listing.entries)} chargers as yours.")


def _codes(
    operator: PlugchoiceOperator, site: Site, listing: Listing[SiteConnector], known: dict[str, str]
) -> Iterator[Finding]:
    """Whether the chargers on the board are those of kiosk.toml, and open to drivers. Their codes are in the settings
    of each; `known` remembers them by the back office's id.
    """
    uuids = list(dict.fromkeys(entry.charger.uuid for entry in listing.entries))
    lost = [one.code for one in site.chargers]
    for uuid in uuids[:MOST_SETTINGS]:
        if uuid is None:
            continue
        try:
            opened = operator.public_charging(uuid)
        except UpstreamError as error:
            if isinstance(error, Refused) and error.status == 404:
                continue
            yield bad(_unread(site, error))
            return
        code = (opened.public_code or "").upper()
        known[uuid] = code
        if code in lost:
            yield from _opened(code, opened)
        lost = [each for each in lost if each != code]
        if not lost:
            return
    if lost and listing.complete and None not in uuids and len(uuids) <= MOST_SETTINGS:
        yield note(f"No charger on the board of {site.name} has the code {', '.join(lost)}; check kiosk.toml.")


def _opened(code: str, opened: PublicCharging) -> Iterator[Finding]:
    """Whether drivers can pay there, by the charger's own settings. What is not said is no fault."""
    if opened.enabled is False:
        yield bad(f"Charger {code} is not opened for public charging: turn it on in the back office.")
    if opened.has_account is False:
        yield bad(f"Charger {code} has no Stripe account: connect one in the back office.")
    elif opened.onboarding_complete is False:
        yield bad(f"The Stripe account of charger {code} is not complete: finish the onboarding in the back office.")


def _unread(site: Site, error: UpstreamError) -> str:
    if isinstance(error, Refused) and error.status == 403:
        return (
            f"Plugchoice does not let this token read price and code of the chargers of {site.name} (403): without "
            "that right it cannot keep the board; give its user the right to see their settings."
        )
    what = f"price and code of the chargers of {site.name}"
    return trouble_of("Plugchoice", what, error, "KIOSK_PLUGCHOICE_TOKEN is wrong")


def _ask_pilot(pilot: ChargePilot, site: SiteBook) -> Iterator[Finding]:
    hint = (
        "this machine's clock may be wrong (every request is signed with the time), or KIOSK_CHARGEPILOT_KEY, _SECRET "
        "or _PATH"
    )
    for each in site.sites:
        if each.chargepilot_site is None:
            continue
        try:
            tree = pilot.site(each.chargepilot_site).tree
        except UpstreamError as error:
            yield bad(trouble_of("ChargePilot", f"the fuses of {each.name}", error, hint))
        else:
            yield _fuses(each, tree)


def _fuses(site: Site, tree: FuseTree | None) -> Finding:
    """Whether the crosswalk of kiosk.toml finds every charger in the tree, by the same rule as the expected power."""
    if tree is None:
        return note(f"ChargePilot answers, but has no fuse tree of {site.name}.")
    there = {(each.station_id or "").casefold() for spot in spots(tree) for each in spot.node.connectors}
    lost = [
        one.code
        for one in site.chargers
        if there.isdisjoint(name.casefold() for name in one.station_ids or (one.code,))
    ]
    if lost:
        return note(
            f"ChargePilot answers, but the fuse tree of {site.name} does not name {', '.join(lost)}: set their "
            "station_ids in kiosk.toml."
        )
    return ok(f"ChargePilot answers: every charger of {site.name} is in the fuse tree.")


def _ask_lab(lab: Ocpplab, site: SiteBook) -> Iterator[Finding]:
    try:
        chargers = lab.all_chargers()
    except UpstreamError as error:
        yield bad(trouble_of("OCPPLAB", "its chargers", error, "KIOSK_OCPPLAB_TOKEN is wrong"))
        return
    lost = [one.code for each in site.sites for one in each.chargers if not _knows(chargers, one)]
    if lost:
        yield note(f"OCPPLAB answers, but does not know {', '.join(lost)}: set their lab_id in kiosk.toml.")
    else:
        yield ok(f"OCPPLAB answers and knows {len(site.codes)} of our chargers.")


def _knows(chargers: Sequence[LabCharger], one: ChargerFacts) -> bool:
    """As the engine finds its facts: by id or identity; without a lab_id by the identity alone, in any case."""
    if one.lab_id is not None:
        return any(one.lab_id in (each.id, each.identity) for each in chargers)
    return any((each.identity or "").upper() == one.code for each in chargers)


def trouble_of(system: str, what: str, error: UpstreamError, unauthorised: str) -> str:
    """One sentence on a read that failed. `unauthorised` says what a 401 usually means there."""
    status = error.status if isinstance(error, Refused) else 0
    reasons = {
        401: f"refuses (401): {unauthorised}",
        403: f"does not let this key see {what} (403)",
        404: f"does not know {what} (404); check its id in kiosk.toml",
        429: "asks for a pause (429); try again in a minute",
    }
    if isinstance(error, Refused):
        return f"{system} {reasons.get(status, f'refuses {what} ({status})')}."
    return f"{system} gives no usable answer on {what}; check the network and its address."


def _ask_plugchoice(public: PlugchoicePublic, site: SiteBook) -> Iterator[Finding]:
    if not site.codes:
        yield note("Plugchoice was not asked: kiosk.toml lists no charger.")
        return
    code = site.codes[0]
    try:
        card = public.get_charger(code)
    except NotSent as error:
        if not error.ours:
            yield bad("Plugchoice does not answer; check the network, and KIOSK_PLUGCHOICE_URL.")
        else:
            yield note("Plugchoice was not asked for a charger: the budget of this minute is spent. Ask again.")
    except Refused:
        yield bad(f"Plugchoice answers, but charger {code} has no public charging; check its code.")
    except UpstreamError:
        yield bad("Plugchoice does not answer; check the network, and KIOSK_PLUGCHOICE_URL.")
    else:
        state = "is online" if card.online else "has no connection"
        yield ok(f"Plugchoice answers: charger {code} {state}.")
        problem = price_problem(card, site, None)
        if problem is not None:
            yield (bad if problem.broken else note)(problem.text)
        if card.unshown:
            yield bad(not_sold(code, card))
        elif not card.sellable:
            yield bad(f"Charger {code} has no price or no hold; set both in Plugchoice.")
