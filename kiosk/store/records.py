"""Records that only the store makes: stored observations and receipts, a site's tablets and what they hand over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kiosk.domain.fuses import FuseTree
from kiosk.domain.session import Observation


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
