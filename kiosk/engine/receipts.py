"""Writes the receipt the moment a session is final: upstream's token expires, the receipt does not.

The document keeps the seller as they were on that day, and is revised (never replaced silently) when a proof of
release or a refund arrives.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from kiosk.domain.bill import Why
from kiosk.domain.money import Money
from kiosk.domain.receipt import Receipt, receipt_of
from kiosk.domain.session import Session
from kiosk.engine.context import Context


def issue(context: Context, session: Session) -> None:
    """Issue or revise the receipt of an end. Nothing happens before one, or when it has not changed."""
    receipt = receipt_of(session)
    if receipt is None:
        return
    document = {"seller": dict(context.seller(session)), **document_of(session, receipt)}
    stored = context.store.receipt(session.key)
    if stored is not None:
        # The seller of the day of issue stays, whatever the configuration says later.
        document["seller"] = stored.document.get("seller", document["seller"])
        if "buyer" in stored.document:
            document["buyer"] = stored.document["buyer"]
        if stored.document == document:
            return
    context.store.issue_receipt(session.key, document, context.clock.now())


def document_of(session: Session, receipt: Receipt) -> dict[str, Any]:
    """The receipt as JSON: amounts in minor units with currency, energy as decimal text, times as ISO 8601 UTC."""
    document = {
        "session": {"code": session.code, "connector_id": session.connector_id, "charger_name": session.charger_name},
        "status": receipt.status.value,
        "held": _money(receipt.held),
        "held_at": _time(receipt.held_at),
        "taken": _money(receipt.taken),
        "taken_at": _time(receipt.taken_at),
        "given_back": _money(receipt.given_back),
        "given_back_at": _time(receipt.given_back_at),
        "tax": _money(receipt.tax),
        "energy_kwh": _decimal(receipt.energy_kwh),
        "started_at": _time(receipt.started_at),
        "ended_at": _time(receipt.ended_at),
        "lines": [
            {
                "component": line.component.value,
                "quantity": _decimal(line.quantity),
                "unit_price": _money(line.unit_price),
                "amount": _money(line.amount),
            }
            for line in receipt.lines
        ],
        "unexplained": _money(_unexplained(receipt)),
        "card": {"brand": receipt.card_brand, "last4": receipt.card_last4} if receipt.card_last4 else None,
    }
    # Only when there is something to say, so that no receipt of an earlier release changes.
    more = {
        "adjustment": {"why": receipt.adjustment.why.value, "amount": _money(receipt.adjustment.amount)}
        if receipt.adjustment is not None
        else None,
        "sent_back": [
            {"amount": _money(one.amount), "at": _time(one.at), "by": "payment" if one.by_record else "back_office"}
            for one in receipt.sent_back
        ],
        "over": _money(receipt.over),
        "by": "payment" if receipt.by_record else None,
        "last_figure": receipt.last_figure or None,
        "later_price": _price(session),
    }
    return document | {name: value for name, value in more.items() if value}


def _unexplained(receipt: Receipt) -> Money | None:
    """What neither price and energy nor the hold nor rounding explains."""
    adjustment = receipt.adjustment
    return adjustment.amount if adjustment is not None and adjustment.why is Why.OTHER else None


def _price(session: Session) -> dict[str, Any] | None:
    """Another price than that of the start, which a later answer gave."""
    other = session.later_tariff
    if other is None:
        return None
    return {component.value: _money(price) for component, price in other.components()}


def _money(money: Money | None) -> dict[str, Any] | None:
    return {"minor": money.minor, "currency": money.currency} if money is not None else None


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _decimal(number: Decimal | None) -> str | None:
    return format(number, "f") if number is not None else None
