"""The power that a driver can expect, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Share
from kiosk.domain.fuses import NodeKind
from kiosk.service.power_kept import Ceiling, is_implausible
from kiosk.web.shared.formats import NBSP, number
from kiosk.web.shared.i18n import language
from kiosk.web.shared.text import _


def ceiling_words(ceiling: Ceiling | None) -> str:
    if ceiling is None or ceiling.share.kw is None:
        return ""
    if ceiling.share.pauses:
        return _("There is not enough power for all cars now. Yours may have to wait its turn. This is an estimate.")
    power, why = kilowatts(ceiling.share.kw), reason(ceiling.share, frozenset(ceiling.assumed))
    return _("This bay gives up to %(power)s now: %(reason)s. This is an estimate.", power=power, reason=why)


@dataclass(frozen=True, slots=True)
class PowerWords:
    """One expectation in the reader's language.

    `range` is "11 to 22 kW" or "22 kW"; `at_most`: it is an upper bound, to be shown with "up to" (`short` does so).
    `tight` is `short` for a place with little room: "11-22 kW". `pauses`: at times there may be too little for this
    car as well; `waits`: now already. `sentence` says when which figure holds, `reason` what sets the lower one, `note`
    what was assumed; "" when there is nothing to say. `limited`: what sets it is not the charger itself.
    """

    range: str
    reason: str
    at_most: bool
    pauses: bool
    waits: bool
    short: str
    tight: str
    sentence: str
    note: str
    limited: bool


def power_words(expectation: Expectation | None) -> PowerWords | None:
    """None when nothing can be said, or nothing may be promised because the charger cannot be used."""
    return _power_words(expectation, language()) if expectation is not None else None


@lru_cache(maxsize=4096)
def _power_words(expectation: Expectation, _language: str) -> PowerWords | None:
    """Kept, because a board asks for the words of every bay with every change of one."""
    now, full, at_most = expectation.now, expectation.full, expectation.at_most
    least, most = full.kw, now.kw
    if least is None or most is None or is_implausible(now):
        return None
    pauses = now.pauses or full.pauses
    if at_most or least >= most:
        span = tight = kilowatts(most)
    else:
        span = _("%(least)s to %(most)s", least=figure(least), most=kilowatts(most))
        tight = f"{figure(least)}\N{EN DASH}{kilowatts(most)}"
    decides = full if least < most and not at_most else now
    return PowerWords(
        range=span,
        reason=reason(decides, expectation.assumptions),
        at_most=at_most,
        pauses=pauses,
        waits=now.pauses,
        short=_short(span, now, at_most),
        tight=_short(tight, now, at_most),
        sentence=_sentence(now, full, most, least, at_most),
        note=_note(expectation.assumptions, pauses),
        limited=decides.bound.kind is BoundKind.NODE,
    )


def _short(span: str, now: Share, at_most: bool) -> str:
    if now.pauses:
        return _("may have to wait its turn")
    return _("up to %(power)s", power=span) if at_most else span


def _sentence(now: Share, full: Share, most: Decimal, least: Decimal, at_most: bool) -> str:
    if now.pauses:
        return _("Not enough for all cars now: yours may have to wait its turn")
    if at_most:
        return _("up to %(power)s", power=kilowatts(most))
    if full.pauses:
        return _("%(power)s now; if all bays fill up, your car may have to wait its turn", power=kilowatts(most))
    if least < most:
        return _("%(now)s now, at least %(full)s if all bays fill up", now=kilowatts(most), full=kilowatts(least))
    return _("%(power)s, also if all bays fill up", power=kilowatts(most))


def reason(share: Share, assumptions: frozenset[Assumption] = frozenset()) -> str:
    """What sets the figure, to stand after a colon. Names of fuses stay out: they are the electrician's."""
    bound = share.bound
    if bound.kind is BoundKind.CONNECTOR:
        return _("the most that this charger gives")
    if bound.kind is not BoundKind.NODE or bound.limit_amperes is None:
        return ""
    said = _node(bound, amperes(bound.limit_amperes))
    if not bound.reserved_amperes:
        return said
    kept = amperes(bound.reserved_amperes)
    if Assumption.OFFLINE_RESERVED in assumptions:
        return _("%(limit)s, %(kept)s of it kept for others", limit=said, kept=kept)
    return _("%(limit)s, %(kept)s of it kept for the building", limit=said, kept=kept)


def _node(bound: Bound, limit: str) -> str:
    shared = bound.sharers > 1
    match bound.node_kind:
        case NodeKind.FUSE if shared:
            return _("shared fuse of %(limit)s", limit=limit)
        case NodeKind.FUSE:
            return _("fuse of %(limit)s", limit=limit)
        case NodeKind.STATION if shared:
            return _("the bays of this charger share %(limit)s", limit=limit)
        case NodeKind.STATION:
            return _("this charger is limited to %(limit)s", limit=limit)
    if shared:
        return _("shared limit of %(limit)s", limit=limit)
    return _("limit of %(limit)s", limit=limit)


def _note(assumptions: frozenset[Assumption], pauses: bool) -> str:
    """The one assumption that matters most to a driver; those that only lower the figure are not worth a sentence."""
    if Assumption.NO_TREE in assumptions or Assumption.NOT_IN_TREE in assumptions:
        return _("Other cars may leave less.")
    if assumptions & {Assumption.TREE_INCOMPLETE, Assumption.LIMIT_NOT_KNOWN, Assumption.LOAD_NOT_KNOWN}:
        return _("Not all fuses are known, so it may be less.")
    if Assumption.USE_ASSUMED in assumptions and not pauses:
        return _("Bays without news count as charging.")
    return ""


def figure(value: Decimal) -> str:
    """A figure with one decimal, and with none when it is a whole one. Rounded down before, so that it stays true."""
    return number(value, 0 if value == value.to_integral_value() else 1)


def kilowatts(power: Decimal) -> str:
    return f"{figure(power)}{NBSP}kW"


def amperes(current: Decimal) -> str:
    return f"{figure(current)}{NBSP}A"
