"""Signed delivery of the stand-in's events to one address, from a background thread."""

from __future__ import annotations

import json
import logging
import queue
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
from stripe import WebhookSignature

from kiosk.sandbox.stripe.faults import StripeFaults

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WebhookTarget:
    """Where events go. `transport` replaces the network in tests; `pauses` are seconds of the wall before a retry."""

    url: str
    secret: str = field(repr=False)
    transport: httpx.BaseTransport | None = None
    pauses: tuple[float, ...] = (0.2, 1.0, 3.0)


class WebhookSender:
    """Takes events in order and posts each until it is answered with 2xx or the retries are used up.

    Waiting is by the wall, not by the book's clock: the receiver checks the signature's age by the wall as well.
    """

    def __init__(self, target: WebhookTarget, faults: StripeFaults) -> None:
        self._target = target
        self._faults = faults
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._closed = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        if self._closed.is_set() or self._faults.take_lost_webhook():
            return
        self._events.put(event)
        with self._start:  # not before the first event, so that a forking server starts it in the right process
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stripe-webhooks", daemon=True)
                self._thread.start()

    def wait_until_idle(self) -> None:
        """Return when every event taken so far was delivered or given up."""
        self._events.join()

    def close(self) -> None:
        """Stop after the event in hand, and wait for the thread."""
        self._closed.set()
        self._events.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with httpx.Client(transport=self._target.transport, timeout=5.0) as client:
            while True:
                event = self._events.get()
                try:
                    if event is None:
                        return
                    self._deliver(client, event)
                finally:
                    self._events.task_done()

    def _deliver(self, client: httpx.Client, event: dict[str, Any]) -> None:
        body = json.dumps(event)
        for pause in (*self._target.pauses, None):
            header = WebhookSignature.generate_signature_header(body, self._target.secret)
            headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header}
            try:
                if client.post(self._target.url, content=body, headers=headers).is_success:
                    return
            except httpx.TransportError as problem:
                log.debug("webhook not answered: %s", type(problem).__name__)
            if pause is None or self._closed.wait(pause):
                log.warning("webhook given up: %s %s", event["type"], event["id"])
                return
