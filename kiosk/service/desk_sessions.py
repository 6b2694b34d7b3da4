"""What the desk may ask about sessions: the search, one session with its story, and what may be done to it.

Nothing is decided here about money: what is offered follows from the same facts as for a driver, and a wish is pursued
by the engine in the same way. Every act and every look is in the log before it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from kiosk.config.sites import SiteBook
from kiosk.domain.actions import Action, actions_of, payable
from kiosk.domain.codes import normalise
from kiosk.domain.commands import AskedBy, Command, Kind
from kiosk.domain.desk import Person
from kiosk.domain.desk_search import Said, understand
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.news.news import charger_topic, session_topic
from kiosk.service.entries import Timeline
from kiosk.service.parts import Parts
from kiosk.service.points import at_point
from kiosk.service.timeline import timeline
from kiosk.service.waiting import wait_for_session
from kiosk.store.desk import Note
from kiosk.store.errors import Missing
from kiosk.store.finding import FoundSession, Place, Wanted
from kiosk.store.records import StoredReceipt

WAIT = 3.0
"""Seconds that the engine is given, so that the page that follows normally shows the effect."""
LONGEST_REASON = 500
LONGEST_NOTE = 2000


class Act(StrEnum):
    """What somebody at the desk may do to a session."""

    STOP = "stop"
    CANCEL = "cancel"
    CONFIRM = "confirm"  # have the payment looked at
    READ = "read"  # ask Plugchoice anew


MOVES_MONEY = frozenset({Act.STOP, Act.CANCEL, Act.CONFIRM})
"""Money is taken or given back because of them, so the password is asked for again."""


class Group(StrEnum):
    """A saved view of the list."""

    OPEN = "open"  # it may still change
    PAID = "paid"
    NOTHING = "nothing"  # it has ended and nothing was taken
    BACK = "back"  # sent back afterwards
    STUCK = "stuck"  # a person has to look
    REFUSED = "refused"  # the start came to nothing


_WANTED: Mapping[Group, Wanted] = {
    Group.OPEN: Wanted(open=True),
    Group.PAID: Wanted(statuses=(Status.CAPTURED,)),
    Group.NOTHING: Wanted(statuses=(Status.NO_CHARGE, Status.ABANDONED, Status.EXPIRED, Status.FAILED)),
    Group.BACK: Wanted(statuses=(Status.REFUNDED,)),
    Group.STUCK: Wanted(statuses=(Status.CAPTURE_FAILED, Status.REQUIRES_REVIEW)),
    Group.REFUSED: Wanted(phases=(Phase.REFUSED, Phase.NO_ANSWER)),
}


class Done(StrEnum):
    """What became of an act."""

    DONE = "done"
    NO_REASON = "no_reason"
    NOT_OFFERED = "not_offered"  # in the state that the session is in now
    CHANGED = "changed"  # it is not in the state that was previewed


@dataclass(frozen=True, slots=True)
class Whole:
    """One session as the desk shows it. `seen`: names the state that acts are previewed for."""

    number: int
    told: Timeline
    acts: tuple[Act, ...]
    notes: tuple[Note, ...]
    receipt: StoredReceipt | None
    seen: str


def names_of(book: SiteBook, codes: tuple[str, ...] | None = None) -> dict[str, tuple[tuple[str, int | None], ...]]:
    """What labels of bays and codes of chargers mean, in lower case; only those of `codes`, when given."""
    found: dict[str, list[tuple[str, int | None]]] = {}
    for charger in (one for site in book.sites for one in site.chargers):
        if codes is not None and charger.code not in codes:
            continue
        found.setdefault(charger.code.lower(), []).append((charger.code, None))
        for number, bay in charger.bays.items():
            if bay.label:
                found.setdefault(bay.label.lower(), []).append((charger.code, number))
    return {name: tuple(places) for name, places in found.items()}


def understood(parts: Parts, text: str, codes: tuple[str, ...] | None, zone: tzinfo) -> Said:
    """What somebody means who types that. A word that is no name of a bay may be the id of a point, or the code of a
    charger that stands in no list.
    """
    names = names_of(parts.site, codes)
    for word in text.split():
        if word.lower() in names:
            continue
        point = at_point(parts.site, word)
        if point is not None:
            names[word.lower()] = (point,)
        elif codes is None and parts.store.latest_at(normalise(word), 1):
            names[word.lower()] = ((normalise(word), None),)
    return understand(text, zone, parts.clock.now(), names)


def search(
    parts: Parts,
    said: Said,
    *,
    codes: tuple[str, ...] | None,
    group: Group | None = None,
    between: tuple[datetime | None, datetime | None] = (None, None),
    after: Place | None = None,
    most: int = 50,
) -> list[FoundSession]:
    """The newest sessions that are all of it, those of `codes` alone. Words that mean nothing find nothing."""
    if said.strange:
        return []
    view = _WANTED[group] if group is not None else Wanted()
    since = max((one for one in (said.since, between[0]) if one is not None), default=None)
    until = min((one for one in (said.until, between[1]) if one is not None), default=None)
    wanted = Wanted(
        codes=codes,
        bays=said.bays or None,
        statuses=view.statuses,
        phases=view.phases,
        open=view.open,
        mark=said.mark,
        receipt=said.receipt,
        email=said.email,
        last4=said.last4,
        amount_minor=said.amount_minor,
        since=since,
        until=until,
    )
    return parts.store.finding.page(wanted, parts.clock.now(), after, most)


def whole(parts: Parts, number: int, sees: Callable[[str], bool]) -> Whole | None:
    """One session with everything that is known of it. None: there is none, or the person may not see its site."""
    found = parts.store.finding.by_number(number)
    if found is None or not sees(found.session.code):
        return None
    key = found.session.key
    told = timeline(parts.store, key, parts.clock.now())
    if told is None:
        return None
    commands = parts.store.commands(key)
    return Whole(
        number,
        told,
        _acts(told.session, commands, parts.clock.now()),
        tuple(parts.store.desk.notes_of(key)),
        parts.store.receipt(key),
        _seen(told.session),
    )


def perform(parts: Parts, who: Person, shown: Whole, act: Act, reason: str, seen: str) -> Done:
    """Do it, once: what is under way is not offered again. In the log it stands before it is done, with its reason.

    `seen`: the state for which it was previewed. Raises CannotWrite.
    """
    why, key, now = " ".join(reason.split())[:LONGEST_REASON], shown.told.session.key, parts.clock.now()
    if not why:
        return Done.NO_REASON
    if act not in shown.acts:
        return Done.NOT_OFFERED
    if seen != shown.seen:
        return Done.CHANGED
    parts.store.desk.log(who.name, act.value, now, subject=str(shown.number), reason=why)
    session = shown.told.session
    if act is Act.READ:
        parts.store.hint(key, now)
        parts.news.wish(session_topic(key))
        wait_for_session(parts, key, lambda later: later.observed_at != session.observed_at, WAIT)
        return Done.DONE
    try:
        if not (act is Act.CANCEL and session.phase is Phase.QUEUED and parts.store.withdraw_start(key, now)):
            parts.store.ask(key, _KINDS[act], AskedBy.OPERATOR, now)
    except Missing:  # erased meanwhile
        return Done.NOT_OFFERED
    parts.news.wish(session_topic(key), charger_topic(session.code))
    wait_for_session(parts, key, lambda later: _seen(later) != shown.seen, WAIT)
    return Done.DONE


def add_note(parts: Parts, who: Person, shown: Whole, text: str) -> bool:
    """Keep what somebody wants the others to know. False: there is nothing in it."""
    note = text.strip()[:LONGEST_NOTE]
    if not note:
        return False
    now = parts.clock.now()
    parts.store.desk.log(who.name, "noted", now, subject=str(shown.number))
    parts.store.desk.add_note(shown.told.session.key, who.name, note, now)
    return True


_KINDS = {Act.STOP: Kind.STOP, Act.CANCEL: Kind.CANCEL, Act.CONFIRM: Kind.CONFIRM}


def _acts(session: Session, commands: list[Command], now: datetime) -> tuple[Act, ...]:
    """What its state allows, as for its driver; a payment may be looked at once more when it waits for one."""
    offered = actions_of(session, commands, now)
    rows = []
    if Action.STOP in offered:
        rows.append(Act.STOP)
    if Action.CANCEL in offered or Action.LEAVE in offered:
        rows.append(Act.CANCEL)
    if payable(session):
        rows.append(Act.CONFIRM)
    if session.phase is Phase.OPEN:
        rows.append(Act.READ)
    return tuple(rows)


def _seen(session: Session) -> str:
    """Another word as soon as the session is in another state."""
    return f"{session.phase.value}-{session.status or ''}"
