"""The books of the Stripe stand-in: intents, charges, refunds and events of each account. State only, no web.

Every change happens under one lock; listeners are called after it is released, one event at a time, in order.
"""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kiosk.clock import Clock
from kiosk.sandbox.stripe.cards import Authentication, Refusal
from kiosk.sandbox.stripe.methods import REDIRECT_METHODS, PaymentMethod
from kiosk.sandbox.stripe.objects import HOLD_SECONDS, new_charge, new_domain, new_event, new_intent, new_refund
from kiosk.sandbox.stripe.outbox import Outbox
from kiosk.sandbox.stripe.problem import StripeProblem, missing
from kiosk.sandbox.stripe.records import CustomerAction, Record
from kiosk.sandbox.stripe.rules import check_amount, check_currency, one_of
from kiosk.sandbox.stripe.words import refusal_text

CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
CANCEL_REASONS = (*REFUND_REASONS, "abandoned")
CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
CANCELABLE = CONFIRMABLE | {"requires_capture"}
_UNVERIFIED = Refusal("payment_intent_authentication_failure")


class StripeBook:
    def __init__(
        self,
        clock: Clock,
        *,
        secret_key: str = "sk_test_sandbox",  # noqa: S107 - made up, and good for nothing but this stand-in
        publishable_key: str = "pk_test_sandbox",
        refund_key: str = "rk_test_sandbox",
    ) -> None:
        if not (secret_key.startswith("sk_test_") and publishable_key.startswith("pk_test_")):
            raise ValueError("the Stripe stand-in takes test keys only")
        self.clock = clock
        self.secret_key = secret_key
        self.publishable_key = publishable_key
        self.refund_key = refund_key
        self._lock = threading.RLock()
        self._records: dict[tuple[str, str], Record] = {}
        self._charges: dict[tuple[str, str], dict[str, Any]] = {}
        self._refunds: dict[tuple[str, str], dict[str, Any]] = {}
        self._methods: dict[tuple[str, str], PaymentMethod] = {}
        self._domains: dict[tuple[str, str], dict[str, Any]] = {}
        self._actions: dict[str, tuple[Record, str | None]] = {}
        self._outbox = Outbox()

    # Intents

    def create_intent(
        self,
        *,
        account: str,
        amount: int,
        currency: str,
        metadata: Mapping[str, str] | None = None,
        receipt_email: str | None = None,
        capture_method: str = "manual",
        methods: Sequence[str] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A new intent. `methods` limits the payment method types, `fields` sets plain fields such as `description`."""
        currency = check_currency(currency)
        check_amount(amount, currency)
        one_of(capture_method, CAPTURE_METHODS, "capture_method")
        for kind in methods or ():
            one_of(kind, ("card", *sorted(REDIRECT_METHODS)), "allowed_payment_method_types")
        with self._changing():
            intent = new_intent(
                amount=amount,
                currency=currency,
                capture_method=capture_method,
                created=self._now(),
                methods=methods,
            )
            intent.update(fields or {}, metadata=dict(metadata or {}), receipt_email=receipt_email)
            self._records[account, intent["id"]] = record = Record(intent, account)
            self._tell("payment_intent.created", record)
            return copy.deepcopy(intent)

    def get_intent(self, account: str, intent_id: str) -> dict[str, Any]:
        with self._changing():
            return copy.deepcopy(self._record(account, intent_id).intent)

    def update_intent(self, account: str, intent_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Set plain fields (description, receipt_email); `metadata` is merged, and an empty value removes a key."""
        with self._changing():
            record = self._record(account, intent_id)
            changes = copy.deepcopy(dict(fields))
            merged = {**record.intent["metadata"], **changes.pop("metadata", {})}
            record.intent.update(changes, metadata={name: value for name, value in merged.items() if value != ""})
            if record.charge is not None:
                record.charge["receipt_email"] = record.intent["receipt_email"]
            return copy.deepcopy(record.intent)

    def set_receipt_email(self, account: str, intent_id: str, email: str) -> None:
        self.update_intent(account, intent_id, {"receipt_email": email})

    # The customer's side

    def keep_method(self, account: str, method: PaymentMethod) -> dict[str, Any]:
        with self._lock:
            self._methods[account, method.method_id] = method
            return method.view(self._now())

    def get_method(self, account: str, method_id: str) -> PaymentMethod:
        with self._lock:
            if (account, method_id) not in self._methods:
                raise missing("PaymentMethod", method_id, "payment_method")
            return self._methods[account, method_id]

    def confirm(
        self,
        account: str,
        intent_id: str,
        method: PaymentMethod,
        *,
        return_url: str | None = None,
        pages: str = "https://hooks.stripe.com",
    ) -> dict[str, Any]:
        """Try to pay. `pages` is where the challenge and redirect pages stand. Raises StripeProblem on a refusal."""
        with self._changing():
            record = self._record(account, intent_id)
            self._expect(record, CONFIRMABLE, "confirm")
            if method.kind not in record.intent["payment_method_types"]:
                message = f"The PaymentMethod type {method.kind} is not allowed for this PaymentIntent."
                raise StripeProblem(400, message, param="payment_method")
            redirects = method.kind in REDIRECT_METHODS
            if redirects and not return_url:
                message = "A `return_url` must be specified, because this payment method redirects."
                raise StripeProblem(400, message, code="parameter_missing", param="return_url")
            record.method = method
            record.action = None
            record.intent.update(payment_method=method.method_id, next_action=None, last_payment_error=None)
            asks = method.card.authentication if method.card else Authentication.NONE
            if redirects or asks is Authentication.CHALLENGE:
                self._ask_customer(record, redirects, return_url, pages)
            else:
                self._authorise(record)
            return copy.deepcopy(record.intent)

    def customer_action(self, token: str) -> CustomerAction:
        with self._changing():
            record, return_url = self._action(token)
            self._release_expired(record)
            return self._action_view(record, return_url, record.action == token)

    def answer_action(self, token: str, *, complete: bool) -> CustomerAction:
        """The customer's answer on a challenge or redirect page. A second answer changes nothing."""
        with self._changing():
            record, return_url = self._action(token)
            if record.action == token:
                with suppress(StripeProblem):  # the intent carries the refusal, and the page looks there
                    self._answer(record, complete)
            return self._action_view(record, return_url, False)

    def answer_challenge(self, account: str, intent_id: str, *, complete: bool) -> dict[str, Any]:
        """The same without a page, for simulations. Raises StripeProblem when it ends in a refusal."""
        with self._changing():
            record = self._record(account, intent_id)
            self._expect(record, frozenset({"requires_action"}), "authenticate")
            self._answer(record, complete)
            return copy.deepcopy(record.intent)

    # The seller's side

    def capture(self, account: str, intent_id: str, amount: int) -> dict[str, Any]:
        """Take `amount` of the hold, once; the rest is released."""
        with self._changing():
            record = self._record(account, intent_id)
            charge = self._charge_to(record, "capture")
            if amount > record.intent["amount_capturable"]:
                held = record.intent["amount_capturable"]
                message = f"The amount to capture must not be greater than the amount_capturable of {held}."
                raise StripeProblem(400, message, code="amount_too_large", param="amount_to_capture")
            check_amount(amount, record.intent["currency"], "amount_to_capture")
            released = charge["amount"] - amount
            charge.update(captured=True, amount_captured=amount, amount_refunded=released)
            record.intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
            self._tell("charge.captured", record, charge)
            if released:
                self._tell("charge.refunded", record, charge)
            self._tell("payment_intent.succeeded", record)
            return copy.deepcopy(record.intent)

    def cancel(self, account: str, intent_id: str, reason: str | None = None) -> dict[str, Any]:
        """End the intent and release its hold, if there is one."""
        one_of(reason, CANCEL_REASONS, "cancellation_reason")
        with self._changing():
            record = self._record(account, intent_id)
            self._expect(record, CANCELABLE, "cancel")
            self._end(record, reason, "charge.refunded")
            return copy.deepcopy(record.intent)

    def refund(
        self,
        account: str,
        intent_id: str,
        amount: int | None = None,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Give back captured money: `amount`, or all that is left. Returns the Refund."""
        one_of(reason, REFUND_REASONS, "reason")
        with self._changing():
            record = self._record(account, intent_id)
            charge = record.charge
            if charge is None or not charge["captured"]:
                message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
                raise StripeProblem(400, message, param="payment_intent")
            left = charge["amount"] - charge["amount_refunded"]
            if left == 0:
                raise StripeProblem(
                    400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
                )
            wanted = left if amount is None else amount
            if wanted > left:
                message = f"Refund amount is greater than the unrefunded amount of {left} on the charge."
                raise StripeProblem(400, message, code="amount_too_large", param="amount")
            check_amount(wanted, charge["currency"])
            refund = {**new_refund(charge, wanted, self._now(), reason), "metadata": dict(metadata or {})}
            charge["amount_refunded"] += wanted
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            self._refunds[account, refund["id"]] = refund
            self._tell("charge.refunded", record, charge)
            self._tell("refund.created", record, refund)
            return copy.deepcopy(refund)

    def get_charge(self, account: str, charge_id: str) -> dict[str, Any]:
        with self._lock:
            if (account, charge_id) not in self._charges:
                raise missing("charge", charge_id)
            return copy.deepcopy(self._charges[account, charge_id])

    def refunds(self, account: str, intent_id: str | None, charge_id: str | None) -> list[dict[str, Any]]:
        """The newest first, of one payment or of all."""
        with self._lock:
            return [
                copy.deepcopy(refund)
                for (owner, _), refund in reversed(self._refunds.items())
                if owner == account
                and intent_id in (None, refund["payment_intent"])
                and charge_id in (None, refund["charge"])
            ]

    def fail_refund(self, account: str, refund_id: str, status: str) -> None:
        """The bank does not take it (`failed`), or has not yet (`pending`): what fails is left to be refunded again."""
        with self._changing():
            refund = self._refunds[account, refund_id]
            charge = self._charges[account, refund["charge"]]
            if status == "failed" and refund["status"] != "failed":
                charge["amount_refunded"] -= refund["amount"]
                charge["refunded"] = False
            refund["status"] = status

    def get_refund(self, account: str, refund_id: str) -> dict[str, Any]:
        with self._lock:
            if (account, refund_id) not in self._refunds:
                raise missing("refund", refund_id)
            return copy.deepcopy(self._refunds[account, refund_id])

    def register_domain(self, account: str, name: str, enabled: bool = True) -> dict[str, Any]:
        """A payment method domain, which wallets need; the same name gives the same object."""
        with self._lock:
            domain = self._domains.setdefault((account, name), new_domain(name, self._now()))
            domain["enabled"] = enabled
            return copy.deepcopy(domain)

    def domains(self, account: str) -> list[dict[str, Any]]:
        with self._lock:
            return [copy.deepcopy(one) for (owner, _), one in self._domains.items() if owner == account]

    def release_expired_holds(self) -> None:
        """End every hold older than seven days. Reading an intent does the same for that one."""
        with self._changing():
            for record in self._records.values():
                self._release_expired(record)

    def subscribe(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Call `listener` with each event from now on. It may call the book; its errors reach the book's caller."""
        self._outbox.subscribe(listener)

    # Inside, under the lock

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _record(self, account: str, intent_id: str) -> Record:
        record = self._records.get((account, intent_id))
        if record is None:
            raise missing("payment_intent", intent_id, "intent")
        self._release_expired(record)
        return record

    def _action(self, token: str) -> tuple[Record, str | None]:
        if token not in self._actions:
            raise missing("action", token[:6])
        return self._actions[token]

    def _action_view(self, record: Record, return_url: str | None, is_open: bool) -> CustomerAction:
        return CustomerAction(record.account, copy.deepcopy(record.intent), return_url, is_open)

    def _expect(self, record: Record, statuses: frozenset[str], verb: str) -> None:
        status = record.intent["status"]
        if status not in statuses:
            message = (
                f"You cannot {verb} this PaymentIntent because it has a status of {status}. "
                f"Only a PaymentIntent with one of the following statuses may do this: {', '.join(sorted(statuses))}."
            )
            raise StripeProblem(
                400, message, code="payment_intent_unexpected_state", intent=copy.deepcopy(record.intent)
            )

    def _charge_to(self, record: Record, verb: str) -> dict[str, Any]:
        self._expect(record, frozenset({"requires_capture"}), verb)
        assert record.charge is not None  # noqa: S101 - a hold without a charge cannot be built
        return record.charge

    def _ask_customer(self, record: Record, redirects: bool, return_url: str | None, pages: str) -> None:
        token = secrets.token_urlsafe(18)
        record.action = token
        self._actions[token] = (record, return_url)
        if redirects:
            target = {"url": f"{pages}/sandbox/redirect/{token}", "return_url": return_url}
            action = {"type": "redirect_to_url", "redirect_to_url": target}
        else:
            challenge = {"type": "three_d_secure_redirect", "stripe_js": f"{pages}/sandbox/challenge/{token}"}
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": challenge}
        record.intent.update(status="requires_action", next_action=action)
        self._tell("payment_intent.requires_action", record)

    def _answer(self, record: Record, complete: bool) -> None:
        record.action = None
        record.intent["next_action"] = None
        if complete:
            self._authorise(record)
        else:
            self._refuse(record, _UNVERIFIED, kind="invalid_request_error")

    def _authorise(self, record: Record) -> None:
        method = record.method
        assert method is not None  # noqa: S101 - only called with a method in hand
        charge = new_charge(record.intent, method, self._now())
        record.charge = self._charges[record.account, charge["id"]] = charge
        record.intent["latest_charge"] = charge["id"]
        if method.card is not None and method.card.refusal is not None:
            self._refuse(record, method.card.refusal, kind="card_error")
        self._tell("charge.succeeded", record, charge)
        if record.intent["capture_method"] == "manual":
            record.intent.update(status="requires_capture", amount_capturable=charge["amount"])
            self._tell("payment_intent.amount_capturable_updated", record)
        else:
            charge.update(captured=True, amount_captured=charge["amount"])
            record.intent.update(status="succeeded", amount_received=charge["amount"])
            self._tell("payment_intent.succeeded", record)

    def _refuse(self, record: Record, refusal: Refusal, kind: str) -> None:
        """Note the refusal in the intent and raise it."""
        problem = StripeProblem(
            402 if kind == "card_error" else 400,
            refusal_text("en", refusal.code, refusal.decline_code),
            kind=kind,
            code=refusal.code,
            decline_code=refusal.decline_code,
            charge=record.intent["latest_charge"] if kind == "card_error" else None,
        )
        if kind == "card_error" and record.charge is not None:
            record.charge.update(
                paid=False,
                status="failed",
                failure_code=refusal.code,
                failure_message=problem.error["message"],
            )
            self._tell("charge.failed", record, record.charge)
        record.intent.update(
            status="requires_payment_method",
            payment_method=None,
            next_action=None,
            last_payment_error=dict(problem.error),
        )
        self._tell("payment_intent.payment_failed", record)
        problem.intent = copy.deepcopy(record.intent)
        raise problem

    def _end(self, record: Record, reason: str | None, charge_event: str) -> None:
        if record.intent["status"] == "requires_capture":
            charge = self._charge_to(record, "release")
            charge.update(refunded=True, amount_refunded=charge["amount"])
            self._tell(charge_event, record, charge)
        record.action = None
        record.intent.update(
            status="canceled",
            canceled_at=self._now(),
            cancellation_reason=reason,
            amount_capturable=0,
            next_action=None,
        )
        self._tell("payment_intent.canceled", record)

    def _release_expired(self, record: Record) -> None:
        held = record.intent["status"] == "requires_capture" and record.charge is not None
        if held and record.charge is not None and self._now() >= record.charge["created"] + HOLD_SECONDS:
            self._end(record, "automatic", "charge.expired")

    def _tell(self, event_type: str, record: Record, subject: Mapping[str, Any] | None = None) -> None:
        self._outbox.put(new_event(event_type, subject or record.intent, record.account, self._now()))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        finally:
            self._outbox.deliver()
