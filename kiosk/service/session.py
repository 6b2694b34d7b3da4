"""What may be asked of a session once it exists: pay, cancel, stop, a limit, an e-mail, another device as its owner.

Nothing here knows HTTP or a sentence. A wish is stored, told to the news, and given a moment to take effect.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kiosk.domain.actions import Action, actions_of, limits_of, newest, payable
from kiosk.domain.buyer import Buyer
from kiosk.domain.commands import UNDER_WAY, AskedBy, Kind
from kiosk.domain.money import Money
from kiosk.domain.offer import NoOffer, Offer
from kiosk.domain.progress import joined
from kiosk.domain.pursuit import payment_checked
from kiosk.domain.rights import Right, may_be_taken_back
from kiosk.domain.session import PaymentContext, Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.terms import Terms, terms_now
from kiosk.domain.unpaid import UNPAID, NotYet, life_of
from kiosk.news.news import charger_topic, session_topic
from kiosk.service.mail_address import sendable
from kiosk.service.parts import Parts
from kiosk.service.start import Started, begin, offer_to_take_up, take_up_again
from kiosk.service.waiting import wait_for_session
from kiosk.store.errors import Missing, UnreadableSession
from kiosk.store.records import ForReader

WAIT = 3.0
"""So many seconds the engine is given, so that the answer to a wish is normally the next state."""
LOOK_AGAIN_AFTER = timedelta(hours=1)
PRESSED_TWICE = timedelta(seconds=10)
"""So soon after a stop or a cancel had no effect another press sends nothing: the budget of them is everybody's."""
TAKEOVER_LIFE = timedelta(minutes=5)
_CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that look alike: the code may be typed."""
_CODE_LONG = 16


class Reply(StrEnum):
    """What became of a wish. Only DONE stored something, or found stored already what was asked for.

    Whatever is asked for here raises CannotWrite when the store takes nothing, and then nothing was changed.
    """

    DONE = "done"
    NO_SESSION = "no_session"
    NOT_OWNER = "not_owner"
    NOT_OFFERED = "not_offered"  # not in the state that the session is in now, or it is under way already
    WRONG_LIMIT = "wrong_limit"  # not one of those that are offered
    WRONG_EMAIL = "wrong_email"  # it does not look like an address
    WRONG_COMPANY = "wrong_company"  # it cannot stand on an invoice
    TOO_LATE = "too_late"  # no address is taken any more
    UNWRITTEN = "unwritten"  # it is done all the same, but would be forgotten if the process ended now


@dataclass(frozen=True, slots=True)
class TakeOverCode:
    """Whoever uses the code before `until` becomes an owner too, once."""

    code: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class PaymentForm:
    """What the payment form needs, and the hold that its page tells of: the payment itself may be of another amount."""

    context: PaymentContext
    hold: Money | None


def payment_of(parts: Parts, key: str, device: str | None) -> PaymentForm | Reply:
    """What the payment form needs: for the owner alone, and only while it can be paid.

    That it is handed out is written down before: from then on the engine asks upstream whether somebody has paid.
    """
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    context = parts.store.payment(key) if payable(found.session) else None
    if context is None or not payable(parts.store.show_payment(key, parts.clock.now())):
        return Reply.NOT_OFFERED
    return PaymentForm(context, found.session.money(found.session.hold_minor))


def confirm(parts: Parts, key: str, device: str | None) -> Reply:
    """The owner says that it is paid. Only upstream's word counts, so the engine asks upstream to look."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    return _ask(parts, found.session, Kind.CONFIRM) if payable(found.session) else Reply.NOT_OFFERED


def cancel(parts: Parts, key: str, device: str | None) -> Reply:
    """Give the start up; in the line it is the same as leaving. When charging has begun meanwhile, it means a stop.

    Before anything was paid the bay is free at once, and upstream is told later: a driver who changes their mind gets
    the same start back, and nobody wears a charger's hourly limit out by starting and cancelling.
    """
    try:
        found = _owned(parts, key, device)
    except UnreadableSession as unreadable:
        return _end_blindly(parts, unreadable, Kind.CANCEL)
    if isinstance(found, Reply):
        return found
    if Action.CANCEL in _actions(parts, found) and _unpaid(found.session) and not _perhaps_paid(found):
        parts.store.give_up(key, parts.clock.now())
        parts.news.wish(session_topic(key), charger_topic(found.session.code))
        return Reply.DONE
    return _leave(parts, found.session) or _end(parts, found, Action.CANCEL, Action.STOP)


def begin_instead(parts: Parts, unpaid: str, code: str, connector_id: int, **start: Any) -> Started | NoOffer | NotYet:
    """As `begin`, for a device that keeps a bay by the `unpaid` start and wants another one. That start is given up
    when the other bay can be had, and stays as it was when not.
    """
    begun = begin(parts, code, connector_id, **start)
    if not isinstance(begun, NotYet) or begun.key != unpaid:
        return begun
    cancel(parts, unpaid, start["device"])
    return begin(parts, code, connector_id, **start)


def agree(parts: Parts, key: str, device: str | None, word: str) -> Reply:
    """The owner has read the terms behind that word and agrees. NOT_OFFERED: those are not the terms of now."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    terms = terms_now(found.session)
    if Action.AGREE not in _actions(parts, found) or terms is None or terms.word != word:
        return Reply.NOT_OFFERED
    parts.store.agree(key, word, parts.clock.now())
    parts.news.wish(session_topic(key))
    return Reply.DONE


def take_up(parts: Parts, key: str, device: str | None, seen: str | None) -> Reply | NoOffer | NotYet:
    """The owner takes up a start that was put aside; or why it cannot be had any more, or not now."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply) or device is None:
        return found if isinstance(found, Reply) else Reply.NOT_OWNER
    begun = take_up_again(parts, found.session, seen, device)
    if isinstance(begun, (NoOffer, NotYet)):
        return begun
    return Reply.DONE if begun.new else Reply.NOT_OFFERED


def terms_to_take_up(parts: Parts, session: Session) -> Terms | None:
    """On which terms a start that was put aside can be taken up now; None when its bay cannot be had."""
    offer = offer_to_take_up(parts, session)
    return Terms(offer.tariff, offer.hold) if isinstance(offer, Offer) else None


def leave(parts: Parts, key: str, device: str | None) -> Reply:
    """Leave the line before the start is sent. Once it was sent, nothing happens."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    return _leave(parts, found.session) or Reply.NOT_OFFERED


def stop(parts: Parts, key: str, device: str | None) -> Reply:
    """End the charge, also one whose own row cannot be read."""
    try:
        found = _owned(parts, key, device)
    except UnreadableSession as unreadable:
        return _end_blindly(parts, unreadable, Kind.STOP)
    if isinstance(found, Reply):
        return found
    return _end(parts, found, Action.STOP)


def set_limit(parts: Parts, key: str, device: str | None, minor: int | None) -> Reply:
    """Let the charge end at that amount, one of those that are offered; None: only the hold is the limit."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    shown = joined(found.session, found.progress)
    if minor is not None and minor not in {money.minor for money in limits_of(shown, parts.clock.now())}:
        return Reply.WRONG_LIMIT
    if Action.LIMIT not in _actions(parts, found):
        return Reply.NOT_OFFERED
    if minor != found.session.limit_minor:
        parts.store.set_limit(key, minor)
        parts.news.wish(session_topic(key))
    return Reply.DONE


def send_receipt_to(parts: Parts, key: str, device: str | None, email: str) -> Reply:
    """Where else upstream sends the receipt. The last address wins until upstream has one."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    address = sendable(email)
    if address is None:
        return Reply.WRONG_EMAIL
    if not found.session.can_set_email():
        return Reply.TOO_LATE
    return _store_wish(parts, found.session, Kind.RECEIPT_EMAIL, address)


def make_out_to(parts: Parts, key: str, device: str | None, buyer: Buyer | None) -> Reply:
    """Make the receipt out to a company. NOT_OFFERED: there is none yet, or nothing was taken; None: what was typed
    cannot stand on an invoice.
    """
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    if buyer is None:
        return Reply.WRONG_COMPANY
    document = {
        "name": buyer.name,
        "address": "\n".join(buyer.address),
        "vat_number": buyer.vat_number,
        "country": buyer.country,
    }
    if not found.session.taken_minor or not parts.store.add_buyer(key, document, parts.clock.now()):
        return Reply.NOT_OFFERED
    parts.news.publish(session_topic(key))
    return Reply.DONE


def mail_receipt(parts: Parts, key: str, device: str | None, email: str, mail: tuple[str, str]) -> Reply:
    """Send the receipt's address by our own mail server, once to each address. `mail`: its subject and its text.
    TOO_LATE: there is no receipt, no mail server, or it was sent to enough addresses.
    """
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    address = sendable(email)
    if address is None:
        return Reply.WRONG_EMAIL
    if parts.settings.smtp_host is None or found.issued is None:
        return Reply.TOO_LATE
    subject, text = mail
    if not parts.store.ask_mail(key, address, subject, text, parts.clock.now()):
        return Reply.TOO_LATE
    parts.news.wish(session_topic(key))
    return Reply.DONE


def new_take_over(parts: Parts, key: str, device: str | None, *, on_screen: bool = False) -> TakeOverCode | Reply:
    """A one-use code that makes another device an owner too. `on_screen`: the screen on site shows it."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    if Action.MOVE not in _actions(parts, found):
        return Reply.NOT_OFFERED
    made = TakeOverCode(
        "".join(secrets.choice(_CODE_SIGNS) for _ in range(_CODE_LONG)), parts.clock.now() + TAKEOVER_LIFE
    )
    parts.store.new_takeover(key, made.code, made.until, on_screen=on_screen)
    return made


def session_behind(parts: Parts, code: str) -> str | None:
    """The key of the session that the code leads to; None when it was used, is too old or never was. Spends nothing."""
    return parts.store.peek_takeover(code, parts.clock.now())


def take_over(parts: Parts, code: str, device: str) -> str | None:
    """Spend the code: that device is an owner too. The session's key, or None as in `session_behind`."""
    key = parts.store.use_takeover(code, device, parts.clock.now())
    if key is not None:
        parts.news.wish(session_topic(key))
    return key


def handed_over(parts: Parts, key: str, device: str | None) -> tuple[Right, ...] | Reply:
    """The rights of other devices that this one may take back. NOT_OFFERED once the session has ended."""
    found = _owned(parts, key, device)
    if isinstance(found, Reply):
        return found
    if Action.MOVE not in _actions(parts, found) or device is None:
        return Reply.NOT_OFFERED
    mine, others = parts.store.rights_of(key, device)
    return may_be_taken_back(mine, others) if mine is not None else ()


def take_right_back(parts: Parts, key: str, device: str | None, mark: str) -> Reply:
    """That other device may only watch from now on. One-use codes and the six digits that were shown are void.

    NOT_OFFERED: it has no such right any more, or this device may not take it.
    """
    offered = handed_over(parts, key, device)
    if isinstance(offered, Reply):
        return offered
    if device is None or not parts.store.take_right_back(key, device, mark, parts.clock.now()):
        return Reply.NOT_OFFERED
    parts.news.publish(session_topic(key))
    return Reply.DONE


def return_from_bank(parts: Parts, key: str, client_secret: str, device: Callable[[], str]) -> Reply:
    """The return from a bank, perhaps in another browser: the payment's own secret proves who paid, once.

    `device` names that browser, and is asked only when it becomes an owner by this. NOT_OWNER: the secret is wrong.
    After a right was taken back it makes nobody an owner: whoever lost it may have had the payment form, too.
    """
    store, now = parts.store, parts.clock.now()
    session = store.session(key)
    if session is None:
        return Reply.NO_SESSION
    if not proves_payment(parts, key, client_secret):
        return Reply.NOT_OWNER
    if session.known_status is Status.CREATED:
        parts.store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, now)
        parts.news.wish(session_topic(key))
    margin = store.margin(key)
    first = margin is not None and margin.bank_return_at is None and store.times_taken_back(key) == 0
    if first and store.use_bank_return(key, device(), now):
        parts.news.publish(session_topic(key))
    if session.known_status is not Status.CREATED:
        return Reply.NOT_OFFERED
    wait_for_session(parts, key, _moved_from(session), WAIT)
    return Reply.DONE


def provider_says_paid(parts: Parts, key: str) -> None:
    """Stripe tells of money behind this payment: while upstream still waits for it, upstream is asked to look."""
    session = parts.store.session(key)
    if session is not None and payable(session):
        parts.store.ask(key, Kind.CONFIRM, AskedBy.PROVIDER, parts.clock.now())
        parts.news.wish(session_topic(key))


def proves_payment(parts: Parts, key: str, client_secret: str) -> bool:
    """Whoever gives the payment's own secret has had its form."""
    context = parts.store.payment(key)
    return context is not None and hmac.compare_digest(client_secret.encode(), context.client_secret.encode())


def look_for_a_refund(parts: Parts, session: Session) -> None:
    """What was captured may be sent back later, and nobody says so: with a reader the engine asks upstream again.

    Once an hour at most, whatever came of the last look: whoever keeps an old receipt's address may load it for ever.
    Of a session that upstream has forgotten there is nothing to be seen.
    """
    now, seen = parts.clock.now(), session.observed_at
    if session.end is not Status.CAPTURED or session.gone_at is not None or seen is None:
        return
    if now - seen > LOOK_AGAIN_AFTER and parts.store.look_again(session.key, now, LOOK_AGAIN_AFTER):
        parts.news.wish()


def _owned(parts: Parts, key: str, device: str | None) -> ForReader | Reply:
    found = parts.store.for_reader(key, device)
    if found is None:
        return Reply.NO_SESSION
    return found if found.owner else Reply.NOT_OWNER


def _actions(parts: Parts, found: ForReader) -> frozenset[Action]:
    return actions_of(found.session, found.commands, parts.clock.now())


def _unpaid(session: Session) -> bool:
    return session.phase is Phase.OPEN and life_of(session) in UNPAID


def _perhaps_paid(found: ForReader) -> bool:
    """Somebody said that it was paid, and upstream has not looked since: then only its answer to a cancel ends it."""
    asking = any(one.kind is Kind.CONFIRM and one.state in UNDER_WAY for one in found.commands)
    return asking or payment_checked(found.session, found.commands) is False


def _leave(parts: Parts, session: Session) -> Reply | None:
    """DONE when the start still waited and is withdrawn."""
    if session.phase is not Phase.QUEUED or not parts.store.withdraw_start(session.key, parts.clock.now()):
        return None
    parts.news.wish(session_topic(session.key))
    return Reply.DONE


def _end(parts: Parts, found: ForReader, *ways: Action) -> Reply:
    """Want the end by that of `ways` which is offered now. The engine pursues it, so a second press changes little."""
    offered = _actions(parts, found) & set(ways)
    if not offered:
        return Reply.NOT_OFFERED
    kind = Kind.STOP if Action.STOP in offered else Kind.CANCEL
    last = newest(found.commands, kind)
    soon = last is not None and last.ended_at is not None and parts.clock.now() - last.ended_at < PRESSED_TWICE
    reply = Reply.DONE if soon else _ask(parts, found.session, kind)
    unwritten = reply is Reply.DONE and parts.store.unwritten(found.session.key)
    return Reply.UNWRITTEN if unwritten else reply


def _end_blindly(parts: Parts, unreadable: UnreadableSession, kind: Kind) -> Reply:
    """Nobody can say what is offered. The engine asks upstream what would end it, and goes on until it has ended."""
    if not unreadable.owner:
        return Reply.NOT_OWNER
    parts.store.ask(unreadable.key, kind, AskedBy.DRIVER, parts.clock.now())
    parts.news.wish(session_topic(unreadable.key))
    return Reply.UNWRITTEN if parts.store.unwritten(unreadable.key) else Reply.DONE


def _ask(parts: Parts, session: Session, kind: Kind) -> Reply:
    """Store the wish and give the engine a moment for it."""
    reply = _store_wish(parts, session, kind)
    if reply is Reply.DONE:
        wait_for_session(parts, session.key, _moved_from(session), WAIT)
    return reply


def _store_wish(parts: Parts, session: Session, kind: Kind, email: str | None = None) -> Reply:
    try:
        parts.store.ask(session.key, kind, AskedBy.DRIVER, parts.clock.now(), email=email)
    except Missing:  # erased meanwhile
        return Reply.NO_SESSION
    parts.news.wish(session_topic(session.key))
    return Reply.DONE


def _moved_from(before: Session) -> Callable[[Session], bool]:
    return lambda now: now.status != before.status or now.phase is not before.phase
