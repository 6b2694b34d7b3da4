"""What is known of a charger for a driver in front of it: its card, why it could not be read, and where else is free.

Nothing here asks anybody outside: a card that is too old is wished for, and the engine reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kiosk.domain.asking import Lane
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Refusal
from kiosk.domain.offer import Offer, offer_at
from kiosk.domain.ownership import Whose
from kiosk.domain.pace import Pace
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group
from kiosk.news.news import site_topic
from kiosk.service.parts import Parts
from kiosk.service.selling import seems_anothers, sells_unlisted, whose_charger
from kiosk.service.waiting import wait_for_card
from kiosk.store.records import StoredCard

FRESH = timedelta(seconds=30)
"""An older card is read again as soon as somebody wants to see it."""
LONGEST_TERMS = timedelta(seconds=60)
"""Nobody starts by states or a price older than this."""
CARD_WAIT = 3.0
"""Seconds that a driver waits for a card, when the stored one is too old or there is none."""
OLD_SESSIONS = timedelta(days=8)
RECEIPT_NOTICE = timedelta(hours=24)
MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class CardNow:
    """The stored card. `failed`: it could not be read since then; `refusal` is the reason that upstream gave,
    `again_at` when it is asked about again. `put_off`: it is too old, and nobody can be asked about it just now.
    `pace`: how often the charger reports its meter, as far as that was seen.
    """

    card: ChargerCard | None
    failed: bool = False
    refusal: Refusal | None = None
    again_at: datetime | None = None
    put_off: bool = False
    pace: Pace | None = None

    @property
    def unknown(self) -> bool:
        """Upstream says that there is no such charger, or that it is closed."""
        return self.failed and self.refusal is Refusal.UNKNOWN_CHARGER


@dataclass(frozen=True, slots=True)
class OwnSessions:
    """One device's sessions at a charger: the `running` one, else one that ended a short time ago. `elsewhere`: the
    newest one at another charger that goes on, so that nobody has a second hold without knowing of the first.
    """

    running: Session | None = None
    ended: Session | None = None
    elsewhere: Session | None = None


def current_card(parts: Parts, code: str, longest: timedelta = LONGEST_TERMS) -> ChargerCard | None:
    """The stored card. One older than 30 s is asked for behind the scenes; older than `longest`, or none: waits."""
    return card_now(parts, code, longest).card


def card_now(parts: Parts, code: str, longest: timedelta = LONGEST_TERMS) -> CardNow:
    """The card as `current_card` finds it, with the reason why a later read failed."""
    store, now = parts.store, parts.clock.now()
    row = store.card_and_problem(code)
    card, problem = row.card, row.problem
    known = is_known(parts, code, card)
    if card is not None and card.fresh(now, FRESH):
        return _card_now(row, known=known)
    if problem is not None and now < problem.again_at(known=known):
        return _card_now(row, known=known)
    wished = store.want_card(code, now, Lane.DRIVER if known else Lane.STRANGER)
    if wished:
        parts.news.wish()
    if card is not None and card.fresh(now, longest):
        return _card_now(row, known=known)
    if not wished:
        return replace(_card_now(row, known=known), put_off=True)

    def answered(one: ChargerCard | None) -> bool:
        if one is not None and one.fresh(parts.clock.now(), FRESH):
            return True
        later = store.card_problem(code)
        return (later is not None and later.at >= now) or store.put_off(code)

    wait_for_card(parts, code, answered, CARD_WAIT)
    found = _card_now(store.card_and_problem(code), known=known)
    return replace(found, put_off=store.put_off(code))


def is_known(parts: Parts, code: str, card: ChargerCard | None) -> bool:
    """It is a charger of ours; or one that was read before, as long as nothing says that it is another operator's.
    All others are asked about seldom.
    """
    if parts.site.charger(code) is not None:
        return True
    owner = whose_charger(parts, code)
    if owner is Whose.OURS and not sells_unlisted(parts.settings):
        return True
    return card is not None and not seems_anothers(parts, owner)


def look_at_site(parts: Parts, code: str) -> None:
    """Somebody looks at that charger: the operator's view of its site, if there is one, knows more than its card."""
    site = parts.site.site_of(code)
    if site is not None and site.plugchoice_site is not None and parts.settings.plugchoice_token is not None:
        parts.news.glance(site_topic(site.id))


def nobody_knows(parts: Parts, code: str) -> bool:
    """It is no charger of ours and never was one, and that it is none is not remembered: somebody must be asked."""
    if parts.site.charger(code) is not None:
        return False
    row = parts.store.card_and_problem(code)
    if row.card is not None and row.card.fresh(parts.clock.now(), FRESH):
        return False
    if is_known(parts, code, row.card):
        return False
    return row.problem is None or parts.clock.now() >= row.problem.again_at(known=False)


def _card_now(row: StoredCard, *, known: bool) -> CardNow:
    card, problem = row.card, row.problem
    if problem is None or (card is not None and problem.at <= card.whole_at):
        return CardNow(card, pace=row.pace)
    again_at = problem.again_at(known=known)
    return CardNow(card, failed=True, refusal=problem.refusal, again_at=again_at, pace=row.pace)


def near_offers(parts: Parts, code: str, now: datetime) -> tuple[tuple[ChargerCard, Offer], ...]:
    """A free bay of each of the next chargers of the same site, in the order of the file, by what is stored and fresh.

    A few of the others, whose cards are old or missing, are asked for.
    """
    store = parts.store
    others = parts.site.neighbours(code)
    cards = {one: card for one, card in store.cards(others).items() if not card.stale(now)}
    unknown = [one for one in others if one not in cards]
    problems = store.card_problems(unknown)
    worth_asking = [one for one in unknown if one not in problems or now >= problems[one].again_at(known=True)]
    wished = [store.want_card(one, now, Lane.NEIGHBOUR) for one in worth_asking[:MOST_NEAR]]
    if any(wished):
        parts.news.wish()
    claims = store.occupied_at(list(cards))
    first = (_first_offer(cards[one], claims.get(one, {}), now) for one in others if one in cards)
    return tuple(found for found in first if found is not None)[:MOST_NEAR]


def _first_offer(card: ChargerCard, claimed: dict[int, str], now: datetime) -> tuple[ChargerCard, Offer] | None:
    for number in sorted(one.connector_id for one in card.connectors):
        offer = offer_at(card, number, now, claimed=number in claimed, longest=None)
        if isinstance(offer, Offer):
            return card, offer
    return None


def own_sessions(parts: Parts, device: str, code: str) -> OwnSessions:
    """That device's running session at the charger, or one that ended (or waits for the operator) within a day."""
    now = parts.clock.now()
    owned = parts.store.sessions_of(device, since=now - OLD_SESSIONS)
    elsewhere = next((one for one in owned if one.code != code and _goes_on(one)), None)
    ended: Session | None = None
    for one in owned:
        if one.code != code:
            continue
        goes_on = _may_go_on(one)
        if _goes_on(one):
            return OwnSessions(running=one, elsewhere=elsewhere)
        counts = one.ever_held and (one.final or goes_on or one.phase is Phase.GONE)
        last = one.completed_at or one.captured_at or one.observed_at or one.requested_at
        if ended is None and counts and now - last <= RECEIPT_NOTICE:
            ended = one
    return OwnSessions(ended=ended, elsewhere=elsewhere)


def _may_go_on(session: Session) -> bool:
    waits = session.phase is Phase.QUEUED
    return waits or (session.phase is Phase.OPEN and not session.final and not session.given_up)


def _goes_on(session: Session) -> bool:
    """It waits, is to be paid, or its charge or hold has not ended. What waits for the operator does not count."""
    return _may_go_on(session) and session.facts.group is not Group.OPERATOR
