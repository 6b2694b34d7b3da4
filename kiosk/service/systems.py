"""What the outside systems have answered to this process of late: the last good answer, and what went wrong.

In memory alone: another process of a fleet asks by itself, and after a start nothing is known yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

from kiosk.config.settings import Settings
from kiosk.metrics import OnCall

MINUTE = timedelta(seconds=60)
HOUR = timedelta(hours=1)
_MOST = 5_000
"""Times that are kept of one system: more than any budget of an hour's errors."""
_OUR_OWN = "budget_spent"
"""The kiosk's own decision: nobody was asked."""
_GOOD, _REFUSED = "ok", "refused"
_NOT_ITS_FAULT = range(400, 500)
_ITS_DOOR = frozenset({401, 403, 429})
"""Answers to anybody's question that say that the kiosk itself is not let in."""


@dataclass(frozen=True, slots=True)
class SystemSeen:
    """`good_at`: when it last answered as it should; `bad` says what came instead, at `bad_at`. None: never yet, here.

    `asked` counts the last minute, `errors` the last hour.
    """

    name: str
    good_at: datetime | None
    bad_at: datetime | None
    bad: str | None
    asked: int
    errors: int

    @property
    def well(self) -> bool | None:
        """Its last answer was good; None: it was not asked from here yet."""
        if self.good_at is None and self.bad_at is None:
            return None
        return self.good_at is not None and (self.bad_at is None or self.good_at >= self.bad_at)


class _Kept:
    def __init__(self) -> None:
        self.good_at: datetime | None = None
        self.bad_at: datetime | None = None
        self.bad: str | None = None
        self.asked: deque[datetime] = deque(maxlen=_MOST)
        self.errors: deque[datetime] = deque(maxlen=_MOST)


class Systems:
    """Hears of every call of every client. Safe to use from many threads."""

    def __init__(self, now: Callable[[], datetime], settings: Settings) -> None:
        self._now = now
        self._lock = Lock()
        self._kept = {name: _Kept() for name in _names(settings)}

    def on_call(self, system: str) -> OnCall:
        """What a client of that system is given."""

        def note(endpoint: str, outcome: StrEnum, status: int | None, seconds: float) -> None:
            del endpoint, seconds
            if outcome.value == _OUR_OWN:
                return
            now, bad = self._now(), _bad(outcome.value, status)
            with self._lock:
                kept = self._kept.setdefault(system, _Kept())
                kept.asked.append(now)
                if bad is None:
                    kept.good_at = now
                else:
                    kept.bad_at, kept.bad = now, bad
                    kept.errors.append(now)

        return note

    def seen(self, now: datetime) -> tuple[SystemSeen, ...]:
        """Every system that is set, in the order of the settings."""
        with self._lock:
            return tuple(
                SystemSeen(
                    name,
                    one.good_at,
                    one.bad_at,
                    one.bad,
                    _since(one.asked, now - MINUTE),
                    _since(one.errors, now - HOUR),
                )
                for name, one in self._kept.items()
            )


def _names(settings: Settings) -> list[str]:
    """As `kiosk.outside.connect` names its clients."""
    is_set: Mapping[str, bool] = {
        "plugchoice": True,
        "plugchoice_operator": settings.plugchoice_token is not None,
        "stripe": settings.stripe_api_key is not None,
        "chargepilot": settings.chargepilot_url is not None,
        "directory": settings.oidc_issuer is not None,
        "tables": settings.export_to is not None and not settings.export_to.startswith("/"),
        "ocpplab": settings.ocpplab_url is not None and settings.ocpplab_token is not None,
    }
    return [name for name, there in is_set.items() if there]


def _bad(outcome: str, status: int | None) -> str | None:
    """What was wrong with an answer. One that refuses what was asked for is an answer of a system that is well."""
    if outcome == _REFUSED and status in _NOT_ITS_FAULT and status not in _ITS_DOOR:
        return None
    if outcome == _REFUSED:
        return str(status) if status is not None else outcome
    return None if outcome == _GOOD else outcome


def _since(times: deque[datetime], begin: datetime) -> int:
    return sum(begin < at for at in times)
