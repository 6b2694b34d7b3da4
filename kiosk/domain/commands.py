"""What the kiosk may ask of upstream, who asked, and how it ended: done, refused or unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    START = "start"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    STOP = "stop"
    RECEIPT_EMAIL = "receipt_email"


class CommandState(StrEnum):
    """WAITING may be withdrawn; SENT without an end after a restart is UNKNOWN."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


UNDER_WAY = frozenset({CommandState.WAITING, CommandState.SENT})
"""A command that was asked for and has no end yet."""


class AskedBy(StrEnum):
    """DRIVER: somebody at this kiosk. OPERATOR: somebody at the desk. The rest is the kiosk itself: why it asks."""

    DRIVER = "driver"
    OPERATOR = "operator"
    PROVIDER = "provider"  # the payment provider says that it was paid
    KIOSK = "kiosk"  # it looks whether somebody has paid
    START_DEADLINE = "start_deadline"
    POWER_DEADLINE = "power_deadline"
    LIMIT = "limit"
    HOLD = "hold"
    WAITED = "waited"
    UNPAID = "unpaid"


PEOPLE = frozenset({AskedBy.DRIVER, AskedBy.OPERATOR})
"""What they want is pursued to its effect, and no rule of the kiosk's takes it back."""


REPEATABLE = frozenset({Kind.CONFIRM, Kind.CANCEL, Kind.STOP, Kind.RECEIPT_EMAIL})
"""May be sent again after a read shows that the effect is missing. A start may not: it could hold a second amount."""


ENDS = frozenset({Kind.STOP, Kind.CANCEL})
PURSUED = ENDS | {Kind.CONFIRM}
"""Sent again until a reading shows the effect, each sending as a command of its own: see `kiosk.domain.pursuit`."""


class Refusal(StrEnum):
    """Why upstream (or the kiosk, before asking) said no. Each has one sentence and one next step on the page."""

    CHARGER_OFFLINE = "charger_offline"
    CONNECTOR_BUSY = "connector_busy"
    UNKNOWN_CONNECTOR = "unknown_connector"
    UNKNOWN_CHARGER = "unknown_charger"
    TOO_MANY = "too_many"
    CHARGER_FULL = "charger_full"  # this charger takes no more starts for now; upstream has such a limit an hour
    NOBODY_WATCHED = "nobody_watched"  # its turn came late, and nobody had its page open
    TERMS_CHANGED = "terms_changed"  # price or hold changed while it waited
    NOT_NOW = "not_now"
    INVALID = "invalid"
    UPSTREAM_DOWN = "upstream_down"


UNUSABLE = "an answer that could not be used"
"""How the detail of a start begins that was answered all the same: its session is given back."""
ASIDE = frozenset({Refusal.NOBODY_WATCHED, Refusal.TERMS_CHANGED})
"""Why a start that waited was put aside. Its driver takes it up again by one tap, in its own place."""


@dataclass(frozen=True, slots=True)
class Wish:
    """That a session shall end: what was asked for (a stop or a cancel), by whom, and when it was asked first.

    It stands on the session until its effect is seen; `kiosk.domain.pursuit` derives from it what is sent.
    """

    kind: Kind
    asked_by: AskedBy
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Command:
    """One stored wish. The address of a RECEIPT_EMAIL is not in it: the store hands it to the sender alone."""

    id: int
    session_key: str = field(repr=False)
    kind: Kind
    asked_by: AskedBy
    asked_at: datetime
    state: CommandState
    attempts: int = 0
    not_before: datetime | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    refusal: Refusal | None = None
    detail: str | None = None
