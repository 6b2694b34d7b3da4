"""The back office of the stand-in world: public sessions from start to their last status, and the hold behind each.

It sees the chargers only through what they tell, as a real one does. The documents leave much open; `Switches` says
which answer is played.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kiosk.sandbox.world import sessions as states
from kiosk.sandbox.world.agenda import Agenda
from kiosk.sandbox.world.chargers import Charger, Pricing, Transaction
from kiosk.sandbox.world.holds import Holds
from kiosk.sandbox.world.hours import HourlyLimit
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.sessions import Session, SessionView
from kiosk.sandbox.world.site import NotPossible, Site
from kiosk.sandbox.world.switches import Switches

TOKEN_LETTERS = string.ascii_letters + string.digits


class BackOffice:
    """Not thread-safe: the world's one lock guards it. `changed` hears every change of a session's status."""

    def __init__(
        self,
        agenda: Agenda,
        site: Site,
        holds: Holds,
        switches: Switches,
        rng: random.Random,
        changed: Callable[[Session, str | None], None],
    ) -> None:
        self._agenda = agenda
        self._site = site
        self._holds = holds
        self._switches = switches
        self._rng = rng
        self._changed = changed
        self._sessions: dict[str, Session] = {}
        self._by_intent: dict[str, str] = {}
        self._running: dict[str, Transaction] = {}
        self.hours = HourlyLimit(switches)
        self._keepers: dict[tuple[str, int], str] = {}
        self.before_start: Callable[[Charger, int], None] | None = None  # hears of a start that is about to be taken
        self.lost_webhooks = 0
        self.deaf_to: set[str] = set()  # tokens of sessions whose webhooks are all lost
        site.listen(self)

    # --- the public endpoints

    def public_charger(self, code: str) -> Charger:
        charger = self._site.find(code)
        if charger is None or not charger.spec.public:
            raise Refusal(404, "Not Found.")
        return charger

    def open(self, code: str, connector_id: int, email: str | None) -> Session:
        """A new session in `created`, with its hold asked for at Stripe. Refused with 400, 404, 409, 422 or 429."""
        charger = self.public_charger(code)
        if not charger.online:
            raise Refusal(400, "The charger is offline.")
        connector = charger.connectors.get(connector_id)
        if connector is None:
            field = {"connector_id": ["The selected connector id is invalid."]}
            raise Refusal(
                422,
                "The connector does not exist on this charger.",
                errors=field if self._switches.unknown_connector_lists_errors else None,
            )
        status = connector.reported_status
        if status not in self._switches.startable or (self._switches.start_needs_cable and status == "Available"):
            raise Refusal(409, "The connector is not available.")
        if self._switches.open_session_keeps_connector and self.holder(charger.spec.code, connector_id):
            raise Refusal(409, "The connector is not available.")
        if self.before_start is not None:
            self.before_start(charger, connector_id)
        self.hours.spend(charger.spec.code, self._agenda.now)
        hold = charger.spec.preauth_amount + self._switches.hold_difference
        token = "".join(self._rng.choices(TOKEN_LETTERS, k=48))
        intent = self._holds.ask(hold, charger.pricing, charger.spec.code, connector_id, email)
        if intent is None:
            raise Refusal(500, "Server Error")
        session = Session(
            token=token,
            code=charger.spec.code,
            connector_id=connector_id,
            status=states.CREATED,
            pricing=charger.pricing,
            hold=hold,
            intent_id=intent["id"],
            client_secret=intent["client_secret"],
            created_at=self._agenda.now,
            driver_email=email,
        )
        self._sessions[token] = session
        self._by_intent[session.intent_id] = token
        self._keepers[session.code, connector_id] = token
        self._changed(session, None)
        self._agenda.after(self._switches.unpaid_expiry, lambda: self._expire(token))
        return session

    def read(self, token: str) -> Session:
        session = self._sessions.get(token)
        life = timedelta(seconds=self._switches.token_life_after_end)
        if session is None or (session.ended_at is not None and self._agenda.now >= session.ended_at + life):
            raise Refusal(404, "Not Found.")
        return session

    def confirm(self, token: str) -> Session:
        self.read(token)
        self.reconcile(token)
        session = self._sessions[token]
        if session.status == states.CREATED and self._switches.confirm_unpaid_is_refused:
            raise Refusal(409, "The payment is not authorised.")
        return session

    def stop(self, token: str) -> Session:
        session = self.read(token)
        if session.status == states.STOPPING:
            return session
        if session.status != states.CHARGING:
            raise Refusal(self._switches.stop_when_not_charging, "The session is not charging.")
        charger = self._site.charger(session.code)
        if not charger.online:
            raise Refusal(400, "The charger is offline. Unplug the cable to end the session.")
        if charger.refuse_stops:
            charger.refuse_stops -= 1
            raise Refusal(400, "The charger refused to stop. Unplug the cable to end the session.")
        return self._begin_stop(session)

    def cancel(self, token: str) -> Session:
        session = self.read(token)
        if session.status not in states.CANCELLABLE:
            raise Refusal(409, "The session can no longer be cancelled.")
        return self._give_up(session, self._switches.cancelled_status, "cancelled_by_driver")

    def set_receipt_email(self, token: str, email: str) -> Session:
        session = self.read(token)
        if session.status in states.ENDED:
            raise Refusal(422, "The session has ended.")
        self._holds.set_receipt_email(session.intent_id, email)
        return self._put(replace(session, driver_email=email))

    def view(self, session: Session) -> SessionView:
        charger = self._site.charger(session.code)
        shown = session
        if not self._switches.price_frozen_at_start:
            shown = replace(session, pricing=charger.pricing)
        return SessionView(
            session=self._half_told(shown, charger),
            charger_name=charger.spec.name,
            charger_online=charger.online,
            connector_status=charger.connectors[session.connector_id].reported_status,
        )

    def _half_told(self, session: Session, charger: Charger) -> Session:
        """The session without what is not told of it now."""
        if charger.hides_energy and session.status in (states.CHARGING, states.STOPPING):
            session = replace(session, energy_wh=None)
        if charger.amounts_after is not None and session.ended_at is not None:
            early = (self._agenda.now - session.ended_at).total_seconds() < charger.amounts_after
            unknown = replace(session, amount_captured=None, tax_amount=None, captured_at=None)
            session = unknown if early else session
        word = charger.words.get(session.status)
        return session if word is None else replace(session, status=word)

    # --- what others may ask

    def all(self) -> Iterator[Session]:
        yield from self._sessions.values()

    def holder(self, code: str, connector_id: int) -> Session | None:
        """The open session that keeps this connector."""
        session = self._sessions.get(self._keepers.get((code, connector_id), ""))
        return session if session is not None and session.status in states.KEEPS_CONNECTOR else None

    # --- the operator's hand

    def settle_again(self, token: str) -> Session:
        """Try a failed capture again, or bill a session under review with the figures as they are."""
        session = self.read(token)
        if session.status not in (states.CAPTURE_FAILED, states.REQUIRES_REVIEW):
            raise NotPossible("nothing waits for the operator here")
        self._settle(token, reviewed=True)
        return self._sessions[token]

    def write_off(self, token: str) -> Session:
        session = self.read(token)
        if session.status not in (states.CAPTURE_FAILED, states.REQUIRES_REVIEW):
            raise NotPossible("nothing waits for the operator here")
        self._holds.release(session.intent_id)
        return self._end(session, states.WRITTEN_OFF)

    def refund(self, token: str, amount: int | None = None) -> Session:
        """Send `amount` back, or all that is left. After a part the session stays captured, with the rest as amount."""
        session = self.read(token)
        if session.status != states.CAPTURED:
            raise NotPossible("only a captured session can be refunded")
        if not self._holds.refund(session.intent_id, amount):
            raise NotPossible("Stripe refused the refund")
        taken = session.amount_captured or 0
        if amount is not None and amount < taken:
            return self._put(
                replace(
                    session,
                    status=self._switches.partly_refunded_status,
                    amount_captured=taken - amount,
                )
            )
        left = session.amount_captured if self._switches.refund_keeps_captured else 0
        return self._end(replace(session, amount_captured=left), states.REFUNDED)

    # --- what Stripe tells

    def stripe_told(self, event: dict[str, Any]) -> None:
        """A webhook is a hint: the truth is read from Stripe."""
        thing = event.get("data", {}).get("object", {})
        intent_id = thing.get("id") if thing.get("object") == "payment_intent" else thing.get("payment_intent")
        token = self._by_intent.get(str(intent_id))
        if token is None or self._switches.webhook_delay is None:
            return
        if token in self.deaf_to:
            return
        if self.lost_webhooks:
            self.lost_webhooks -= 1
            return
        self.reconcile(token)

    def reconcile(self, token: str) -> None:
        session = self._sessions[token]
        if session.status != states.CREATED:
            return
        payment = self._holds.state(session.intent_id)
        if payment == "requires_capture":
            self._put(
                replace(
                    session,
                    status=states.AUTHORIZED,
                    amount_authorized=session.hold,
                    authorized_at=self._agenda.now,
                )
            )
            self._agenda.after(self._switches.dispatch, lambda: self._dispatch(token))
            self._agenda.after(self._switches.hold_life, lambda: self._lapse(token))
        elif payment == "canceled":
            self._give_up(session, states.FAILED, "payment_canceled")

    # --- what the charger tells

    def transaction_started(self, transaction: Transaction) -> None:
        if transaction.token is None:
            return
        session = self._sessions[transaction.token]
        if session.status != states.STARTING:
            self._site.remote_stop(transaction)  # nobody pays for it: the session was given up meanwhile
            return
        self._running[session.token] = transaction
        silent = self._switches.nothing_known_before_first_sample
        self._put(
            replace(
                session,
                status=states.CHARGING,
                charging_started_at=transaction.started_at,
                energy_wh=None if silent else 0,
                cost_amount=None if silent else states.cost(self._pricing(session), 0, session.hold),
            )
        )

    def transaction_sampled(self, transaction: Transaction) -> None:
        session = self._session_of(transaction)
        if session is None or session.status not in (states.CHARGING, states.STOPPING):
            return
        session = self._put(self._read_meter(session, transaction.reported_wh))
        reached = session.cost_amount is not None and session.cost_amount >= session.hold
        if session.status == states.CHARGING and reached and self._switches.stop_at_hold:
            self._begin_stop(session)

    def transaction_stopped(self, transaction: Transaction) -> None:
        session = self._session_of(transaction)
        if session is None:
            return
        del self._running[session.token]
        session = replace(self._read_meter(session, transaction.reported_wh), completed_at=transaction.stopped_at)
        if session.status in (states.CHARGING, states.STOPPING):
            session = replace(session, status=states.SETTLING)
        if session.status in (states.SETTLING, states.REQUIRES_REVIEW):
            self._put(session)
            self._agenda.after(self._switches.settle, lambda: self._settle(session.token))

    def charger_lost(self, code: str) -> None:
        """Called when a charger loses its connection: what does not come back in time goes to review."""
        lost_at = self._agenda.now
        for token, transaction in self._running.items():
            if transaction.code == code:
                self._agenda.after(self._switches.offline_review_after, partial(self._review, token, lost_at))

    # --- steps

    def _dispatch(self, token: str) -> None:
        session = self._sessions[token]
        if session.status != states.AUTHORIZED:
            return
        self._put(replace(session, status=states.STARTING))
        self._agenda.after(self._switches.remote_start_timeout, lambda: self._start_timeout(token))
        self._agenda.after(self._switches.plug_in_seconds, lambda: self._plug_in_timeout(token))
        self._site.remote_start(session.code, session.connector_id, token, lambda ok: self._start_answer(token, ok))

    def _start_answer(self, token: str, accepted: bool) -> None:
        session = self._sessions[token]
        if session.status != states.STARTING:
            self._site.withdraw_start(session.code, session.connector_id, token)
        elif accepted:
            self._put(replace(session, accepted=True))
        else:
            self._give_up(session, states.FAILED, "start_rejected")

    def _start_timeout(self, token: str) -> None:
        session = self._sessions[token]
        if session.status == states.STARTING and not session.accepted:
            self._give_up(session, states.FAILED, "start_timeout")

    def _plug_in_timeout(self, token: str) -> None:
        session = self._sessions[token]
        if session.status == states.STARTING:
            self._give_up(session, self._switches.not_plugged_in_status, "not_plugged_in")

    def _expire(self, token: str) -> None:
        self.reconcile(token)  # the webhook may have been lost
        session = self._sessions[token]
        if session.status == states.CREATED:
            self._give_up(session, states.EXPIRED, "payment_expired", release=not self._switches.paid_late)

    def _begin_stop(self, session: Session) -> Session:
        transaction = self._running[session.token]
        session = self._put(replace(session, status=states.STOPPING))
        self._site.remote_stop(transaction, ignored=lambda: self._stop_ignored(session.token))
        return self._sessions[session.token]

    def _stop_ignored(self, token: str) -> None:
        session = self._sessions[token]
        if session.status == states.STOPPING:
            self._put(replace(session, status=states.CHARGING))

    def _review(self, token: str, lost_at: datetime) -> None:
        session = self._sessions[token]
        charger = self._site.charger(session.code)
        still_lost = not charger.online and charger.seen_at == lost_at
        if still_lost and session.status in (states.CHARGING, states.STOPPING):
            self._put(replace(session, status=states.REQUIRES_REVIEW))

    def _settle(self, token: str, *, reviewed: bool = False) -> None:
        session = self._sessions[token]
        if session.status not in (states.SETTLING, states.REQUIRES_REVIEW, states.CAPTURE_FAILED):
            return
        if session.rolled_back and self._switches.rollback_needs_review and not reviewed:
            if session.status != states.REQUIRES_REVIEW:
                self._put(replace(session, status=states.REQUIRES_REVIEW))
            return
        energy_wh = session.energy_wh or 0
        due = states.cost(self._pricing(session), energy_wh, session.hold)
        if (energy_wh == 0 and not self._switches.start_fee_without_energy) or due < max(
            1, self._switches.least_capture
        ):
            self._holds.release(session.intent_id)
            self._end(replace(session, cost_amount=0, amount_captured=0, tax_amount=0), states.NO_CHARGE)
            return
        if not self._holds.capture(session.code, session.intent_id, due):
            self._put(replace(session, status=states.CAPTURE_FAILED, cost_amount=due))
            return
        percent = self._switches.tax_percent
        captured = replace(
            session,
            cost_amount=due,
            amount_captured=due,
            tax_amount=None if percent is None else states.tax_part(due, percent),
            captured_at=self._agenda.now,
        )
        self._end(captured, states.CAPTURED)

    def _lapse(self, token: str) -> None:
        """The hold is too old: the bank gives it back, and what was not captured by now is lost to the operator."""
        session = self._sessions[token]
        if session.status in states.ENDED:
            return
        self._holds.release(session.intent_id)
        self._end(session, states.WRITTEN_OFF)

    def _give_up(self, session: Session, status: str, reason: str, *, release: bool = True) -> Session:
        self._site.withdraw_start(session.code, session.connector_id, session.token)
        if release:
            self._holds.release(session.intent_id)
        return self._end(replace(session, failure_reason=reason), status)

    def _end(self, session: Session, status: str) -> Session:
        return self._put(replace(session, status=status, ended_at=self._agenda.now))

    def _put(self, session: Session) -> Session:
        before = self._sessions[session.token].status
        self._sessions[session.token] = session
        if session.status != before:
            self._changed(session, before)
        return session

    def _pricing(self, session: Session) -> Pricing:
        return session.pricing if self._switches.price_frozen_at_start else self._site.charger(session.code).pricing

    def _session_of(self, transaction: Transaction) -> Session | None:
        """The session that this transaction really runs for; a late start of a dead session runs for nobody."""
        if transaction.token is None or self._running.get(transaction.token) is not transaction:
            return None
        return self._sessions[transaction.token]

    def _read_meter(self, session: Session, energy_wh: int) -> Session:
        return replace(
            session,
            energy_wh=energy_wh,
            cost_amount=states.cost(self._pricing(session), energy_wh, session.hold),
            rolled_back=session.rolled_back or energy_wh < (session.energy_wh or 0),
        )
