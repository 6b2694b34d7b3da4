"""The test cards that Stripe documents, and what the pretended bank says to each. Data and card arithmetic only.

No other number is ever accepted, so that nobody's real card can be "taken" by a demo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Authentication(Enum):
    """What 3-D Secure does before the bank is asked."""

    NONE = "none"
    CHALLENGE = "challenge"
    LOOKUP_FAILS = "lookup fails"


@dataclass(frozen=True)
class Refusal:
    """Stripe's `code` and, for plain declines, its `decline_code`."""

    code: str
    decline_code: str | None = None


@dataclass(frozen=True)
class DocumentedCard:
    number: str
    brand: str
    funding: str = "credit"
    authentication: Authentication = Authentication.NONE
    refusal: Refusal | None = None

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _declined(decline_code: str) -> Refusal:
    return Refusal("card_declined", decline_code)


_ASKS = Authentication.CHALLENGE

CARDS: Mapping[str, DocumentedCard] = MappingProxyType(
    {
        card.number: card
        for card in (
            DocumentedCard("4242424242424242", "visa"),
            DocumentedCard("4000056655665556", "visa", "debit"),
            DocumentedCard("5555555555554444", "mastercard"),
            DocumentedCard("378282246310005", "amex"),
            DocumentedCard("4000000000003055", "visa"),
            DocumentedCard("4000000000000002", "visa", refusal=_declined("generic_decline")),
            DocumentedCard("4000000000009995", "visa", refusal=_declined("insufficient_funds")),
            DocumentedCard("4000000000009987", "visa", refusal=_declined("lost_card")),
            DocumentedCard("4000000000009979", "visa", refusal=_declined("stolen_card")),
            DocumentedCard("4000000000006975", "visa", refusal=_declined("card_velocity_exceeded")),
            DocumentedCard("4000000000000069", "visa", refusal=Refusal("expired_card")),
            DocumentedCard("4000000000000127", "visa", refusal=Refusal("incorrect_cvc")),
            DocumentedCard("4000000000000119", "visa", refusal=Refusal("processing_error")),
            DocumentedCard("4100000000000019", "visa", refusal=_declined("fraudulent")),
            DocumentedCard("4000002500003155", "visa", authentication=_ASKS),
            DocumentedCard("4000002760003184", "visa", authentication=_ASKS),
            DocumentedCard("4000000000003220", "visa", authentication=_ASKS),
            DocumentedCard("4000008260003178", "visa", authentication=_ASKS, refusal=_declined("insufficient_funds")),
            DocumentedCard("4000008400001629", "visa", authentication=_ASKS, refusal=_declined("generic_decline")),
            DocumentedCard(
                "4000008400001280",
                "visa",
                authentication=Authentication.LOOKUP_FAILS,
                refusal=_declined("generic_decline"),
            ),
        )
    }
)

# A wallet hands over a token, never a number. These are the stand-in's own, one for each wallet that it shows.
WALLET_TOKENS: Mapping[str, tuple[str, DocumentedCard]] = MappingProxyType(
    {"tok_sandbox_google_pay": ("google_pay", CARDS["4242424242424242"])}
)


def passes_luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812, for numbers of 12 to 19 digits."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
