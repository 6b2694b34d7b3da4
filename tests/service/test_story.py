"""Every kind of thing that happens to a session has its sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kiosk.domain.attention import Act, Attention
from kiosk.domain.handling import Did
from kiosk.domain.money import Money
from kiosk.service.entries import (
    Entry,
    HandedOver,
    Hinted,
    NotFound,
    Noticed,
    Owned,
    RefundAsked,
    RefundEnded,
    RefundSent,
    SeenTo,
    Settled,
    TakenBack,
    TakeOverLapsed,
)
from kiosk.service.story import exactly, sentence, time_text

AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
WHY = next(iter(Attention))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (HandedOver(AT, "hall", AT), "the tablet hall, which had shown it since 2026-11-20 14:00:00+01:00"),
        (NotFound(AT, False), "which may be a slip"),
        (NotFound(AT, True), "it counts as lost"),
        (Hinted(AT, None), "waits for the next read"),
        (Hinted(AT, "payment_intent.succeeded"), "webhook said payment_intent.succeeded"),
        (Owned(AT, "bank"), "by coming back from the bank"),
        (TakenBack(AT, "code"), "with the six digits at the tablet"),
        (TakeOverLapsed(AT), "nobody used it in time"),
        (RefundAsked(AT, Money(300, "EUR"), "kim"), "kim asked at the desk to send 3.00 EUR back"),
        (RefundSent(AT, Money(300, "EUR")), "The refund of 3.00 EUR was sent to Stripe for the first time"),
        (RefundEnded(AT, Money(300, "EUR"), True, "sent back"), "The refund of 3.00 EUR is done"),
        (RefundEnded(AT, Money(300, "EUR"), False, "no card"), "The refund of 3.00 EUR came to nothing: no card."),
        (RefundEnded(AT, Money(300, "EUR"), False, None), "The refund of 3.00 EUR came to nothing."),
        (Noticed(AT, WHY, next(iter(Act)), Money(947, "EUR")), "9.47 EUR at stake"),
        (Noticed(AT, WHY, next(iter(Act)), None), "A person should look at it"),
        (Settled(AT, WHY), "nobody need look"),
        (
            SeenTo(AT, WHY, "kim", Did.SET_ASIDE, AT, "later"),
            "kim set it aside until 2026-11-20 14:00:00+01:00, and wrote",
        ),
        (SeenTo(AT, WHY, "kim", Did.OWNED, None, None), "kim took it. It was about this"),
    ],
)
def test_each_says_what_happened(entry: Entry, said: str) -> None:
    assert said in sentence(entry, exactly(BERLIN))


def test_what_nobody_knows_is_called_unknown() -> None:
    assert time_text(None, exactly(BERLIN)) == "unknown"
