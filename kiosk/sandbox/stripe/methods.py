"""Payment methods of the stand-in: a documented test card, the one wallet, and the one method that redirects."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kiosk.sandbox.stripe.cards import CARDS, WALLET_TOKENS, DocumentedCard, passes_luhn
from kiosk.sandbox.stripe.problem import StripeProblem

REDIRECT_METHODS = frozenset({"revolut_pay"})


@dataclass(frozen=True)
class PaymentMethod:
    """`card` is set for cards and wallets; `kind` is Stripe's type."""

    method_id: str
    kind: str
    card: DocumentedCard | None = None
    exp_month: int = 12
    exp_year: int = 2034
    wallet: str | None = None

    def details(self) -> dict[str, Any]:
        """The `payment_method_details` of a charge, without what only the charge knows."""
        if self.card is None:
            return {"type": self.kind, self.kind: {}}
        wallet = {"type": self.wallet, "dynamic_last4": self.card.last4} if self.wallet else None
        card = {
            "brand": self.card.brand,
            "last4": self.card.last4,
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "funding": self.card.funding,
            "wallet": wallet,
        }
        return {"type": "card", "card": card}

    def view(self, created: int) -> dict[str, Any]:
        return {"id": self.method_id, "object": "payment_method", "created": created, "livemode": False} | (
            self.details()
        )


def _new_id() -> str:
    return f"pm_{secrets.token_hex(12)}"


def card_method(number: str, exp_month: int, exp_year: int, cvc: str, now: datetime) -> PaymentMethod:
    """A documented test card; raises StripeProblem (402) for any other number, a past date or a short code."""
    digits = number.replace(" ", "")
    year = exp_year + 2000 if exp_year < 100 else exp_year
    if not passes_luhn(digits):
        raise _card_error("incorrect_number", "number", "Your card number is incorrect.")
    if not 1 <= exp_month <= 12:
        raise _card_error("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid.")
    if (year, exp_month) < (now.year, now.month):
        raise _card_error("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid.")
    if not (cvc.isascii() and cvc.isdigit() and len(cvc) in (3, 4)):
        raise _card_error("invalid_cvc", "cvc", "Your card's security code is invalid.")
    card = CARDS.get(digits)
    if card is None:
        raise _card_error(
            "card_declined",
            None,
            "Your card was declined. Your request was in test mode, but used a non test card.",
            decline_code="test_mode_live_card",
        )
    return PaymentMethod(_new_id(), "card", card, exp_month, year)


def wallet_method(token: str) -> PaymentMethod:
    """The card behind a wallet's token."""
    if token not in WALLET_TOKENS:
        raise StripeProblem(400, "No such token.", code="resource_missing", param="card[token]")
    wallet, card = WALLET_TOKENS[token]
    return PaymentMethod(_new_id(), "card", card, wallet=wallet)


def redirect_method(kind: str) -> PaymentMethod:
    if kind not in REDIRECT_METHODS:
        raise StripeProblem(400, f"The sandbox does not do the payment method type: {kind}.", param="type")
    return PaymentMethod(_new_id(), kind)


def _card_error(code: str, param: str | None, message: str, decline_code: str | None = None) -> StripeProblem:
    return StripeProblem(402, message, kind="card_error", code=code, param=param, decline_code=decline_code)
