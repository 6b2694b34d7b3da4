"""One session as the store has it now, for the browser that asks: facts first, the view only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from kiosk.domain.commands import Command
from kiosk.domain.freshness import freshness_of
from kiosk.domain.line import LinePlace
from kiosk.domain.progress import Progress, joined
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.service.deadlines import policy_of
from kiosk.service.power_kept import Ceiling
from kiosk.service.session import Reply, handed_over
from kiosk.service.waiting import line_place
from kiosk.store.records import ForReader, Issued, StoredReceipt
from kiosk.web.session.view import SessionView, session_view
from kiosk.web.shared.devices import current_device
from kiosk.web.shared.i18n import write_as_in
from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import on_tablet
from kiosk.web.shared.where import where_of


@dataclass(frozen=True)
class Snapshot:
    """What the store said at `now`. `facts` is all that the rendering depends on beside the session's key."""

    session: Session
    commands: tuple[Command, ...]
    now: datetime
    owner: bool
    place: LinePlace | None
    ceiling: Ceiling | None = None
    others: int = 0
    """How many rights of other devices this browser may take back."""
    unwritten: bool = False
    issued: Issued | None = None
    progress: Progress | None = None
    """What the operator's view has told, when `session` shows its figures."""
    every: timedelta | None = None
    """How often figures are renewed here, when it is not known to be as often as usual."""
    listed_at: datetime | None = None

    @cached_property
    def facts(self) -> tuple[object, ...]:
        fresh = freshness_of(self.session, self.now, self.every)
        asked = tuple((c.id, c.state.value, c.attempts) for c in self.commands)
        return (
            self.session.version,
            self.now.astimezone(parts().site.zone(self.session.code)).date(),  # a time of another day carries it
            asked,
            self.owner,
            self.others,
            fresh.value,
            self.place,
            self.ceiling,
            self.unwritten,
            self.issued,
            self.progress and (self.progress.energy_kwh, self.progress.asked_at),
            self.every,
            self.listed_at,
        )

    def view(self) -> SessionView:
        return self._view

    @cached_property
    def _view(self) -> SessionView:
        return session_view(
            self.session,
            self.commands,
            self.now,
            where=where_of(parts().site, self.session.code, self.session.connector_id, self.session.charger_name),
            policy=policy_of(parts().settings),
            owner=self.owner,
            queue=self.place,
            ceiling=self.ceiling,
            others=self.others,
            unwritten=self.unwritten,
            number=self.issued.number if self.issued is not None else None,
            estimated=self.progress is not None,
            every=self.every,
            listed_at=self.listed_at,
        )

    @property
    def stored_receipt(self) -> StoredReceipt | None:
        return parts().store.receipt(self.session.key)


def read(key: str) -> Snapshot | None:
    """The session as this browser may see it; None when there is none of that key."""
    now = parts().clock.now()
    found = parts().store.for_reader(key, current_device())
    if found is None:
        return None
    session = joined(found.session, found.progress)
    write_as_in(parts().site.country(session.code))
    place = line_place(parts(), key, now) if session.phase is Phase.QUEUED else None
    charging = session.standing is Status.CHARGING
    ceiling = parts().powers.ceiling(session.code, session.connector_id, parts().site) if charging else None
    return Snapshot(
        session,
        found.commands,
        now,
        found.owner,
        place,
        ceiling,
        _others(found),
        parts().store.unwritten(key),
        found.issued,
        found.progress if session is not found.session else None,
        found.every if session is found.session and charging else None,
        found.listed_at,
    )


def _others(found: ForReader) -> int:
    """The store is asked once more only where somebody else has a right."""
    if not found.owner or found.owners < 2 or on_tablet():
        return 0
    handed = handed_over(parts(), found.session.key, current_device())
    return 0 if isinstance(handed, Reply) else len(handed)
