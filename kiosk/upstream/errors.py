"""What can go wrong outside, by what the caller may do next. Nothing else ever leaves this room.

UpstreamError
├── NotSent           upstream certainly never saw it: may be tried again
│   ├── BudgetSpent   our own count said no: try again after `wait`
│   └── Unrecorded    our own store could not note it: try again once that can
├── Refused           upstream said no and nothing happened: tell the driver `reason`
│   └── SessionGone   the token is unknown or has expired
├── NoAnswer          it was sent and the effect is unknown: read before anything else; a start is never repeated
│   └── UnusableStart a session was made that cannot be used: cancel it by its token
└── NotFromStripe     a webhook that does not prove where it comes from: answer 400 and do nothing
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta

from kiosk.domain.commands import Refusal

_HIDDEN = "[hidden]"
_TELLTALE = re.compile(
    r"\S*://\S*"  # addresses may carry a token
    r"|\S+@\S+"  # e-mail
    r"|\b(?:sk|rk|whsec|pi|seti)_\w+"  # keys and client secrets
    r"|\bbearer\s+\S+"
    r"|[\w+/=-]{24,}",  # anything as long and unbroken as a token
    re.IGNORECASE,
)


class UpstreamError(Exception):
    """The root. Its text names no token, secret, e-mail or address."""


class NotSent(UpstreamError):
    """Upstream certainly never saw the request: no connection, no name, no free line. May be tried again."""

    ours = False
    """We kept it back ourselves: it says nothing of upstream."""


class BudgetSpent(NotSent):
    """Our own count for this endpoint is used up. `wait` is how long until there is room."""

    ours = True

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"budget spent for another {wait.total_seconds():.1f} s")
        self.wait = wait


class Unrecorded(NotSent):
    """What must be written down before it leaves could not be: the store takes nothing, or another one leads now."""

    ours = True
    log_reason = "it could not be recorded"

    def __init__(self) -> None:
        super().__init__(self.log_reason)


class Refused(UpstreamError):
    """Upstream said no; there was no effect.

    `message` is upstream's own sentence, cleaned of secrets, for logs and the desk. `status` is the HTTP status, 0 when
    the kiosk refused to send something that cannot be right.

    Of TOO_MANY: `retry_after` is the wait, None when nobody knows it. `of_the_minute`: too many left this address in a
    minute. Otherwise it is about the one charger, and others may be asked at once.
    """

    def __init__(
        self,
        reason: Refusal,
        message: str = "",
        retry_after: timedelta | None = None,
        status: int = 0,
        *,
        of_the_minute: bool = True,
    ) -> None:
        super().__init__(f"refused: {reason.value} (status {status})")
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.status = status
        self.of_the_minute = of_the_minute


class SessionGone(Refused):
    """404 on a session: the token is unknown or has expired. Of a token that once worked: expired."""

    def __init__(self, message: str = "", status: int = 404) -> None:
        super().__init__(Refusal.NOT_NOW, message, None, status)


class NoAnswer(UpstreamError):
    """It left, and no usable answer came back: the effect is unknown. `status` is None when not even that arrived."""

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what if status is None else f"{what} (status {status})")
        self.status = status


class UnusableStart(NoAnswer):
    """A start made a session, and its answer cannot be used otherwise. `token` is that session's: it can be cancelled.

    The token is in no text of this error, nor among its fields, where a log could find it.
    """

    def __init__(self, what: str, status: int | None, token: str) -> None:
        super().__init__(what, status)
        self._hidden: Callable[[], str] = lambda: token

    @property
    def token(self) -> str:
        return self._hidden()


class NotFromStripe(UpstreamError):
    """A webhook whose signature, age or form does not hold."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets and without whatever looks like an address, an e-mail, a key or a token."""
    for secret in secrets:
        if secret:
            text = re.sub(re.escape(secret), _HIDDEN, text, flags=re.IGNORECASE)
    return _TELLTALE.sub(_HIDDEN, text)
