"""What was proposed of the crosswalk, and what a person has said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, select, update

from kiosk.domain.crosswalk import Joint, Kind, Proposal, Reason, Verdict
from kiosk.store.database import changed_one, insert_once
from kiosk.store.rows import Part
from kiosk.store.tables import crosswalk
from kiosk.store.types import utc


@dataclass(frozen=True, slots=True)
class Entry:
    """`decided_by` and `decided_at` are None while the verdict is open."""

    id: int
    proposal: Proposal
    verdict: Verdict
    proposed_at: datetime
    decided_at: datetime | None
    decided_by: str | None

    @property
    def joint(self) -> Joint:
        return self.proposal.kind, self.proposal.subject, self.proposal.value


class Crosswalks(Part):
    def entries(self) -> list[Entry]:
        """Those that wait for a person first, the surest first."""
        query = select(crosswalk).order_by(crosswalk.c.score.desc(), crosswalk.c.id)
        with self._database.read() as connection:
            found = [_entry(row) for row in connection.execute(query).mappings()]
        return sorted(found, key=lambda one: one.verdict is not Verdict.OPEN)

    def entry(self, number: int) -> Entry | None:
        with self._database.read() as connection:
            row = connection.execute(select(crosswalk).where(crosswalk.c.id == number)).mappings().one_or_none()
        return None if row is None else _entry(row)

    def propose(self, proposals: Sequence[Proposal], now: datetime) -> None:
        """These are proposed, and nothing else any more. What a person has said of one stays as it is."""
        with self._database.write() as connection:
            connection.execute(delete(crosswalk).where(crosswalk.c.verdict == Verdict.OPEN))
            for one in proposals:
                insert_once(
                    connection,
                    crosswalk,
                    {
                        "kind": one.kind,
                        "subject": one.subject,
                        "value": one.value,
                        "name": one.name,
                        "score": one.score,
                        "reasons": [reason.value for reason in one.reasons],
                        "verdict": Verdict.OPEN,
                        "proposed_at": utc(now),
                    },
                )

    def decide(self, number: int, verdict: Verdict, who: str, now: datetime) -> bool:
        """Say it of one that is open; or, with OPEN, take back what was said. False: it is not as it was any more, or
        what it would join is joined otherwise.
        """
        decided = verdict is not Verdict.OPEN
        values = {
            "verdict": verdict,
            "decided_at": utc(now) if decided else None,
            "decided_by": who if decided else None,
        }
        this = crosswalk.c.id == number
        before = crosswalk.c.verdict == Verdict.OPEN if decided else crosswalk.c.verdict != Verdict.OPEN
        with self._database.write() as connection:
            # Of every row, so that two people who confirm at the same time do so one after the other.
            rows = [_entry(row) for row in connection.execute(select(crosswalk).with_for_update()).mappings()]
            mine = next((one for one in rows if one.id == number), None)
            confirmed = [one for one in rows if one.verdict is Verdict.CONFIRMED]
            if mine is None or (verdict is Verdict.CONFIRMED and any(_same_end(mine, one) for one in confirmed)):
                return False
            return changed_one(connection, update(crosswalk).where(this, before).values(**values))


def _same_end(one: Entry, other: Entry) -> bool:
    (kind, subject, value), (other_kind, other_subject, other_value) = one.joint, other.joint
    return kind is other_kind and (subject == other_subject or value == other_value)


def _entry(row: RowMapping) -> Entry:
    reasons = tuple(Reason(word) for word in row["reasons"])
    proposal = Proposal(Kind(row["kind"]), row["subject"], row["value"], row["name"], row["score"], reasons)
    return Entry(row["id"], proposal, row["verdict"], row["proposed_at"], row["decided_at"], row["decided_by"])
