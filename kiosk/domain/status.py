"""The fifteen statuses of an upstream session: what each means for money and bay, and what may be done in it.

One table, read by the engine, the pages, the docs and the tests. A word that is not in it is normal: see `facts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    CREATED = "created"
    AUTHORIZED = "authorized"
    STARTING = "starting"
    CHARGING = "charging"
    STOPPING = "stopping"
    SETTLING = "settling"
    CAPTURED = "captured"
    NO_CHARGE = "no_charge"
    EXPIRED = "expired"
    FAILED = "failed"
    ABANDONED = "abandoned"
    CAPTURE_FAILED = "capture_failed"
    REQUIRES_REVIEW = "requires_review"
    REFUNDED = "refunded"
    WRITTEN_OFF = "written_off"


class Group(StrEnum):
    """Where a session stands, in the words of the kiosk."""

    UNPAID = "unpaid"
    PREPARING = "preparing"
    RUNNING = "running"
    SETTLING = "settling"
    ENDED = "ended"
    OPERATOR = "operator"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """One row of the table.

    `cancel`, `stop`, `email`: upstream accepts the command in this status.
    `final`: nothing more is expected; `captured` may still turn into `refunded`.
    `occupies`: the session keeps its bay from other drivers.
    """

    group: Group
    cancel: bool = False
    stop: bool = False
    email: bool = False
    final: bool = False
    occupies: bool = False


_BY_WORD: dict[str, Status] = {status.value: status for status in Status}
"""Asked for a hundred times in a round."""

TABLE: dict[Status, StatusFacts] = {
    Status.CREATED: StatusFacts(Group.UNPAID, cancel=True, email=True, occupies=True),
    Status.AUTHORIZED: StatusFacts(Group.PREPARING, cancel=True, email=True, occupies=True),
    Status.STARTING: StatusFacts(Group.PREPARING, cancel=True, email=True, occupies=True),
    Status.CHARGING: StatusFacts(Group.RUNNING, stop=True, email=True, occupies=True),
    Status.STOPPING: StatusFacts(Group.RUNNING, email=True, occupies=True),
    Status.SETTLING: StatusFacts(Group.SETTLING, email=True),
    Status.CAPTURED: StatusFacts(Group.ENDED, final=True),
    Status.NO_CHARGE: StatusFacts(Group.ENDED, final=True),
    Status.EXPIRED: StatusFacts(Group.ENDED, final=True),
    Status.FAILED: StatusFacts(Group.ENDED, final=True),
    Status.ABANDONED: StatusFacts(Group.ENDED, final=True),
    Status.CAPTURE_FAILED: StatusFacts(Group.OPERATOR),
    Status.REQUIRES_REVIEW: StatusFacts(Group.OPERATOR),
    Status.REFUNDED: StatusFacts(Group.ENDED, final=True),
    Status.WRITTEN_OFF: StatusFacts(Group.ENDED, final=True),
}

STRANGE = StatusFacts(Group.STRANGE, occupies=True)
"""A word that we do not know, and no known one before it: nothing is offered, nothing is assumed, reading goes on."""


def known(word: str | None) -> Status | None:
    """The status of that name, or None for a word that this version does not know."""
    return _BY_WORD.get(word) if word is not None else None


def facts(word: str | None) -> StatusFacts:
    """The row of a raw status word; STRANGE for an unknown one."""
    status = known(word)
    return STRANGE if status is None else TABLE[status]


def facts_after(word: str | None, last_known: str | None, *, over: bool, long: bool) -> StatusFacts:
    """The row that counts for the duties of the kiosk: that of `word`, or of the word before it that we know.

    A strange word changes nothing that is known, with two exceptions. `over`: the answer says itself that charging or
    billing is over, so there is nothing to stop and no bay to keep. `long`: the word stands for so long that the bay
    is open to other drivers again, whoever is right.
    """
    status, before = known(word), known(last_known)
    if status is not None:
        return TABLE[status]
    row = STRANGE if before is None else TABLE[before]
    if over:
        settled = row.group in {Group.SETTLING, Group.OPERATOR, Group.ENDED}
        return StatusFacts(row.group if settled else Group.SETTLING, final=row.final)
    return replace(row, occupies=row.occupies and not long)


FINAL = frozenset(s for s, f in TABLE.items() if f.final)
CANCELLABLE = frozenset(s for s, f in TABLE.items() if f.cancel)
EMAIL_OPEN = frozenset(s for s, f in TABLE.items() if f.email)
ENDED_WITHOUT_PAYMENT = frozenset({Status.NO_CHARGE, Status.EXPIRED, Status.FAILED, Status.ABANDONED})
