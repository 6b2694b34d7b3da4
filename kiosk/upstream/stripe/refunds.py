"""Refunds, with a key of their own that may write. Nothing else is ever written at Stripe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import requests
import stripe

from kiosk.clock import Clock
from kiosk.domain.commands import Refusal
from kiosk.domain.money import Money
from kiosk.domain.refunding import Sent
from kiosk.upstream.errors import NoAnswer, Refused, UpstreamError
from kiosk.upstream.http import OnCall, report
from kiosk.upstream.stripe.client import ACCOUNT, INTENT, client_of, mapped
from kiosk.upstream.values import as_minor, as_object, as_text, as_word

KEY_NAME = "kiosk_refund"
"""In the metadata of a refund at Stripe: the key of the wish that it came from."""
MOST = 100
"""Refunds of one payment that are read. Stripe gives no more at once, and nobody makes so many."""
IN_USE = 409
"""The same key is being worked on just now: so the first call may still have its effect."""

T = TypeVar("T")


class StripeRefunds:
    """Thread-safe. The library repeats nothing by itself: what is sent again is decided by whoever calls."""

    def __init__(
        self,
        api_key: str,
        api_base: str | None = None,
        *,
        clock: Clock,
        http_session: requests.Session | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._clock = clock
        self._on_call = on_call
        self._session, self._client = client_of(api_key, api_base, http_session, retries=0)

    def close(self) -> None:
        self._session.close()

    def of(self, intent_id: str, account: str | None) -> list[Sent]:
        """All refunds of one payment, as Stripe has them. Raises Refused or NoAnswer; a read has no effect."""
        options = _options(intent_id, account)

        def read() -> list[Sent]:
            page = self._client.v1.refunds.list({"payment_intent": intent_id, "limit": MOST}, options).to_dict()
            rows = page.get("data")
            if not isinstance(rows, list) or page.get("has_more"):
                raise NoAnswer("an answer without all refunds")
            return [_sent(row) for row in rows]

        return self._asked("stripe_refunds", read)

    def send(self, intent_id: str, account: str | None, amount: Money, key: str) -> Sent:
        """Have so much of a payment sent back, under that key: the same key never sends twice.

        Raises Refused (nothing was sent back) or NoAnswer (it may have been).
        """
        options = _options(intent_id, account)
        options["idempotency_key"] = key

        def write() -> Sent:
            refund = self._client.v1.refunds.create(
                {"payment_intent": intent_id, "amount": amount.minor, "metadata": {KEY_NAME: key}}, options
            )
            return _sent(refund.to_dict())

        try:
            return self._asked("stripe_refund", write)
        except Refused as error:
            if error.status == IN_USE:
                raise NoAnswer("the same call is under way", IN_USE) from None
            raise

    def _asked(self, endpoint: str, call: Callable[[], T]) -> T:
        """The library's own errors, which quote keys and bodies, are left behind."""
        began = time.monotonic()
        found = self._tried(call)
        failure = found if isinstance(found, UpstreamError) else None
        status = 200 if failure is None else getattr(failure, "status", None)
        report(self._on_call, endpoint, failure, status, began)
        if isinstance(found, UpstreamError):
            raise found
        return found

    def _tried(self, call: Callable[[], T]) -> T | UpstreamError:
        try:
            return call()
        except stripe.StripeError as error:
            return mapped(error, self._clock.now())
        except UpstreamError as error:
            return error
        except Exception as error:  # noqa: BLE001 - callers are promised our tree alone
            return NoAnswer(f"no usable answer: {type(error).__name__}")


def _options(intent_id: str, account: str | None) -> stripe.RequestOptions:
    if not INTENT.fullmatch(intent_id) or (account is not None and not ACCOUNT.fullmatch(account)):
        raise Refused(Refusal.INVALID, "not the id of a payment and an account")
    return {} if account is None else {"stripe_account": account}


def _sent(row: object) -> Sent:
    fields = as_object(row) or {}
    refund_id, status, amount = as_text(fields.get("id")), as_word(fields.get("status")), as_minor(fields.get("amount"))
    if refund_id is None or status is None or amount is None:
        raise NoAnswer("an answer without a refund")
    metadata = as_object(fields.get("metadata")) or {}
    return Sent(refund_id, amount, status, as_text(metadata.get(KEY_NAME)))
