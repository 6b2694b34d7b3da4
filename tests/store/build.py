"""Sessions, observations and helpers that the store's tests are made of."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from kiosk.domain.commands import Command
from kiosk.domain.session import Observation, PaymentContext, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.store import Store

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
PAYMENT = PaymentContext("pi_3Abc_secret_Sesame", "pk_test_1", "acct_1")
TARIFF = Tariff("EUR", 49, 35)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def queued(key: str = "key-1", code: str = "ABC", connector_id: int = 1, **more: Any) -> Session:
    known = {"requested_at": NOW, "tariff": TARIFF, "hold_minor": 5000, **more}
    return Session(key=key, code=code, connector_id=connector_id, phase=Phase.QUEUED, **known)


def seen(status: str | None, at: float = 10, **more: Any) -> Observation:
    return Observation(asked_at=later(at), seen_at=later(at + 0.25), status=status, **more)


def whole_end(at: float = 60, minor: int = 525, **more: Any) -> Observation:
    """An end with all of its figures."""
    whole = {"captured_minor": minor, "captured_at": later(at), "energy_kwh": Decimal("10"), **more}
    return seen("captured", at, **whole)


def charging(at: float, energy: str = "1.5", **more: Any) -> Observation:
    return seen(
        "charging", at, charger_online=True, tariff=TARIFF, authorized_minor=5000, energy_kwh=Decimal(energy), **more
    )


def stored(store: Store, session: Session | None = None, device: str = "phone") -> Command:
    return store.create(session or queued(), device=device, now=NOW)


def opened(store: Store, session: Session | None = None, *, device: str = "phone", token: str = "token-1") -> str:
    """The key of a session that upstream has made and that waits for the payment."""
    asked = stored(store, session, device)
    assert store.claim(asked.id, later(1))
    store.start_done(asked.id, token, seen("created", 2, tariff=TARIFF, payment=PAYMENT), later(3))
    return asked.session_key


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """What `work(0)` to `work(count - 1)` return or raise when all run at the same moment."""
    start = threading.Barrier(count)
    outcomes: list[T | Exception] = [RuntimeError("did not run")] * count

    def run(number: int) -> None:
        start.wait()
        try:
            outcomes[number] = work(number)
        except Exception as error:  # noqa: BLE001
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
