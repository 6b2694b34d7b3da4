"""Inbound limits. Who proves that a session is theirs is counted by that session, everybody else by their network:
generously, because a garage's drivers may share one. Kept in memory; where several instances serve the same drivers,
those of writes and of guesses in the store, so that nobody gets a try at each of them.

Use as decorators: `@bp.post(...)` above, `@limit_start` below.
"""

from __future__ import annotations

import time
from datetime import timedelta

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage

from kiosk.clock import Clock, SystemClock
from kiosk.service.parts import Parts
from kiosk.service.session import proves_payment, session_behind
from kiosk.service.start import has_paid
from kiosk.service.visit import claimed_by
from kiosk.store import Store
from kiosk.store.errors import Unavailable
from kiosk.web.shared.devices import current_device, gets_its_cookie
from kiosk.web.shared.network import this_network
from kiosk.web.shared.parts import parts

PAYMENT_SECRET = "payment_intent_client_secret"  # noqa: S105 - the name of what a bank's page hands back


def client_address() -> str:
    """The network that a limit counts for. Never empty, because the library then counts nothing at all."""
    return this_network()


def owner_or_network() -> str:
    """The session in the address, when the one who asks proves that it is theirs; their network otherwise.

    So nobody else at the same address keeps a driver from stopping, and an address that leads to no session, asked for
    a thousand times, costs no owner a try.
    """
    key = (request.view_args or {}).get("key")
    if isinstance(key, str) and (_owns(key) or _paid_for(key)):
        return f"session {key}"
    return client_address()


def device_or_network() -> str:
    """The browser, by its signed cookie, or the network of one that has none. Costs no look into the store."""
    device = current_device()
    return client_address() if device is None else f"device {device}"


def code_or_network() -> str:
    """The one-use code in the address, while it opens a session; the network of whoever tries another one."""
    code = (request.view_args or {}).get("code")
    if isinstance(code, str) and session_behind(parts(), code) is not None:
        return f"code {code}"
    return client_address()


def starter_or_network() -> str:
    """The browser of somebody who stood in front of the site's screen a moment ago, or who has paid lately; the network
    of everybody else. A network may be a whole carrier's, and what others do there shuts neither of them out.
    """
    name: str | None = g.get("starter")  # each rule of a limit asks anew
    if name is None:
        device, code = current_device(), (request.view_args or {}).get("code")
        known = device is not None and isinstance(code, str) and _is_trusted(device, code)
        name = g.starter = f"device {device}" if known else client_address()
    return name


def _is_trusted(device: str, code: str) -> bool:
    handed = claimed_by(parts(), device, request.form.get("h"), code)
    return handed is not None or has_paid(parts(), device)


def _owns(key: str) -> bool:
    device = current_device()
    return device is not None and parts().store.owns(key, device)


def _paid_for(key: str) -> bool:
    """The payment's own secret came with it, as when a bank sends a driver back, perhaps in another browser."""
    given = request.args.get(PAYMENT_SECRET, "")
    return bool(given) and proves_payment(parts(), key, given)


SWEEP_SECONDS = 60.0
"""How often the counts that are over are thrown away."""


LONGEST_WINDOW = 7200.0
"""Seconds that a count of the longest limit matters."""
_SHARED = frozenset({"start", "write", "takeover", "pairing", "visit", "mistyped", "code", "stop-code"})
"""Scopes that instances count together. Pages and polls are too many, and harmless: each instance counts its own."""


def _is_shared(key: str) -> bool:
    return not _SHARED.isdisjoint(key.split("/"))


class Counts(MemoryStorage):
    """The library's counts in memory, swept by one hit a minute. By itself it starts a thread with almost every hit."""

    STORAGE_SCHEME = ["counts"]  # noqa: RUF012 - not a class variable to the library's types
    _sweep_at = 0.0
    _shared: tuple[Store, Clock] | None = None

    def share(self, store: Store, clock: Clock) -> None:
        """From now on writes and guesses are counted there. While it does not answer, each instance counts by itself:
        nobody is kept from stopping by a count.
        """
        self._shared = store, clock

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        return self._in_store(key, amount, expiry) or super().incr(key, expiry, amount)

    def decr(self, key: str, amount: int = 1) -> int:
        return self._in_store(key, -amount, LONGEST_WINDOW) or super().decr(key, amount)

    def get(self, key: str) -> int:
        here = super().get(key)
        if self._shared is None or not _is_shared(key):
            return here
        store, clock = self._shared
        try:
            return max(here, store.hits(key, clock.now()))
        except Unavailable:
            return here

    def _in_store(self, key: str, times: int, seconds: float) -> int | None:
        """How often by now; None when it is not counted there."""
        if self._shared is None or not _is_shared(key):
            return None
        store, clock = self._shared
        now = clock.now()
        try:
            return store.hit(key, times, now + timedelta(seconds=seconds), now)
        except Unavailable:
            return None

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - the library's own name for it
        now = time.monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._MemoryStorage__expire_events()  # type: ignore[attr-defined]


limiter = Limiter(client_address, storage_uri="counts://", strategy="sliding-window-counter")

limit_start = limiter.shared_limit(
    "10 per minute; 100 per hour", scope="start", key_func=starter_or_network, exempt_when=gets_its_cookie
)
"""Starting a session: upstream takes three a minute from all drivers together."""
limit_write = limiter.shared_limit("60 per minute", scope="write", key_func=owner_or_network)
"""Confirm, cancel, stop, limit, e-mail, payment, the return from a bank."""
limit_takeover = limiter.shared_limit("60 per minute", scope="takeover", key_func=code_or_network)
"""One-use codes for another phone. One that opens a session is counted by itself."""
limit_pairing = limiter.shared_limit("10 per minute; 60 per hour", scope="pairing")
"""One-use codes of tablets: at this pace nobody guesses one."""


def _led_nowhere(answer: Response) -> bool:
    """A redirect or a refusal: somebody types, or tries. The page of a charger is none, whatever it says of it."""
    return 300 <= answer.status_code < 500


limit_lookup = limiter.shared_limit("120 per minute", scope="lookup", deduct_when=_led_nowhere)
"""Codes and addresses that people type. Only what leads nowhere counts."""
limit_page = limiter.shared_limit("1200 per minute", scope="page")
"""Pages of chargers, which renew themselves while people wait in front of them: two hundred phones behind the one
address of a garage or of a carrier, each every ten seconds."""
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


limit_poll = limiter.shared_limit("600 per minute", scope="poll", key_func=device_or_network)
"""JSON of a session, for pages without an event stream."""
limit_hint = limiter.shared_limit("600 per minute", scope="hint")
"""Webhooks."""


def seconds_to_wait() -> int:
    """After how many seconds the limit that stopped this request lets one through again."""
    current = limiter.current_limit
    return max(1, current.reset_at - int(SystemClock().now().timestamp())) if current is not None else 60


def init_limits(app: Flask) -> None:
    limiter.init_app(app)
    own: Parts = app.extensions["kiosk"]
    if not own.store.is_file and isinstance(limiter.storage, Counts):
        limiter.storage.share(own.store, own.clock)
