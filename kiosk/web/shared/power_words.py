"""The power that a driver can expect, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Share
from kiosk.domain.fuses import NodeKind
from kiosk.service.power_kept import Ceiling, is_implausible
from kiosk.web.shared.formats import NBSP, number
from kiosk.web.shared.i18n import locale
from kiosk.web.shared.text import _


def ceiling_words(ceiling: Ceiling | None) -> str:
    if ceiling is None or ceiling.share.kw is None:
        return ""
    if ceiling.share.pauses:
        return _("There is not enough power for all cars now. Yours may have to wait its turn. This is an estimate.")
    why = reason(ceiling.share)
    if ceiling.reached:
        return _("Your car takes about all that this bay gives now: %(reason)s. This is an estimate.", reason=why)
    return _(
        "This bay gives up to %(power)s now, if your car can take it: %(reason)s. This is an estimate.",
        power=kilowatts(ceiling.share.kw),
        reason=why,
    )


@dataclass(frozen=True, slots=True)
class PowerWords:
    """One expectation in the reader's language.

    `range` is "11 to 22 kW" or "22 kW"; `at_most`: it is an upper bound, to be shown with "up to" (`short` does so).
    `tight` is `short` for a place with little room: "11-22 kW". `pauses`: at times there may be too little for this
    car as well; `waits`: now already. `sentence` says when which figure holds, `reason` what sets the lower one,
    `detail` the same in amperes, `note` what is not known; "" when there is nothing to say. `limited`: what sets it is
    not the charger itself.
    """

    range: str
    reason: str
    detail: str
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
    return _power_words(expectation, locale().tag) if expectation is not None else None


@lru_cache(maxsize=4096)
def _power_words(expectation: Expectation, _locale: str) -> PowerWords | None:
    """Kept, because a board asks for the words of every bay with every change of one."""
    now, full, at_most = expectation.now, expectation.full, expectation.at_most
    least, most = full.kw, now.kw
    if least is None or most is None or is_implausible(now):
        return None
    pauses = now.pauses or full.pauses
    between = expectation.between and least < most and not at_most
    if at_most or least >= most:
        span = tight = kilowatts(most)
    else:
        span = _("%(least)s to %(most)s", least=figure(least), most=kilowatts(most))
        tight = f"{figure(least)}\N{EN DASH}{kilowatts(most)}"
    decides = full if least < most and not at_most else now
    return PowerWords(
        range=span,
        reason="" if between else reason(decides),
        detail=detail(decides),
        at_most=at_most,
        pauses=pauses,
        waits=now.pauses,
        short=_short(span, now, at_most),
        tight=_short(tight, now, at_most),
        sentence=_sentence(now, full, most, least, at_most, between),
        note=_note(expectation.assumptions, between),
        limited=decides.bound.kind is BoundKind.NODE,
    )


def _short(span: str, now: Share, at_most: bool) -> str:
    if now.pauses:
        return _("may have to wait its turn")
    return _("up to %(power)s", power=span) if at_most else span


def _sentence(now: Share, full: Share, most: Decimal, least: Decimal, at_most: bool, between: bool) -> str:
    if now.pauses:
        return _("Not enough for all cars now: yours may have to wait its turn")
    if at_most:
        return _("up to %(power)s", power=kilowatts(most))
    if between and full.pauses:
        return _(
            "up to %(power)s, or your car may have to wait its turn: it depends on the other bays",
            power=kilowatts(most),
        )
    if between:
        return _("%(least)s to %(most)s, depending on the other bays", least=figure(least), most=kilowatts(most))
    if full.pauses:
        return _("%(power)s now; if all bays fill up, your car may have to wait its turn", power=kilowatts(most))
    if least < most:
        return _("%(now)s now, at least %(full)s if all bays fill up", now=kilowatts(most), full=kilowatts(least))
    return _("%(power)s, also if all bays fill up", power=kilowatts(most))


def reason(share: Share) -> str:
    """What sets the figure, to stand after a colon."""
    bound = share.bound
    if bound.kind is BoundKind.CONNECTOR:
        return _("the most that this charger gives")
    if bound.kind is not BoundKind.NODE:
        return ""
    shared = bound.sharers > 1
    if bound.node_kind is NodeKind.STATION:
        return _("shared with the other bays of this charger") if shared else _("the most that this charger gives")
    building = bool(bound.building_amperes)
    if shared or _kept_for_bays(bound):
        if building:
            return _("shared with the other bays and the building")
        return _("shared with the other bays")
    return _("shared with the building") if building else _("the wiring here carries no more")


def detail(share: Share) -> str:
    """The same in amperes, for who wants to know more. Names of fuses stay out: they are the electrician's."""
    bound = share.bound
    if bound.kind is not BoundKind.NODE or bound.limit_amperes is None:
        return ""
    said = amperes(bound.limit_amperes)
    limit = (
        _("fuse of %(limit)s", limit=said) if bound.node_kind is NodeKind.FUSE else _("limit of %(limit)s", limit=said)
    )
    if not bound.reserved_amperes:
        return limit
    kept = amperes(bound.reserved_amperes)
    if not _kept_for_bays(bound):
        return _("%(limit)s, %(kept)s of it kept for the building", limit=limit, kept=kept)
    if not bound.building_amperes:
        return _("%(limit)s, %(kept)s of it kept for bays without contact", limit=limit, kept=kept)
    return _("%(limit)s, %(kept)s of it kept for the building and bays without contact", limit=limit, kept=kept)


def _kept_for_bays(bound: Bound) -> bool:
    """Some is kept for chargers that cannot be reached."""
    return (bound.reserved_amperes or Decimal(0)) > (bound.building_amperes or Decimal(0))


def _note(assumptions: frozenset[Assumption], between: bool) -> str:
    """The one gap that matters most to a driver; those that only lower the figure are not worth a sentence."""
    if assumptions & {Assumption.NO_TREE, Assumption.NOT_IN_TREE, Assumption.SHARED_OTHERWISE}:
        return _("Other cars may leave less.")
    if Assumption.PRIORITIES in assumptions:
        return _("Other bays may go first, so it may be less.")
    if assumptions & {Assumption.TREE_INCOMPLETE, Assumption.LIMIT_NOT_KNOWN, Assumption.LOAD_NOT_KNOWN}:
        return _("Not all fuses are known, so it may be less.")
    if between and Assumption.USE_NOT_KNOWN in assumptions:
        return _("Which of them are in use is not known.")
    return ""


def figure(value: Decimal) -> str:
    """A figure with one decimal, and with none when it is a whole one. Rounded down before, so that it stays true."""
    return number(value, 0 if value == value.to_integral_value() else 1)


def kilowatts(power: Decimal) -> str:
    return f"{figure(power)}{NBSP}kW"


def amperes(current: Decimal) -> str:
    return f"{figure(current)}{NBSP}A"
