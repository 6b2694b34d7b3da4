"""Hands one message to one address, as a webhook, to ntfy or by Apprise. Time limits; taken, refused, unknown.

A webhook is signed as Stripe's are: `Kiosk-Signature: t=<unix seconds>,v1=<hex>`, where v1 is the HMAC-SHA256 of
`<t>.<body>` under KIOSK_NOTIFY_SECRET. `Kiosk-Delivery` is the same at each attempt, so that a receiver can tell a
second one. It and ntfy are plain HTTP, and need no library.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import httpx

from kiosk.upstream.errors import NoAnswer, NotSent, UpstreamError
from kiosk.upstream.http import TimeLimits, mute
from kiosk.upstream.notice.other_services import OtherServices
from kiosk.upstream.wire import DeadlineTransport, deadline

_LIMITS = TimeLimits(read=10.0, total=15.0)


class NotAccepted(Exception):
    """An answer that says no. The text is its number alone: what else it says may hold the address."""


class Herald:
    """Safe to use from many threads. Nothing is followed, and no answer's body is read."""

    def __init__(
        self,
        secret: str | None,
        ntfy_token: str | None = None,
        *,
        limits: TimeLimits = _LIMITS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        mute("httpx")
        self._secret, self._ntfy_token, self._limits = secret, ntfy_token, limits
        self._others = OtherServices(limits.total)
        self._client = httpx.Client(
            transport=transport or DeadlineTransport(4),
            timeout=httpx.Timeout(connect=limits.connect, read=limits.read, write=limits.write, pool=limits.pool),
            headers={"User-Agent": "charge-kiosk"},
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def webhook(self, address: str, body: bytes, delivery: str, at: datetime) -> None:
        """Raises NotSent, NotAccepted or NoAnswer, of which none knows the address."""
        headers = {"Content-Type": "application/json", "Kiosk-Delivery": delivery}
        if self._secret is not None:
            headers["Kiosk-Signature"] = signature(self._secret, body, at)
        self._post(address, body, headers)

    def ntfy(self, address: str, title: str, text: str, *, urgent: bool) -> None:
        """The same, for a topic of an ntfy server. Raises what `webhook` raises."""
        headers = {"Title": title.encode("ascii", "replace").decode(), "Priority": "urgent" if urgent else "default"}
        if self._ntfy_token is not None:
            headers["Authorization"] = f"Bearer {self._ntfy_token}"
        self._post(address, text.encode(), headers)

    def apprise(self, address: str, title: str, text: str, *, urgent: bool) -> None:
        """The same, for an address of Apprise. Raises NotSent or NoAnswer: Apprise tells no refusal apart."""
        self._others.send(address, title, text, urgent=urgent)

    def _post(self, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        failure: Exception
        try:
            with deadline(self._limits.total):
                request = self._client.build_request("POST", address, content=body, headers=headers)
                response = self._client.send(request, stream=True)
                response.close()
                if response.is_success:
                    return
                failure = NotAccepted(f"HTTP {response.status_code}")
        except UpstreamError as error:
            failure = error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            failure = NotSent(f"not sent: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - callers are promised these alone
            failure = NoAnswer(f"no answer: {type(error).__name__}")
        # Outside of the handler, so that the library's error, which knows the address, is not carried along.
        raise failure


def signature(secret: str, body: bytes, at: datetime) -> str:
    """As it stands in the header. A receiver computes it anew, and takes no `t` that is older than five minutes."""
    stamp = str(int(at.timestamp()))
    mac = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"t={stamp},v1={mac.hexdigest()}"
