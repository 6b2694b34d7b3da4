"""When something outside is read again: after its interval, and later and later while it fails."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.upstream.errors import BudgetSpent, Refused, UpstreamError

_MOST_DOUBLINGS = 20


class Pace:
    """For one kind of read, of which one at a time is under way. `longest` is the longest wait after failures.

    `last` is when it was read before this process began.
    """

    def __init__(self, longest: timedelta, last: datetime | None = None) -> None:
        self._longest = longest
        self._tried = last
        self._closed_until: datetime | None = None
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many in a row."""
        return self._failures

    def due_in(self, now: datetime, interval: timedelta) -> timedelta:
        """How long until it should be read; zero or less when now."""
        tried = self._tried
        if tried is None:
            return timedelta(0)
        slower = interval * (1 << min(max(0, self._failures - 1), _MOST_DOUBLINGS))
        at = tried + max(interval, min(slower, self._longest))
        closed = self._closed_until
        return (at if closed is None else max(at, closed)) - now

    def note_tried(self, now: datetime) -> None:
        self._tried = now

    def worked(self) -> None:
        self._failures, self._closed_until = 0, None

    def failed(self, now: datetime, error: UpstreamError | None = None) -> None:
        """It gave nothing that can be used. What upstream, or our own count, says of waiting is obeyed."""
        wait = error.wait if isinstance(error, BudgetSpent) else None
        if isinstance(error, Refused):
            wait = error.retry_after
        self._closed_until = None if wait is None else now + wait
        if not isinstance(error, BudgetSpent):
            self._failures += 1


def why(error: UpstreamError, hint: str) -> str:
    """An error in a line of the log. `hint` is what a 401 usually means there."""
    unauthorised = isinstance(error, Refused) and error.status == 401
    return f"{error}; {hint}" if unauthorised else str(error)
