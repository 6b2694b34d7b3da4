"""What an error's answer says that all outside systems say alike: how long to wait, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from kiosk.upstream.values import as_object, as_text

DEFAULT_RETRY = timedelta(seconds=60)
"""The wait after a 429 that does not say one."""
SHORTEST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(hours=1)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The Retry-After of an answer (seconds or an HTTP date), between a second and an hour; None when unreadable.

    A date counts from the answer's own, by the clock that both were read from; from `now` where it says none.
    `headers` has lower-case names or does not care about case.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text[:9]), 10**8))
    else:
        until = _date(text)
        if until is None:
            return None
        wait = until - (_date(headers.get("date", "")) or now)
    return min(max(wait, SHORTEST_RETRY), LONGEST_RETRY)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def read_problem(body: object) -> tuple[str, frozenset[str]]:
    """The message of an error body and the names of the fields that it complains about."""
    problem = as_object(body) or {}
    fields = as_object(problem.get("errors")) or {}
    return as_text(problem.get("message")) or "", frozenset(fields)
