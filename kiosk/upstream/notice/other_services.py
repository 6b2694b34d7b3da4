"""Hands one message to a service that Apprise speaks to: taken or unknown, in limited time.

Apprise says yes, or it does not. Whether a no is the service's, or nobody heard the answer, it does not tell: so it is
unknown, and is tried again. Its addresses hold passwords and tokens, and what it logs holds parts of them: nothing of
that passes.
"""

from __future__ import annotations

import logging
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING

from kiosk.upstream.errors import NoAnswer, NotSent, UpstreamError

if TYPE_CHECKING:
    from apprise import NotifyBase

MISSING = "the package apprise is not installed: pip install 'charge-kiosk[apprise]'"
UNUSABLE = "Apprise cannot use this address"


class OtherServices:
    """Safe to use from many threads. Needs the package apprise at its first message, not before.

    `seconds` bounds a message. One that takes longer is left to itself, since nothing can stop it: at most `most` of
    them at once, and then no more are begun until one of them has an end.
    """

    def __init__(self, seconds: float, most: int = 4) -> None:
        self._seconds, self._room = seconds, BoundedSemaphore(most)

    def send(self, address: str, title: str, text: str, *, urgent: bool) -> None:
        """Raises NotSent or NoAnswer, of which none knows the address."""
        service = _service(address)
        if service is None:
            raise NotSent(UNUSABLE)
        if not self._room.acquire(blocking=False):
            raise NotSent("those before it are still on their way")
        ends: SimpleQueue[UpstreamError | None] = SimpleQueue()

        def work() -> None:
            try:
                end = _end(service, title, text, urgent=urgent)
            finally:
                self._room.release()
            ends.put(end)

        # A daemon, so that a service that hangs does not keep the process from ending. Apprise's own time limit would.
        try:
            Thread(target=work, name="apprise", daemon=True).start()
        except RuntimeError:  # the machine has no more threads
            self._room.release()
            raise NotSent("no thread to send it on") from None
        try:
            end = ends.get(timeout=self._seconds)
        except Empty:
            end = NoAnswer(f"no answer in {self._seconds:g} s")
        if end is not None:
            raise end


def is_usable(address: str) -> bool:
    """Whether Apprise knows the service, and the address has what that needs. Asks nobody. Raises NotSent."""
    return _service(address) is not None


def _service(address: str) -> NotifyBase | None:
    logging.getLogger("apprise").addFilter(_drop)
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        raise NotSent(MISSING) from None
    asset = AppriseAsset(
        storage_mode="memory",  # nothing of it lands on a disk
        pgp_autogen=False,
        pem_autogen=False,
        async_mode=False,
        service_timeout=0,  # with one, it works on threads that the process waits for at its end
        http_redirects=False,
    )
    try:
        return Apprise.instantiate(address, asset=asset)
    except Exception:  # noqa: BLE001 - what it says of an address may hold it
        return None


def _end(service: NotifyBase, title: str, text: str, *, urgent: bool) -> UpstreamError | None:
    """One attempt, however long it takes. None: taken."""
    from apprise import Apprise, AppriseResultStatus, NotifyFormat, NotifyType

    try:
        one = Apprise(asset=service.asset)
        one.add(service)
        kind = NotifyType.FAILURE if urgent else NotifyType.INFO
        result = one.notify(text, title, notify_type=kind, body_format=NotifyFormat.TEXT)
        # By attempt: of an address with `optional=yes` the whole is a success, whatever became of it.
        taken = any(each.status is AppriseResultStatus.SUCCESS for every in result for each in every.attempts)
    except Exception as error:  # noqa: BLE001 - a hundred services, each with its own way to fail
        return NoAnswer(f"no answer: {type(error).__name__}")
    return None if taken else NoAnswer("the service did not say that it took it")


def _drop(_record: logging.LogRecord) -> bool:
    return False
