"""A driver starts at a bay: the session and its start are stored, or the reason why not is handed back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from kiosk.domain.charger import ChargerCard
from kiosk.domain.offer import NoOffer, offer_at
from kiosk.domain.ownership import Whose
from kiosk.domain.session import Phase, Session
from kiosk.news.news import charger_topic
from kiosk.service.cards import LONGEST_TERMS, card_now
from kiosk.service.parts import Parts
from kiosk.service.selling import whose_now
from kiosk.service.waiting import wait_for_session
from kiosk.store.errors import BayTaken

START_WAIT = 4.0
"""Seconds that a driver waits for the back office's answer, before the page of the line is shown."""


SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Started:
    """The `key` of the session. Not `new`: this device had begun it before, and nothing was stored now."""

    key: str
    new: bool


def begin(
    parts: Parts,
    code: str,
    connector_id: int,
    *,
    device: str,
    seen: str | None = None,
    limit_minor: int | None = None,
) -> Started | NoOffer:
    """Store a session and its start for that device, and wait a moment for the engine.

    `seen` are the terms that the driver read (None: not compared). `limit_minor` is one of the offered limits. A device
    that keeps the bay already gets its own session back, so that a second tap starts nothing.
    """
    store = parts.store
    keeper = store.session_at(code, connector_id)
    if keeper is not None and store.owns(keeper.key, device):
        return Started(keeper.key, new=False)
    owner = whose_now(parts, code)
    if owner is not Whose.OURS:
        return NoOffer.NOT_OURS if owner is Whose.ANOTHERS else NoOffer.OWNER_UNKNOWN
    known = card_now(parts, code)
    card = known.card
    if card is None:
        return NoOffer.NO_CARD
    now = parts.clock.now()
    most_kw, interval = most_kw_at(parts, card, connector_id), known.pace.interval if known.pace is not None else None
    offer = offer_at(card, connector_id, now, claimed=keeper is not None, longest=LONGEST_TERMS, most_kw=most_kw)
    if isinstance(offer, NoOffer):
        return offer
    refusal = offer.refusal(seen, limit_minor)
    if refusal is not None:
        return refusal
    session = Session(
        key=secrets.token_urlsafe(16),
        code=code,
        connector_id=connector_id,
        phase=Phase.QUEUED,
        requested_at=now,
        charger_name=card.name,
        tariff=offer.tariff,
        hold_minor=offer.hold.minor,
        limit_minor=limit_minor,
        most_kw=most_kw,
        meter_seconds=interval // SECOND if interval is not None else None,
    )
    try:
        store.create(session, device=device, now=now)
    except BayTaken as taken:
        return Started(taken.key, new=False) if store.owns(taken.key, device) else NoOffer.NOT_FREE
    parts.news.wish(charger_topic(code))
    wait_for_session(parts, session.key, lambda one: one.phase is not Phase.QUEUED, START_WAIT)
    return Started(session.key, new=True)


def most_kw_at(parts: Parts, card: ChargerCard, connector_id: int) -> Decimal | None:
    """What the connector can give, by what operator and maker say of it; None when nobody does."""
    expected = parts.powers.at(card, parts.site).get(connector_id)
    return expected.most_kw if expected is not None else None
