"""Stripe, optionally: what it says itself of a hold, and its webhooks as hints that are never trusted as the truth.

Only the platform that owns the connected account can read its payments, so a proof may always be refused.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
import stripe

from kiosk.clock import Clock
from kiosk.domain.commands import Refusal
from kiosk.domain.session import HoldProof
from kiosk.upstream.errors import NoAnswer, NotFromStripe, Refused, UpstreamError, redact
from kiosk.upstream.http import OnCall, decode, mute, report
from kiosk.upstream.problems import DEFAULT_RETRY, retry_after
from kiosk.upstream.values import as_epoch, as_minor, as_object, as_text, as_word

CONNECT_SECONDS = 2.0
READ_SECONDS = 8.0
SIGNATURE_TOLERANCE = timedelta(seconds=300)
"""Stripe's own default; here in both directions."""
INTENT = re.compile(r"pi_[A-Za-z0-9_]{1,250}", re.ASCII)
ACCOUNT = re.compile(r"acct_[A-Za-z0-9_]{1,250}", re.ASCII)
_EVENT = re.compile(r"evt_[A-Za-z0-9_]{1,250}", re.ASCII)
_EVENT_TYPE = re.compile(r"(payment_intent|charge)(\.[a-z_]{1,60}){1,3}", re.ASCII)
_LAST4 = re.compile(r"[0-9]{4}", re.ASCII)
_SIGNED_AT = re.compile(r"(?:^|,)t=([0-9]{1,12})(?:,|$)", re.ASCII)


class StripeProofs:
    """Thread-safe: one client and one shared `requests` session, so that connections are reused. Reads only."""

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
        self._session, self._client = client_of(api_key, api_base, http_session, retries=1)

    def close(self) -> None:
        self._session.close()

    def proof(self, intent_id: str, account: str | None) -> HoldProof:
        """What Stripe says of the hold of one payment on a connected account.

        Raises Refused (no such payment, not our account, TOO_MANY) or NoAnswer. A read has no effect, so either may be
        tried again.
        """
        if not INTENT.fullmatch(intent_id) or (account is not None and not ACCOUNT.fullmatch(account)):
            raise Refused(Refusal.INVALID, "not the id of a payment and an account")
        began = time.monotonic()
        found: HoldProof | UpstreamError = self._read(intent_id, account)
        failure = found if isinstance(found, UpstreamError) else None
        status = 200 if failure is None else getattr(failure, "status", None)
        report(self._on_call, "stripe_proof", failure, status, began)
        if isinstance(found, UpstreamError):
            raise found
        return found

    def _read(self, intent_id: str, account: str | None) -> HoldProof | UpstreamError:
        """Errors are returned, so that the library's own, which quote keys and bodies, are left behind."""
        try:
            options: stripe.RequestOptions = {} if account is None else {"stripe_account": account}
            intent = self._client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}, options)
            return _proof(intent.to_dict(), intent_id, self._clock.now())
        except stripe.StripeError as error:
            return mapped(error, self._clock.now())
        except UpstreamError as error:
            return error
        except Exception as error:  # noqa: BLE001 - callers are promised our tree alone
            return NoAnswer(f"no usable answer: {type(error).__name__}")


def client_of(
    api_key: str, api_base: str | None, http_session: requests.Session | None, *, retries: int
) -> tuple[requests.Session, stripe.StripeClient]:
    """The library's client over one session, whose connections are reused. `retries`: how often it repeats a call."""
    if http_session is None:
        http_session = requests.Session()
        http_session.trust_env = False  # a .netrc entry would replace the key
    mute("stripe")  # it writes whole answers, with client secrets, at DEBUG
    client = stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base.rstrip("/")} if api_base else {},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS), session=http_session),
    )
    return http_session, client


def mapped(error: stripe.StripeError, now: datetime) -> UpstreamError:
    status = error.http_status
    if status is None or not 400 <= status < 500:
        return NoAnswer(f"no answer: {type(error).__name__}", status)
    message = redact(as_text(error.user_message) or type(error).__name__)
    if status == 429:
        headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
        return Refused(Refusal.TOO_MANY, message, retry_after(headers, now) or DEFAULT_RETRY, status)
    return Refused(Refusal.INVALID, message, None, status)


def _proof(intent: object, intent_id: str, now: datetime) -> HoldProof:
    fields = as_object(intent) or {}
    status = as_word(fields.get("status"))
    capturable = as_minor(fields.get("amount_capturable"))
    received = as_minor(fields.get("amount_received"))
    if fields.get("id") != intent_id or status is None or capturable is None or received is None:
        raise NoAnswer("an answer without a payment")
    charge = as_object(fields.get("latest_charge")) or {}
    details = as_object(charge.get("payment_method_details")) or {}
    card = as_object(details.get("card")) or {}
    last4 = card.get("last4")
    amount, captured, back = (as_minor(charge.get(name)) for name in ("amount", "amount_captured", "amount_refunded"))
    # Stripe counts what a partial capture leaves of a hold as refunded: that was never taken.
    taken = charge.get("captured") is True and amount is not None and captured is not None and back is not None
    refunded = max(0, (back or 0) - ((amount or 0) - (captured or 0))) if taken else None
    return HoldProof(
        checked_at=now,
        intent_status=status,
        capturable_minor=capturable,
        received_minor=received,
        canceled_at=as_epoch(fields.get("canceled_at")),
        card_brand=as_word(card.get("brand")),
        card_last4=last4 if isinstance(last4, str) and _LAST4.fullmatch(last4) else None,
        capture_before=as_epoch(card.get("capture_before")),
        refunded_minor=refunded,
        amount_minor=as_minor(fields.get("amount")),
    )


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """That something happened to a payment. Delivered at least once and in any order: a reason to look, no fact."""

    event_id: str
    type: str
    account: str | None
    intent_id: str


def verify_webhook(payload: bytes, signature: str | None, secret: str, now: datetime) -> WebhookHint | None:
    """The hint in a signed event; None for a genuine one that is about no payment. Raises NotFromStripe.

    Platform and Connect endpoints have different secrets: call once per secret.
    """
    signed_at = _SIGNED_AT.search(signature or "")
    if signed_at is None or not _genuine(payload, signature, secret):
        raise NotFromStripe("the signature does not hold")
    moment = as_epoch(int(signed_at[1]))
    if moment is None or abs(now - moment) > SIGNATURE_TOLERANCE:
        raise NotFromStripe("the signature is too old or of the future")
    event = as_object(decode(payload))
    if event is None:
        raise NotFromStripe("not an event")
    kind, event_id, account = event.get("type"), event.get("id"), event.get("account")
    thing = as_object((as_object(event.get("data")) or {}).get("object")) or {}
    if not _matches(_EVENT_TYPE, kind) or not _matches(_EVENT, event_id):
        return None
    intent = thing.get("id") if str(kind).startswith("payment_intent.") else thing.get("payment_intent")
    intent = (as_object(intent) or {}).get("id", intent)
    if not _matches(INTENT, intent) or not (account is None or _matches(ACCOUNT, account)):
        return None
    return WebhookHint(str(event_id), str(kind), None if account is None else str(account), str(intent))


def _genuine(payload: bytes, signature: str | None, secret: str) -> bool:
    """Only the cryptography is the library's: its errors carry the payload, and its clock is not ours."""
    try:
        return bool(stripe.WebhookSignature.verify_header(payload, signature, secret))
    except (stripe.SignatureVerificationError, TypeError, ValueError):
        return False  # TypeError: a signature that is not ASCII; ValueError: a payload that is not UTF-8


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
