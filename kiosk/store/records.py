"""Records that only the store makes: stored observations, receipts and other evidence of a session, a site's tablets
and what they hand over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kiosk.domain.asking import Problem
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Command
from kiosk.domain.fuses import FuseTree
from kiosk.domain.pace import Pace
from kiosk.domain.progress import Progress
from kiosk.domain.session import Observation, Session


class StoredCard(NamedTuple):
    """What is kept of a charger. `problem`: why the last read failed, None: it did not. `pace` is how often it reports
    its meter, as far as that was seen.
    """

    card: ChargerCard | None
    problem: Problem | None
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """`seen` is what was observed, without the payment context and the e-mail, which are never stored here."""

    id: int
    session_key: str
    source: str
    seen: Observation


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """`document` is the caller's JSON. `revised_at` is None until a changed document replaced the first."""

    number: str
    issued_at: datetime
    revised_at: datetime | None
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReceiptRevision:
    """What a receipt said until `replaced_at`."""

    number: str
    replaced_at: datetime
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Issued:
    """Which receipt there is, and of when its present words are."""

    number: str
    revised_at: datetime | None


@dataclass(frozen=True, slots=True)
class ForReader:
    """A session with all its commands, oldest first, as they stood together; `owner`: the reader may act on it.

    `owners`: how many devices may. `issued`: its receipt, once it is written. `progress`: what the operator's view has
    told of it while it runs. `every`: how often the figures of a charge are renewed here; None: nobody has said so.
    `listed_at`: since when it has been on the operator's list for an hour or more, with money that waits.
    """

    session: Session
    commands: tuple[Command, ...]
    owner: bool
    owners: int = 1
    issued: Issued | None = None
    progress: Progress | None = None
    every: timedelta | None = None
    listed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Margin:
    """What the store keeps of a session beside the session itself.

    `ended_at` is on the kiosk's clock, None while it has not ended. `intent_id` is the payment's id at the payment
    provider, which opens nothing. `bank_return_at` is when a return from a bank proved who owns it.
    """

    ended_at: datetime | None
    intent_id: str | None
    bank_return_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A device became an owner of a session; which device is not said."""

    how: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A right that a device had since `granted_at` was taken from it at `taken_at`."""

    how: str
    granted_at: datetime
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A one-use code was shown; the code is not said. `used_at` is None while nobody has used it."""

    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """The payment provider said that something happened to the payment."""

    event_type: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimedHandoff:
    """A tablet handed the bay over to the phone that then asked for the session."""

    tablet: str
    made_at: datetime
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds it, with its number: it rises whenever somebody takes it anew, so an old one gives itself away.

    `unbroken`: the same holder had it until now, and nobody can have held it in between. Number 0 stands in no row:
    nobody leads, and the store takes no lease from anybody.
    """

    name: str
    holder: str
    number: int
    unbroken: bool

    @property
    def written(self) -> bool:
        return self.number > 0


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is under way. `live` counts sessions that can still change: `queued`, or the group of their status.

    `oldest_waiting_at` is when the oldest command that waits was asked for, `oldest_unknown_at` when the oldest one
    without an answer ended, among live sessions. `holds` counts the holds of sessions that can still change, the oldest
    seen at `oldest_hold_at`. `figures_of` has, for each charge that runs, of when its newest figure is. `attention`
    counts what needs a person by how loud it is, `attention_since` is of the oldest. None: there is none.
    """

    live: Mapping[str, int]
    waiting: int
    oldest_waiting_at: datetime | None
    oldest_unknown_at: datetime | None
    holds: int
    oldest_hold_at: datetime | None
    figures_of: tuple[datetime, ...]
    attention: Mapping[str, int]
    attention_since: datetime | None


@dataclass(frozen=True, slots=True)
class SeenTree:
    """The last good fuse tree of a site. An old one is still true: fuses change seldom."""

    tree: FuseTree
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Tablet:
    """A screen of a site. `version` is the release of the kiosk whose page it opened last, None before the first."""

    id: int
    name: str
    site_id: str
    paired_at: datetime
    last_seen_at: datetime
    unpaired_at: datetime | None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    """A bay that was chosen on a tablet, to be taken over by one phone. `language` is the tablet's.

    `closed_at`: the tablet went on, or was unpaired. Nobody can claim it then; whoever has claimed it keeps it.
    """

    id: str
    tablet_id: int
    code: str
    connector_id: int
    language: str
    made_at: datetime
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
