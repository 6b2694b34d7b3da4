"""What changes seldom at a site and is asked for seldom: its fuse tree, and the make of its chargers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from kiosk.domain.fuses import FuseTree
from kiosk.domain.lab import LabFacts
from kiosk.store.database import changed_one, insert_once
from kiosk.store.records import SeenTree
from kiosk.store.rows import Part
from kiosk.store.tables import lab_facts, site_trees

_LAB_FACTS = select(lab_facts.c.code, lab_facts.c.facts).where(lab_facts.c.code.in_(bindparam("codes", expanding=True)))
"""Made once, because it is asked for every page of a charger."""


class SiteFacts(Part):
    def tree(self, site_id: str) -> SeenTree | None:
        """The last good fuse tree of a site, and when it was seen."""
        query = select(site_trees.c.tree, site_trees.c.seen_at).where(site_trees.c.site_id == site_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None or row.tree is None else SeenTree(row.tree, row.seen_at)

    def save_tree(self, site_id: str, tree: FuseTree, at: datetime, source: str | None = None) -> None:
        """`source` is the site's name at ChargePilot, which says whose tree it is."""
        values = {"tree": tree, "seen_at": at, "source": source}
        with self._database.write() as connection:
            there = update(site_trees).where(site_trees.c.site_id == site_id)
            if not changed_one(connection, there.values(**values)):
                insert_once(connection, site_trees, {"site_id": site_id, **values})

    def forget_tree_of_another(self, site_id: str, source: str | None) -> None:
        """Forget the tree of that site when it is known to be of another site at ChargePilot than this one."""
        other = site_trees.c.source.is_not(None) if source is None else site_trees.c.source != source
        with self._database.write() as connection:
            connection.execute(delete(site_trees).where(site_trees.c.site_id == site_id, other))

    def lab_facts(self, codes: Sequence[str]) -> dict[str, LabFacts]:
        """The known ones of these chargers."""
        with self._database.read() as connection:
            rows = connection.execute(_LAB_FACTS, {"codes": list(codes)})
            return {code: facts for code, facts in rows if facts is not None}

    def save_lab_facts(self, code: str, facts: LabFacts, at: datetime) -> None:
        values = {"facts": facts, "seen_at": at}
        with self._database.write() as connection:
            there = update(lab_facts).where(lab_facts.c.code == code)
            if not changed_one(connection, there.values(**values)):
                insert_once(connection, lab_facts, {"code": code, **values})

    def keep_lab_facts(self, codes: Iterable[str]) -> None:
        """Forget those of all other chargers."""
        with self._database.write() as connection:
            connection.execute(delete(lab_facts).where(lab_facts.c.code.not_in(list(codes))))
