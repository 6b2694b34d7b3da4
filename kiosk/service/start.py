"""A driver starts at a bay: the session and its start are stored, or the reason why not is handed back."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import ASIDE, AskedBy, Kind
from kiosk.domain.offer import NoOffer, Offer, offer_at
from kiosk.domain.ownership import Whose
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group
from kiosk.domain.terms import terms_now
from kiosk.domain.unpaid import COUNTS, Applicant, Life, NotYet, not_yet
from kiosk.news.news import charger_topic, session_topic
from kiosk.service.cards import LONGEST_TERMS, card_now
from kiosk.service.parts import Parts
from kiosk.service.selling import whose_now
from kiosk.service.waiting import wait_for_session
from kiosk.store.errors import BayTaken, WrongState
from kiosk.store.rows import digest

START_WAIT = 4.0
"""Seconds that a driver waits for the back office's answer, before the page of the line is shown."""


SECOND = timedelta(seconds=1)
A_DAY = timedelta(hours=24)


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
    network: str | None = None,
    on_site: bool = False,
    seen: str | None = None,
    limit_minor: int | None = None,
) -> Started | NoOffer | NotYet:
    """Store a session and its start for that device, and wait a moment for the engine.

    `network` is its name (None: not known). `on_site`: they stand at the site's screen, or came by a fresh code of it.
    `seen` are the terms that the driver read (None: not compared). `limit_minor` is one of the offered limits. A device
    that keeps the bay already gets its own session back, so that a second tap starts nothing; one that cancelled there
    a moment ago, on the same terms, gets that one back.
    """
    store = parts.store
    keeper = store.session_at(code, connector_id)
    if keeper is not None and store.owns(keeper.key, device):
        return Started(keeper.key, new=False)
    offer = _offer(parts, code, connector_id, claimed=keeper is not None)
    if isinstance(offer, NoOffer):
        return offer
    card, sold, interval = offer
    refusal = sold.refusal(seen, limit_minor)
    if refusal is not None:
        return refusal
    now = parts.clock.now()
    kept = _kept_for(parts, device, code, sold)
    if kept is not None and store.take_back(kept.key, now, limit_minor):
        parts.news.wish(session_topic(kept.key), charger_topic(code))
        return Started(kept.key, new=True)
    mark = _network_mark(parts, network)
    wait = _too_soon(parts, Applicant(digest(device), mark, on_site), card, now)
    if wait is not None:
        here = store.session_at(code, connector_id)  # a second tap, while the first one waited for the card
        return wait if here is None or here.key != wait.key else Started(here.key, new=False)
    session = Session(
        key=secrets.token_urlsafe(16),
        code=code,
        connector_id=connector_id,
        phase=Phase.QUEUED,
        requested_at=now,
        charger_name=card.name,
        limit_minor=limit_minor,
        **_learnt(sold, interval),
    )
    try:
        store.create(session, device=device, now=now, network=mark, on_site=on_site)
    except BayTaken as taken:
        return Started(taken.key, new=False) if store.owns(taken.key, device) else NoOffer.NOT_FREE
    if not on_site:  # a screen on site may be the device of several drivers
        _end_earlier(parts, session, device, now)
    parts.news.wish(charger_topic(code))
    wait_for_session(parts, session.key, lambda one: one.phase is not Phase.QUEUED, START_WAIT)
    return Started(session.key, new=True)


def _end_earlier(parts: Parts, session: Session, device: str, now: datetime) -> None:
    """Whoever has walked on to another charger does not wait for the first one any more: its start is cancelled, so
    that there are never two holds for one charge. What charges already, and another bay of the same charger, is a
    charge of its own.
    """
    for earlier in parts.store.sessions_of(device, since=now - A_DAY):
        if ends_with_a_start(earlier, session.code):
            parts.store.ask(earlier.key, Kind.CANCEL, AskedBy.DRIVER, now)
            parts.news.wish(session_topic(earlier.key))


def ends_with_a_start(earlier: Session, code: str) -> bool:
    """A start at that charger by the same device cancels this one: it was paid elsewhere, and has not begun."""
    waits = earlier.code != code and earlier.facts.group is Group.PREPARING and earlier.can_cancel()
    return waits and earlier.wish is None


def has_paid(parts: Parts, device: str) -> bool:
    """This device has paid a start that it asked for today: whoever was let in by it later has not."""
    asked = parts.store.origins(parts.clock.now() - A_DAY, device=device)
    return any(one.life is Life.PAID for one in asked)


def most_kw_at(parts: Parts, card: ChargerCard, connector_id: int) -> Decimal | None:
    """What the connector can give, by what operator and maker say of it; None when nobody does."""
    expected = parts.powers.at(card, parts.site).get(connector_id)
    return expected.most_kw if expected is not None else None


def offer_to_take_up(parts: Parts, session: Session) -> Offer | NoOffer:
    """What is sold now at the bay of a start that was put aside."""
    offer = _offer_again(parts, session)
    return offer if isinstance(offer, NoOffer) else offer[1]


def take_up_again(parts: Parts, session: Session, seen: str | None, device: str) -> Started | NoOffer | NotYet:
    """A start that was put aside waits again, in its own place, when the bay is free and `seen` are today's terms.

    `device` is that of the owner who asks, and may have no other unpaid start by now. `new` is False when nothing was
    to be taken up.
    """
    if session.phase is not Phase.LEFT or session.refusal not in ASIDE:
        return Started(session.key, new=False)
    offer = _offer_again(parts, session)
    if isinstance(offer, NoOffer):
        return offer
    card, sold, interval = offer
    if seen != sold.terms:
        return NoOffer.TERMS_CHANGED
    limit = sold.limit_kept(session.limit_minor)
    if isinstance(limit, NoOffer):
        return limit
    wanted = replace(session, charger_name=card.name, limit_minor=limit, **_learnt(sold, interval))
    now = parts.clock.now()
    wait = _too_soon(parts, Applicant(digest(device), None), card, now)
    if wait is not None:
        return wait
    try:
        taken_up = parts.store.take_up_again(wanted, now)
    except (BayTaken, WrongState):
        return NoOffer.NOT_FREE
    if taken_up:
        parts.news.wish(session_topic(session.key), charger_topic(session.code))
        wait_for_session(parts, session.key, lambda one: one.phase is not Phase.QUEUED, START_WAIT)
    return Started(session.key, new=taken_up)


def _offer_again(parts: Parts, session: Session) -> tuple[ChargerCard, Offer, timedelta | None] | NoOffer:
    claimed = parts.store.session_at(session.code, session.connector_id) is not None
    return _offer(parts, session.code, session.connector_id, claimed=claimed)


def _learnt(sold: Offer, interval: timedelta | None) -> dict[str, Any]:
    """What a session keeps of the moment at which its driver agreed, by field: each start learns all of it anew."""
    return {
        "tariff": sold.tariff,
        "hold_minor": sold.hold.minor,
        "agreed": sold.terms,
        "most_kw": sold.most_kw,
        "meter_seconds": interval // SECOND if interval is not None else None,
    }


def _offer(
    parts: Parts, code: str, connector_id: int, *, claimed: bool
) -> tuple[ChargerCard, Offer, timedelta | None] | NoOffer:
    """The card, what is sold at that bay, and how often the charger reports its meter, when that is known."""
    owner = whose_now(parts, code)
    if owner is not Whose.OURS:
        return NoOffer.NOT_OURS if owner is Whose.ANOTHERS else NoOffer.OWNER_UNKNOWN
    known = card_now(parts, code)
    card = known.card
    if card is None:
        return NoOffer.NO_CARD
    most_kw = most_kw_at(parts, card, connector_id)
    now = parts.clock.now()
    offer = offer_at(card, connector_id, now, claimed=claimed, longest=LONGEST_TERMS, most_kw=most_kw)
    interval = known.pace.interval if known.pace is not None else None
    return offer if isinstance(offer, NoOffer) else (card, offer, interval)


def _kept_for(parts: Parts, device: str, code: str, offer: Offer) -> Session | None:
    """What this device cancelled at that bay before paying, while upstream keeps it, on the terms of now."""
    for session in parts.store.sessions_of(device, code=code, since=parts.clock.now() - COUNTS):
        terms = terms_now(session)
        same = terms is not None and terms.word == offer.terms == session.agreed
        if session.given_up and session.connector_id == offer.connector_id and same:
            return session
    return None


def _too_soon(parts: Parts, who: Applicant, card: ChargerCard, now: datetime) -> NotYet | None:
    site = parts.site.site_of(card.code)
    codes = frozenset({card.code, *(one.code for one in (site.chargers if site is not None else ()))})
    bays = sum(len(one.bays) or 1 for one in site.chargers) if site is not None else len(card.connectors)
    return not_yet(who, card.code, parts.store.origins(now - COUNTS), now, codes=codes, bays=bays)


def _network_mark(parts: Parts, network: str | None) -> str | None:
    """A keyed mark of the network's name: the same network can be counted, and nobody can read which one it is."""
    if network is None:
        return None
    key: Sequence[str] = parts.settings.secret_keys
    return hmac.new(key[0].encode(), f"network {network}".encode(), hashlib.sha256).hexdigest()
