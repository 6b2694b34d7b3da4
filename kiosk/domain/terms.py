"""The terms of a start as one word: price and hold as a driver read them. It comes back with their consent."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kiosk.domain.money import Money
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff

_FORM = re.compile(r"([A-Z]{3})-(\d{1,12})-(\d{1,12})-(\d{1,12})")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a driver agrees to before any card field."""

    tariff: Tariff
    hold: Money

    @property
    def word(self) -> str:
        return terms_of(self.tariff, self.hold)


def terms_of(tariff: Tariff | None, hold: Money | None) -> str:
    """Price and hold as one word, "" when one of them is not known."""
    if tariff is None or hold is None:
        return ""
    return f"{tariff.currency}-{tariff.price_per_kwh_minor}-{tariff.start_fee_minor}-{hold.minor}"


def read_terms(word: str | None) -> Terms | None:
    """The terms behind a word of `terms_of`; None for any other text."""
    found = _FORM.fullmatch(word or "")
    if found is None:
        return None
    currency, price, fee, hold = found[1], int(found[2]), int(found[3]), int(found[4])
    try:
        return Terms(Tariff(currency, price, fee), Money(hold, currency))
    except ValueError:
        return None


def terms_now(session: Session) -> Terms | None:
    """What this session costs and holds by what is known now; None when price or hold is not known."""
    hold = session.money(session.hold_minor)
    return Terms(session.tariff, hold) if session.tariff is not None and hold is not None else None


def asks_consent(session: Session) -> bool:
    """It is to be paid, and not on the terms that its driver read: they must agree again, before any card field.

    A session from before terms were kept, or without a price or a hold, has nothing to compare.
    """
    if session.phase is not Phase.OPEN or session.known_status is not Status.CREATED or session.given_up:
        return False
    now = terms_now(session)
    return session.agreed is not None and now is not None and now.word != session.agreed
