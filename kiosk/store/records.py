"""Records that only the store makes: a stored observation and a stored receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
