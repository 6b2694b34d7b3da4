"""The session that is rehearsed: one of our own at Plugchoice, or one that a person started in the kiosk.

A session that the tool starts cannot be paid by a person, because its payment context must not be shown. So with real
money the person starts and pays in the kiosk, and the rehearsal follows what the kiosk has stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kiosk.clock import Clock
from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.session import Observation, PaymentContext, Phase, Session, fold
from kiosk.store import Store
from kiosk.upstream.errors import NotSent, Refused
from kiosk.upstream.plugchoice.public import PlugchoicePublic


class Ride(Protocol):
    """`read` is None until there is a session. All may raise UpstreamError."""

    @property
    def secrets(self) -> tuple[str, ...]: ...

    @property
    def lost(self) -> bool:
        """A start was sent and nobody knows what came of it."""

    def begin(self) -> None: ...

    def read(self) -> Session | None: ...

    def stop(self) -> None: ...

    def cancel(self) -> None: ...


class OwnRide:
    """Started by the rehearsal, read from Plugchoice."""

    def __init__(self, public: PlugchoicePublic, clock: Clock, code: str, connector_id: int) -> None:
        self._public = public
        self._clock = clock
        self._place = code, connector_id
        self._token: str | None = None
        self._session = Session("rehearsal", code, connector_id, Phase.QUEUED, clock.now())
        self.lost = False
        self.payment: PaymentContext | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        payment = self.payment.client_secret if self.payment is not None else None
        return tuple(secret for secret in (self._token, payment) if secret is not None)

    def begin(self) -> None:
        """Never sent again when it is `lost`: a session may exist that nobody has the token of."""
        self.lost = True  # also when Ctrl-C comes before the answer
        try:
            started = self._public.start(*self._place)
        except (NotSent, Refused):
            self.lost = False
            raise
        self._token, self.payment = started.token, started.observation.payment
        self.lost = False
        self._fold(started.observation)

    def read(self) -> Session | None:
        return self._ask(self._public.get_session)

    def confirm(self) -> None:
        """Let Plugchoice look at the payment at once."""
        self._ask(self._public.confirm)

    def stop(self) -> None:
        self._ask(self._public.stop)

    def cancel(self) -> None:
        self._ask(self._public.cancel)

    def _ask(self, call: Callable[[str], Observation]) -> Session | None:
        return self._fold(call(self._token)) if self._token is not None else None

    def _fold(self, seen: Observation) -> Session:
        self._session, _ = fold(self._session, seen)
        return self._session


class KioskRide:
    """Started and paid by a person in the kiosk; the kiosk's engine does the asking, this only reads and writes its
    store. So nothing of the kiosk's budgets is used up."""

    def __init__(self, store: Store, clock: Clock, code: str, connector_id: int) -> None:
        self._store = store
        self._clock = clock
        self._place = code, connector_id
        self._key: str | None = None
        self.lost = False

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._key,) if self._key is not None else ()

    def begin(self) -> None:
        """Nothing is sent: the person in front of the kiosk begins. Refused when somebody has begun already."""
        if self._store.session_at(*self._place) is not None:
            raise Refused(Refusal.CONNECTOR_BUSY, "another driver has a session there")

    def read(self) -> Session | None:
        """The first session that keeps the bay, then that one alone. None while upstream does not know it."""
        if self._key is None:
            found = self._store.session_at(*self._place)
            if found is None or found.phase is not Phase.OPEN:
                return None
            self._key = found.key
        return self._store.session(self._key)

    def stop(self) -> None:
        self._ask(Kind.STOP)

    def cancel(self) -> None:
        self._ask(Kind.CANCEL)

    def _ask(self, kind: Kind) -> None:
        """The engine sends it on its next round. The person who rehearses is the driver."""
        assert self._key is not None  # noqa: S101 - nobody stops what was never read
        self._store.ask(self._key, kind, AskedBy.DRIVER, self._clock.now())
