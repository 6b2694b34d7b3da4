"""What happens with every observation: it is stored and folded, its events are counted, oddities are logged, a receipt
is issued, pages are told.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from kiosk.domain.session import Event, Observation, Session
from kiosk.engine.context import Context, about
from kiosk.engine.receipts import issue
from kiosk.news.news import charger_topic, session_topic
from kiosk.store.errors import CannotWrite

log = logging.getLogger(__name__)

_ODD = {
    Event.STRANGE_STATUS: "upstream used a status that this version does not know",
    Event.ENERGY_FELL: "the energy figure fell",
    Event.TARIFF_CHANGED: "the price of a running session changed upstream",
    Event.CAPTURED_ABOVE_HOLD: "more was captured than was held",
    Event.OTHER_CURRENCY: "upstream answered in another currency; its amounts are not believed",
    Event.END_INCOMPLETE: "a session ended without all of its figures; it is read on",
    Event.STATUS_WENT_BACK: "the status went back",
    Event.DOUBTFUL_FIGURES: "a meter figure that the connector cannot have made; it is read again",
    Event.DOUBT_CONFIRMED: "the meter stands by a figure that was in doubt; it counts",
    Event.CAME_BACK: "a session that had gone answers again",
}


def observe(context: Context, key: str, seen: Observation, source: str) -> Session:
    """Store and fold one observation of the session, and tell the open pages."""
    session, events = context.store.observe(key, seen, source=source)
    follow(context, session, events)
    return session


def follow(context: Context, session: Session, events: tuple[Event, ...] = ()) -> None:
    """Everything that follows from a change of the session which the store has written."""
    for event in events:
        if context.on_event is not None:
            context.on_event(event, session)
        if event in _ODD:
            log.warning(_ODD[event], extra={**about(session), "status": session.status, "event": event.value})
    with suppress(CannotWrite):  # then it is issued as soon as it can be: see `kiosk.engine.duties.tidy.Receipts`
        issue(context, session)
    tell(context, session)


def tell(context: Context, session: Session) -> None:
    """News for the pages of the session and of its charger."""
    context.news.publish(session_topic(session.key), charger_topic(session.code))
