"""The session that is rehearsed: one of our own at Plugchoice, or one of our own in the kiosk.

A session that the tool starts at Plugchoice cannot be paid by a person, because its payment context must not be shown.
So with real money the tool starts one in the kiosk, a person takes it over in a browser and pays there, and the
rehearsal follows what the kiosk has stored. A ride only ever touches the session that its own `begin` made.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from kiosk.clock import Clock
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.session import Observation, PaymentContext, Phase, Session, fold
from kiosk.store import Store
from kiosk.store.errors import BayTaken
from kiosk.upstream.errors import NotSent, Refused
from kiosk.upstream.plugchoice.public import PlugchoicePublic


class Ride(Protocol):
    """`read` is None until `begin` has made a session, and is never about another one. All may raise UpstreamError."""

    @property
    def secrets(self) -> tuple[str, ...]: ...

    @property
    def lost(self) -> bool:
        """A start was sent and nobody knows what came of it."""

    def begin(self, card: ChargerCard) -> None:
        """`card` is what was read of the charger just before."""

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

    def begin(self, card: ChargerCard) -> None:  # noqa: ARG002 - Plugchoice knows its own price
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
    """Started by the rehearsal in the kiosk, as a driver's phone would, and paid by a person who takes it over with a
    one-use code; the kiosk's engine does the asking, this only reads and writes its store. So nothing of the kiosk's
    budgets is used up, and no session but this one is ever read, stopped or cancelled here."""

    def __init__(self, store: Store, clock: Clock, code: str, connector_id: int, life: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._place = code, connector_id
        self._life = life
        self._key: str | None = None
        self.code = ""
        """Makes one browser an owner of the session, once. Nobody has it before `begin` went well."""
        self.lost = False

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self._key, self.code)))

    def begin(self, card: ChargerCard) -> None:
        """Store the session and its start. Refused when the bay is kept: the store lets one session have it."""
        now = self._clock.now()
        session = Session(
            secrets.token_urlsafe(16),
            *self._place,
            Phase.QUEUED,
            now,
            charger_name=card.name,
            tariff=card.tariff,
            hold_minor=card.preauth_minor,
        )
        try:
            self._store.create(session, device=secrets.token_urlsafe(32), now=now)
        except BayTaken:
            raise Refused(Refusal.CONNECTOR_BUSY, "another driver has a session there") from None
        self._key = session.key
        code = secrets.token_urlsafe(16)
        self._store.new_takeover(session.key, code, now + self._life)
        self.code = code

    def read(self) -> Session | None:
        """The session that `begin` stored; None before. Raises Refused when its start was."""
        session = self._store.session(self._key) if self._key is not None else None
        if session is not None and session.phase is Phase.REFUSED:
            raise Refused(session.refusal or Refusal.NOT_NOW)
        self.lost = session is not None and session.phase is Phase.NO_ANSWER
        return session

    def stop(self) -> None:
        self._ask(Kind.STOP)

    def cancel(self) -> None:
        if self._key is not None and not self._store.withdraw_start(self._key, self._clock.now()):
            self._ask(Kind.CANCEL)

    def _ask(self, kind: Kind) -> None:
        """The engine sends it on its next round. The person who rehearses is the driver."""
        if self._key is not None:
            self._store.ask(self._key, kind, AskedBy.DRIVER, self._clock.now())
