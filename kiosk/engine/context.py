"""What the engine's parts share: the store, the clock, the outside systems and the rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event, Lock
from typing import Any, Literal, Protocol

from kiosk.clock import Clock
from kiosk.domain.commands import Command
from kiosk.domain.limits import Policy
from kiosk.domain.money import Money
from kiosk.domain.refunding import Sent
from kiosk.domain.session import Event as FoldEvent
from kiosk.domain.session import HoldProof, Session
from kiosk.domain.telling import Notice, Receiver, Why
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import News
from kiosk.store.cipher import Cipher
from kiosk.store.exceptions import Listed
from kiosk.store.store import Store
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.errors import NotSent, UpstreamError
from kiosk.upstream.notice.client import Herald
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.pictures import Pictures
from kiosk.upstream.plugchoice.budget import Budgets
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic
from kiosk.upstream.shelf.monthly import NightlyPlan
from kiosk.upstream.smtp.client import Mailer

log = logging.getLogger(__name__)

WHILE_RESTING = timedelta(seconds=1)
"""How often it is asked whether an outside system that is down may be tried again."""


class Proofs(Protocol):
    """Reads what the payment provider says of a hold."""

    def proof(self, intent_id: str, account: str) -> HoldProof: ...


class Refunding(Protocol):
    """Has parts of a payment sent back, and says what was."""

    def of(self, intent_id: str, account: str | None) -> list[Sent]: ...

    def send(self, intent_id: str, account: str | None, amount: Money, key: str) -> Sent: ...


class Ended(Exception):
    """The engine has stopped, and somebody else may lead by now."""


class OpenStore:
    """The store until `ended` is set. What comes later than that finds it shut: Ended, and nothing is written."""

    def __init__(self, store: Store, ended: Event) -> None:
        self._store = store
        self._ended = ended

    def __getattr__(self, name: str) -> Any:
        if self._ended.is_set():
            raise Ended
        return getattr(self._store, name)


OnEvent = Callable[[FoldEvent, Session], None]
"""Told of everything that a fold noticed, with the session as it then stands: for counters."""


Side = Literal["server", "client", "internal"]


class Spans(Protocol):
    """Told of what the engine does and how long it takes: see `kiosk.eyes.traces.Traces`."""

    def record(
        self, name: str, seconds: float, side: Side = "internal", *, failed: bool = False, **said: object
    ) -> None: ...

    def span(self, name: str, **said: object) -> AbstractContextManager[None]: ...


OnCommand = Callable[[Command], None]
"""Told of every command that has ended, as it then stands: for counters."""
FuseKw = Callable[[Session], Decimal | None]
"""What the fuses of the site leave the connector of a charging session, in kW; None when that is not known."""
Seller = Callable[[Session], Mapping[str, Any]]
"""Who sells at the charger of a session: name, address, VAT number, as they stand on the day of the receipt."""


BreaksPriceRule = Callable[[], Mapping[str, bool | None]]
"""By code: whether a charger's price, as last read, breaks a rule (EU-05); None, nobody can tell now."""


MakeNotice = Callable[[Sequence[Listed], Why, datetime], Notice]
"""The words of a message about these rows of the list."""


def nobody_tells() -> Mapping[str, bool | None]:
    return {}


class Health:
    """Whether an outside system answers. The first failure and the recovery are logged, not every miss."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._failures = 0
        self._retry_at: datetime | None = None

    def failed(self, now: datetime, reason: str | UpstreamError) -> None:
        """What we kept back ourselves says nothing of it, and counts as nothing."""
        if isinstance(reason, NotSent) and reason.ours:
            return
        with self._lock:
            self._failures += 1
            failures = self._failures
            if failures >= 3:
                self._retry_at = now + timedelta(seconds=min(2 ** (failures - 2), 30))
        if failures == 1:
            log.warning("%s does not answer", self._name, extra={"reason": str(reason)})

    def answered(self) -> None:
        with self._lock:
            failures, self._failures, self._retry_at = self._failures, 0, None
        if failures:
            log.info("%s answers again", self._name, extra={"failures": failures})

    def resting(self, now: datetime) -> bool:
        """After three failures in a row routine reads pause; what a driver asks for is sent all the same."""
        with self._lock:
            return self._retry_at is not None and now < self._retry_at


def about(session: Session) -> dict[str, str]:
    """What a line of the log needs to say whose it is. The log shows the key as the session's mark only."""
    return {"session": session.key, "code": session.code}


def note_end(context: Context, command_id: int) -> None:
    """Tell whoever counts, if that command has ended. It may as well wait again. To count must cost nobody anything."""
    if context.on_command is None:
        return
    try:
        command = context.store.command(command_id)
        if command.ended_at is not None:
            context.on_command(command)
    except Exception as error:  # noqa: BLE001 - what follows the end of a command has to follow
        log.warning("a command was not counted", extra={"reason": type(error).__name__})


def the_session(store: Store, key: str) -> Session:
    """The session of a command or a read. Raises LookupError: a command without one cannot have been stored."""
    session = store.session(key)
    if session is None:
        raise LookupError("there is no such session")
    return session


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """Which file is copied, into which folder, how often, and how many copies stay."""

    database: Path
    folder: Path
    every: timedelta
    keep: int
    cipher: Cipher = field(repr=False)


@dataclass(frozen=True)
class Context:
    clock: Clock
    store: Store
    news: News
    public: PlugchoicePublic
    budgets: Budgets
    seller: Seller
    policy: Policy = field(default_factory=Policy)
    personal_data_lives: timedelta = timedelta(days=30)
    readings_live: timedelta = timedelta(days=400)
    proofs: Proofs | None = None
    refunds: Refunding | None = None
    health: Health = field(default_factory=lambda: Health("the back office"))
    sites: tuple[SitePlan, ...] = ()
    operator: PlugchoiceOperator | None = None
    pilot: ChargePilot | None = None
    lab: Ocpplab | None = None
    pictures: Pictures | None = None
    mailer: Mailer | None = None
    herald: Herald | None = None
    receivers: tuple[Receiver, ...] = ()
    notice: MakeNotice | None = None
    fuse_kw: FuseKw | None = None
    on_event: OnEvent | None = None
    on_command: OnCommand | None = None
    spans: Spans | None = None
    backups: BackupPlan | None = None
    nightly: NightlyPlan | None = None
    breaks_price_rule: BreaksPriceRule = nobody_tells
    learns_own_chargers: bool = False
    """Whether it reads which chargers the operator's token sees, besides those of `sites`."""
