"""When a backup is made, what it is called, and which ones may go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

DAYS_KEPT = 14
"""Of so many days the last backup is kept, besides the newest ones."""
AHEAD = timedelta(minutes=5)
"""A backup that was made so far in the future was made by a wrong clock."""
_NAME = re.compile(r"kiosk-(\d{8}T\d{6})Z\.backup")
_FORM = "%Y%m%dT%H%M%S"


def name_of(made_at: datetime) -> str:
    """`kiosk-20261130T161500Z.backup`: sorted by name they are sorted by time."""
    return f"kiosk-{made_at.astimezone(UTC).strftime(_FORM)}Z.backup"


def made_at(name: str) -> datetime | None:
    """When the backup of that name was made; None for a file of another name."""
    form = _NAME.fullmatch(name)
    if form is None:
        return None
    try:
        return datetime.strptime(form[1], _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def newest(names: Iterable[str], now: datetime) -> datetime | None:
    """When the last backup was made, as far as the names of the files say. One from the future says nothing."""
    times = (made_at(name) for name in names)
    return max((at for at in times if at is not None and at <= now + AHEAD), default=None)


def superfluous(names: Iterable[str], keep: int) -> list[str]:
    """The backups that may be deleted, oldest first: all but the newest `keep`, and the last of each of the last
    DAYS_KEPT days that have one. Files of other names are nobody's to delete.
    """
    times = sorted((at, name) for name in set(names) if (at := made_at(name)) is not None)
    last_of_day = {at.date(): name for at, name in times}
    days = sorted(last_of_day)[-DAYS_KEPT:]
    kept = {name for _, name in times[len(times) - min(keep, len(times)) :]} | {last_of_day[day] for day in days}
    return [name for _, name in times if name not in kept]
