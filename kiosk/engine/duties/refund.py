"""Has sent back what somebody at the desk has asked for: once, and pursued until Stripe's own record shows it.

Before anything leaves Stripe is asked what it has. Whatever happens in between (no answer, a kill, another leader), the
next look begins with that question, and only what is not there is sent, always with the key that was written down.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.commands import Refusal
from kiosk.domain.refunding import Next, RefundState, RefundWish, Sent, found, look_after, next_step, step_of
from kiosk.domain.session import PaymentContext
from kiosk.engine.context import Context, Proofs, Refunding, about, the_session
from kiosk.engine.duty import NOTHING_SOON, Duty, Job, Jobs, Pool
from kiosk.engine.observing import follow, tell
from kiosk.upstream.errors import NoAnswer, Refused, UpstreamError

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=2)
"""Whoever asks for a refund waits for the page that shows it; a round in between asks the store nothing."""


class Refunds(Duty):
    name = "refunds"
    beat = LOOK_EVERY

    def __init__(self, context: Context) -> None:
        self._context = context
        if context.refunds is None or context.proofs is None:
            self.beat = NOTHING_SOON

    def jobs(self, now: datetime) -> Jobs:
        context = self._context
        if context.refunds is None or context.proofs is None:
            return Jobs()
        ways = context.refunds, context.proofs
        return Jobs(
            tuple(
                Job(f"refund:{one.id}", partial(self._pursue, one, *ways), pool=Pool.PROOFS)
                for one in context.store.due_refunds(now)
            ),
            LOOK_EVERY,
        )

    # --- on a worker

    def _pursue(self, wish: RefundWish, refunds: Refunding, proofs: Proofs) -> None:
        payment = self._context.store.payment(wish.session_key)
        intent = payment.intent_id if payment is not None else None
        if payment is None or intent is None:
            self._end(wish, RefundState.REFUSED, "the payment cannot be told any more")
            return
        account = payment.stripe_account_id
        try:
            proof = proofs.proof(intent, account)
            there = refunds.of(intent, account)
        except UpstreamError as error:
            self._again(wish, _said(error))
            return
        now = self._context.clock.now()
        step, mine = next_step(wish, proof.received_minor, there, now), found(wish, there)
        if mine is not None:
            self._settle(wish, mine, step, payment, proofs)
        elif step is Next.SEND:
            self._send(wish, payment, refunds, proofs)
        elif step is Next.TOO_MUCH:
            self._end(wish, RefundState.REFUSED, "so much is not left at Stripe")
        else:
            self._end(wish, RefundState.REFUSED, "Stripe does not have it, a day after it was sent")

    def _send(self, wish: RefundWish, payment: PaymentContext, refunds: Refunding, proofs: Proofs) -> None:
        context = self._context
        if not context.store.claim_refund(wish, context.clock.now()):
            return
        try:
            made = refunds.send(payment.intent_id or "", payment.stripe_account_id, wish.amount, wish.key)
        except Refused as error:
            if error.reason is Refusal.TOO_MANY:
                self._again(wish, _said(error))
            else:
                self._end(wish, RefundState.REFUSED, _said(error))
        except UpstreamError as error:
            self._again(wish, _said(error))
        else:
            self._settle(wish, made, step_of(made), payment, proofs)

    def _settle(self, wish: RefundWish, mine: Sent, step: Next, payment: PaymentContext, proofs: Proofs) -> None:
        """Stripe has it. It is done when the payment's own record was read after it: then the receipt shows it too."""
        context = self._context
        if step is Next.FAILED:
            self._end(wish, RefundState.REFUSED, "the card's bank did not take it", mine.id)
            return
        if step is Next.LOOK_AGAIN:
            self._again(wish, "Stripe has it and works on it", mine.id)
            return
        try:
            proof = proofs.proof(payment.intent_id or "", payment.stripe_account_id)
        except UpstreamError as error:
            self._again(wish, f"it was sent back; {_said(error)}", mine.id)
            return
        session = context.store.set_proof(wish.session_key, proof)
        self._end(wish, RefundState.DONE, "sent back", mine.id)
        follow(context, session)

    def _again(self, wish: RefundWish, said: str, refund_id: str | None = None) -> None:
        context = self._context
        now = context.clock.now()
        context.store.put_off_refund(wish, now + look_after(wish.attempts), said, refund_id)
        session = the_session(context.store, wish.session_key)
        log.warning("a refund has no end yet; it is looked at again", extra={**about(session), "reason": said})
        tell(context, session)

    def _end(self, wish: RefundWish, state: RefundState, said: str, refund_id: str | None = None) -> None:
        context = self._context
        context.store.end_refund(wish, state, context.clock.now(), said, refund_id)
        session = the_session(context.store, wish.session_key)
        log.info("a refund has an end", extra={**about(session), "state": state.value, "reason": said})
        tell(context, session)


def _said(error: UpstreamError) -> str:
    """In words for the desk: Stripe's own sentence, cleaned of secrets, or what became of the call."""
    if isinstance(error, Refused) and error.message:
        return f"Stripe refused: {error.message}"
    return "Stripe gave no answer" if isinstance(error, NoAnswer) else str(error)
