"""Stripe's objects as they stand on the wire: intents, charges, refunds and events, and what a browser may see."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import stripe

from kiosk.sandbox.stripe.methods import PaymentMethod

PLATFORM = "acct_platform"
# Customer-initiated card authorisations: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
HOLD_SECONDS = 7 * 24 * 3600

# Revolut Pay takes only these: https://docs.stripe.com/payments/revolut-pay
_REVOLUT_CURRENCIES = frozenset({"eur", "gbp", "ron", "huf", "pln", "dkk"})
_SEEN_BY_BROWSER = re.findall(
    r"\w+",
    "id object amount automatic_payment_methods canceled_at cancellation_reason capture_method client_secret "
    "confirmation_method created currency description last_payment_error livemode next_action payment_method "
    "payment_method_types processing receipt_email setup_future_usage shipping status",
)


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def new_intent(
    *, amount: int, currency: str, capture_method: str, created: int, methods: Sequence[str] | None
) -> dict[str, Any]:
    intent_id = new_id("pi")
    offered = [*methods] if methods else ["card"]
    if methods is None and currency in _REVOLUT_CURRENCIES:
        offered.append("revolut_pay")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": offered,
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
    }


def new_charge(intent: Mapping[str, Any], method: PaymentMethod, created: int) -> dict[str, Any]:
    """An authorised, uncaptured charge."""
    details = method.details()
    if "card" in details:
        details["card"]["capture_before"] = created + HOLD_SECONDS
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "created": created,
        "currency": intent["currency"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method.method_id,
        "payment_method_details": details,
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,  # the stand-in writes no receipts, and a dead link would be worse than none
        "refunded": False,
        "status": "succeeded",
    }


def new_refund(charge: Mapping[str, Any], amount: int, created: int, reason: str | None) -> dict[str, Any]:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }


def new_event(event_type: str, subject: Mapping[str, Any], account: str, created: int) -> dict[str, Any]:
    event = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": stripe.api_version,
        "created": created,
        "data": {"object": copy.deepcopy(dict(subject))},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }
    return event if account == PLATFORM else {**event, "account": account}


def browser_view(intent: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a PaymentIntent that a publishable key gets: no charge, no capturable amount, no metadata."""
    return {name: copy.deepcopy(intent[name]) for name in _SEEN_BY_BROWSER}


def new_domain(name: str, created: int) -> dict[str, Any]:
    """A payment method domain with every wallet active."""
    wallets = ("amazon_pay", "apple_pay", "google_pay", "klarna", "link", "paypal")
    return {
        "id": f"pmd_{secrets.token_hex(12)}",
        "object": "payment_method_domain",
        "created": created,
        "domain_name": name,
        "livemode": False,
        **{wallet: {"status": "active"} for wallet in wallets},
    }
