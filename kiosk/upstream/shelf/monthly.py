"""The tables of a month on their way: made one by one on this machine, put away, and forgotten here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from kiosk.upstream.shelf.shelf import Shelf

MakeTables = Callable[[str, date, datetime, Path], Generator[tuple[str, Path], None, None]]
"""Makes the tables of a month of a site in a folder, one by one, each with the name that it is put away under."""


@dataclass(frozen=True, slots=True)
class NightlyPlan:
    """Where the tables of each month go. `workshop` is a folder in which they are made, on this machine."""

    shelf: Shelf
    make: MakeTables
    workshop: Path


def put_month(plan: NightlyPlan, site_id: str, month: date, now: datetime) -> int:
    """Make each file, put it there, and go on to the next one. Returns how many there were.

    Raises what the shelf raises, OSError, and what the store raises.
    """
    count = 0
    with (
        tempfile.TemporaryDirectory(prefix=".tables-", dir=plan.workshop) as folder,
        closing(plan.make(site_id, month, now, Path(folder))) as made,
    ):
        for name, file in made:
            plan.shelf.put(name, file)
            count += 1
    return count
