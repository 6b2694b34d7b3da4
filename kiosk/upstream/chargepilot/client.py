"""ChargePilot (The Mobility House): sites with their fuse trees. Every request is signed; the secret never leaves.

Source: chargepilot-api.tmhusa.energy, integration guide. Rate limits are not published: a tree changes seldom, so ask
at most once a minute and keep what was read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx

from kiosk.clock import Clock
from kiosk.domain.commands import Refusal
from kiosk.upstream.chargepilot.reading import PilotSite, read_site, read_sites
from kiosk.upstream.errors import NoAnswer, Refused, UpstreamError, redact
from kiosk.upstream.http import DEFAULT_TIME_LIMITS, Http, OnCall, TimeLimits, reported
from kiosk.upstream.problems import DEFAULT_RETRY, read_problem, retry_after
from kiosk.upstream.values import as_credential

T = TypeVar("T")

LARGEST_BODY = 8 * 1024 * 1024
"""A connector with its station takes 500 to 1,500 bytes of JSON, so a site of a thousand is beyond the usual 1 MiB.
This holds a site of several thousand, and is still a bound on memory and on the time to decode it.
"""
_LONGEST_ID = 512


class Signer:
    """Signs as the guide says: HMAC-SHA256 over METHOD:PATH:SECONDS:BODY, keyed with the hex text of SHA-256(secret).

    The path includes the query. The guide's prose signs the whole path (`/rest/v1/sites`), its sample code only what
    follows the base address (`/sites`): `full_path` chooses.
    """

    def __init__(self, key: str, secret: str, *, full_path: bool = True) -> None:
        if as_credential(key) is None or not secret:
            raise ValueError(
                "ChargePilot's key must be printable text without blanks, and its secret must not be empty"
            )
        self._key = key
        self._hashed_secret = hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
        self._full_path = full_path
        self._secrets = (key, secret, self._hashed_secret)

    def headers(self, method: str, base_url: str, path: str, now: datetime, body: str = "") -> dict[str, str]:
        """For one request at `now`; never to be used again. `path` is already percent-encoded."""
        whole = httpx.URL(base_url.rstrip("/") + path).raw_path.decode("ascii")
        base = httpx.URL(base_url.rstrip("/") + "/").raw_path.decode("ascii").rstrip("/")
        seconds = str(int(now.timestamp()))
        message = f"{method}:{whole if self._full_path else whole.removeprefix(base)}:{seconds}:{body}"
        signature = hmac.new(self._hashed_secret.encode("ascii"), message.encode(), hashlib.sha256).hexdigest()
        return {"x-api-key": self._key, "x-req-timestamp": seconds, "x-signature": signature}

    def redacted(self, text: str) -> str:
        return redact(text, self._secrets)


class ChargePilot:
    """Thread-safe; one attempt a call; raises nothing but `UpstreamError`. `transport` is the seam for tests.

    Refused with status 401 usually means that the clock is wrong, or key, secret or path rule. Reads have no effect, so
    any of them may be repeated.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        *,
        clock: Clock,
        full_path: bool = True,
        limits: TimeLimits = DEFAULT_TIME_LIMITS,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._signer = Signer(key, secret, full_path=full_path)
        self._http = Http(base_url, limits=limits, transport=transport, largest_body=LARGEST_BODY)
        self._base_url = base_url
        self._clock = clock
        self._on_call = on_call

    def close(self) -> None:
        self._http.close()

    def sites(self) -> tuple[PilotSite, ...]:
        """All sites of the key."""
        return self._get("chargepilot_sites", "/sites", read_sites)

    def site(self, site_id: str) -> PilotSite:
        """Refused with status 404, or 0 for what cannot be an id, when there is no such site."""
        if not site_id.strip(". \t\r\n") or len(site_id) > _LONGEST_ID:
            raise Refused(Refusal.INVALID, "not the id of a site")
        path = f"/sites/{quote(site_id, safe='', errors='replace')}"
        return self._get("chargepilot_site", path, lambda body: read_site(body, site_id))

    def _get(self, endpoint: str, path: str, read: Callable[[object], T]) -> T:
        with reported(self._on_call, endpoint) as call:
            headers = self._signer.headers("GET", self._base_url, path, self._clock.wall())
            answer = self._http.exchange("GET", path, headers=headers, on_head=call)
            if not 200 <= answer.status < 300:
                raise self._problem(answer.status, answer.headers, answer.body)
            return read(answer.body)

    def _problem(self, status: int, headers: Mapping[str, str], body: object) -> UpstreamError:
        if not 400 <= status < 500 or status == 408:
            return NoAnswer("no usable answer", status)
        message = self._signer.redacted(read_problem(body)[0])
        if status == 429:
            wait = retry_after(headers, self._clock.now()) or DEFAULT_RETRY
            return Refused(Refusal.TOO_MANY, message, wait, status)
        return Refused(Refusal.INVALID, message, None, status)
