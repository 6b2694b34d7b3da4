"""Inbound limits by client address: generous, because a garage's drivers may share one. Kept in memory.

Use as decorators: `@bp.post(...)` above, `@limit_start` below.
"""

from __future__ import annotations

import time
from ipaddress import IPv6Address, ip_address

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage

from kiosk.clock import SystemClock


def client_address() -> str:
    """The address that a limit counts for. An IPv6 customer has a whole /64, so that is what is counted."""
    raw = request.remote_addr or ""
    try:
        address = ip_address(raw)
    except ValueError:
        return raw
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


SWEEP_SECONDS = 60.0
"""How often the counts that are over are thrown away."""


class Counts(MemoryStorage):
    """The library's counts in memory, swept by one hit a minute. By itself it starts a thread with almost every hit."""

    STORAGE_SCHEME = ["counts"]  # noqa: RUF012 - not a class variable to the library's types
    _sweep_at = 0.0

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - the library's own name for it
        now = time.monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._MemoryStorage__expire_events()  # type: ignore[attr-defined]


limiter = Limiter(client_address, storage_uri="counts://", strategy="sliding-window-counter")

limit_start = limiter.shared_limit("10 per minute; 100 per hour", scope="start")
"""Starting a session: upstream takes three a minute from all drivers together."""
limit_write = limiter.shared_limit("60 per minute", scope="write")
"""Confirm, cancel, stop, limit, e-mail."""
limit_pairing = limiter.shared_limit("10 per minute; 60 per hour", scope="pairing")
"""One-use codes of tablets: at this pace nobody guesses one."""
limit_lookup = limiter.shared_limit("120 per minute", scope="lookup")
"""Pages of a charger's code, and the box that one types it into."""
MISTYPED = RateLimitItemPerMinute(10)
_ONE_CODE = RateLimitItemPerMinute(1)


def too_many_codes(code: str) -> bool:
    """Somebody at this address types codes that nobody knows, and this one is more than a person mistypes in a minute.

    The same code again, by a page that renews itself, is not counted twice. Codes that are known never count.
    """
    where, rules = client_address(), limiter.limiter
    if not rules.test(_ONE_CODE, "code", where, code):
        return False
    if not rules.hit(MISTYPED, "mistyped", where):
        return True
    rules.hit(_ONE_CODE, "code", where, code)
    return False


limit_poll = limiter.shared_limit("600 per minute", scope="poll")
"""JSON of a session, for pages without an event stream."""
limit_hint = limiter.shared_limit("600 per minute", scope="hint")
"""Webhooks."""


def seconds_to_wait() -> int:
    """After how many seconds the limit that stopped this request lets one through again."""
    current = limiter.current_limit
    return max(1, current.reset_at - int(SystemClock().now().timestamp())) if current is not None else 60


def init_limits(app: Flask) -> None:
    limiter.init_app(app)
