"""What the interface says of sessions, receipts and rows of the queue, as `description` has it.

Nothing of it opens a session: no key, no token, no client secret, no e-mail address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from kiosk.domain.money import Money, shown_decimals
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Session
from kiosk.service.desk_sessions import Whole
from kiosk.service.entries import Timeline
from kiosk.service.queue import Case
from kiosk.service.story import exactly, sentence
from kiosk.store.finding import FoundSession
from kiosk.store.records import ReceiptRevision, StoredReceipt
from kiosk.web.shared.formats import stamp
from kiosk.web.shared.parts import parts

Json = Mapping[str, Any]


def amount(money: Money | None) -> Json | None:
    """Minor units with their currency, and the same as people write it; None is unknown, which is not zero."""
    if money is None:
        return None
    exact, decimals = money.major, shown_decimals(money.currency)
    shown = round(exact, decimals)
    return {"minor": money.minor, "currency": money.currency, "amount": f"{shown if shown == exact else exact:f}"}


def time(moment: datetime | None) -> str | None:
    return stamp(moment) if moment is not None else None


def energy(kwh: Decimal | None) -> str | None:
    """As decimal text: no figure is rounded on the way."""
    return f"{kwh:f}" if kwh is not None and kwh.is_finite() else None


def listed(found: FoundSession) -> dict[str, Any]:
    """A session as a list has it."""
    one, book = found.session, parts().site
    site, receipt = book.site_of(one.code), receipt_of(one)
    return {
        "number": found.number,
        "charger": one.code,
        "connector": one.connector_id,
        "bay": book.bay_label(one.code, one.connector_id),
        "site": site.id if site is not None else None,
        "time_zone": book.zone(one.code).key,
        "phase": one.phase.value,
        "status": one.status,
        "final": one.final,
        "requested_at": time(one.requested_at),
        "charging_started_at": time(one.charging_started_at),
        "completed_at": time(one.completed_at),
        "ended_at": time(found.ended_at),
        "energy_kwh": energy(one.energy_kwh),
        "cost": amount(one.money(one.cost_minor)),
        "held": amount(receipt.held if receipt is not None else one.money(one.authorized_minor)),
        "taken": amount(receipt.taken if receipt is not None else one.money(one.captured_minor)),
        "released": amount(receipt.given_back if receipt is not None else None),
        "sent_back": amount(_sent_back(one)),
        "card_last4": one.proof.card_last4 if one.proof is not None else None,
    }


def told(found: FoundSession, shown: Whole) -> dict[str, Any]:
    """One session with its story, and what Stripe itself has said of it."""
    story, proof, one = shown.told, found.session.proof, found.session
    return {
        **listed(found),
        "mark": story.mark,
        "receipt": story.receipt_number,
        "payment_intent": story.intent_id,
        "proof": None
        if proof is None
        else {
            "read_at": time(proof.checked_at),
            "status": proof.intent_status,
            "held": amount(one.money(proof.capturable_minor)),
            "received": amount(one.money(proof.received_minor)),
            "sent_back": amount(one.money(proof.refunded_minor)),
            "ended": proof.ended,
        },
        "story": _story(story),
    }


def receipt(stored: StoredReceipt, earlier: Sequence[ReceiptRevision]) -> dict[str, Any]:
    """The receipt of today, and what it said before each revision."""
    return {
        "number": stored.number,
        "issued_at": time(stored.issued_at),
        "revised_at": time(stored.revised_at),
        "document": stored.document,
        "earlier": [{"until": time(one.replaced_at), "document": one.document} for one in earlier],
    }


def row(case: Case) -> dict[str, Any]:
    """A row of the queue."""
    matter = case.row.matter
    site = parts().site.site_of(matter.code)
    return {
        "number": case.id,
        "kind": matter.kind.value,
        "what": case.what,
        "level": case.row.level.value,
        "charger": matter.code,
        "bay": case.bay,
        "site": site.id if site is not None else None,
        "session": case.mark,
        "amount": amount(case.amount),
        "since": time(matter.since),
        "noticed_at": time(case.row.noticed_at),
        "closed_at": time(case.row.closed_at),
        "owner": case.row.handling.owner,
        "set_aside_until": time(case.row.handling.aside_until),
        "act": matter.act.value,
    }


def _sent_back(session: Session) -> Money | None:
    """What was sent back of it in all; None before an end, or when nobody can say."""
    found = receipt_of(session)
    if found is None or found.taken is None:
        return None
    return Money(sum(one.amount.minor for one in found.sent_back), found.taken.currency)


def _story(story: Timeline) -> list[dict[str, Any]]:
    tell = exactly(parts().site.zone(story.session.code))
    return [{"at": time(entry.at), "text": sentence(entry, tell)} for entry in story.entries]
