"""The engine: a round of duties. One thread decides, a crew makes the outside calls.

Killed at any line it resumes: the store is the only memory. `inline=True` makes the calls on the deciding thread, and
`pool` makes other workers than threads, for simulations.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import cast

from kiosk.engine.context import Context, OpenStore
from kiosk.engine.crew import Crew, MakePool, threads
from kiosk.engine.duties.back_up import BackUp
from kiosk.engine.duties.give_back import GiveBack
from kiosk.engine.duties.guard import Guard
from kiosk.engine.duties.look_after import LookAfter
from kiosk.engine.duties.mail import SendMails
from kiosk.engine.duties.prove import Prove
from kiosk.engine.duties.read import ReadCards, ReadSessions
from kiosk.engine.duties.refresh import Refresh
from kiosk.engine.duties.refund import Refunds
from kiosk.engine.duties.send import Send
from kiosk.engine.duties.tell import Tell
from kiosk.engine.duties.tidy import CutOff, Erase, Receipts
from kiosk.engine.duties.unpaid import Unpaid
from kiosk.engine.duty import Duty
from kiosk.engine.lead import LEASE, Lead
from kiosk.engine.leaps import Leaps
from kiosk.engine.onlookers import Onlookers
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.post import DutyState, Post
from kiosk.engine.sites.cards import BoardCards
from kiosk.engine.sites.codes import PublicCodes
from kiosk.engine.sites.nightly import WriteMonths
from kiosk.engine.sites.own import OwnChargers
from kiosk.engine.sites.progress import SiteProgress
from kiosk.engine.sites.stands import MeterStands
from kiosk.engine.sites.transactions import SiteTransactions
from kiosk.engine.sites.watch import Sites
from kiosk.engine.unanswered import Unanswered
from kiosk.news.news import session_topic
from kiosk.store.errors import Unavailable
from kiosk.store.store import Store

log = logging.getLogger(__name__)

WORTH_A_SPAN = 0.05
"""Seconds of the wall clock: a round that took less has nothing to tell. What it began has a span of its own."""
ROUND_AT_MOST = 1.0
"""Seconds of the wall clock between two rounds: another process may have written something."""


class Engine:
    def __init__(self, context: Context, *, inline: bool = False, workers: int = 8, pool: MakePool = threads) -> None:
        self._context = context
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._well_at: datetime | None = None
        self._leaps = Leaps(context)
        self._lead = Lead(context)
        context.budgets.record_with(self._lead.note_call)
        self._crew = Crew(
            context.budgets, self._wake.set, inline=inline, workers=workers, pool=pool, may_act=self._lead.still_leads
        )
        self._sessions = OpenSessions(context)
        self._posts = [Post(duty, context.clock.now, context.clock.rate, context.spans) for duty in self._duties()]
        context.news.on_wish(self.wake)

    def _duties(self) -> list[Duty]:
        """In the order of the round: what a driver waits for first."""
        context, crew, sessions = self._context, self._crew, self._sessions
        unanswered, guard, onlookers = Unanswered(context), Guard(context, sessions), Onlookers(context.news)
        # What a board's reads bring after the engine has stopped is not written: somebody else may lead by then.
        boards = replace(context, store=cast("Store", OpenStore(context.store, crew.over)))
        prove = Prove(context, crew, sessions)
        codes = PublicCodes(boards.store, context.clock)
        return [
            Refresh(context.store, sessions),
            CutOff(context, crew, sessions, unanswered),
            GiveBack(context, crew),
            Unpaid(context, sessions, onlookers),
            Send(context, crew, sessions, unanswered, onlookers, self._lead, guard.still_right),
            guard,
            ReadSessions(context, crew, sessions, unanswered),
            ReadCards(context, crew),
            prove,
            Refunds(context),
            Receipts(context),
            LookAfter(context, sessions, prove.again),
            SendMails(context),
            Tell(context),
            Erase(context),
            BackUp(context),
            WriteMonths(boards),
            Sites(boards),
            OwnChargers(boards),
            BoardCards(boards, crew),
            SiteProgress(boards, crew, sessions, codes),
            MeterStands(boards, crew, sessions, codes),
            SiteTransactions(boards, crew, codes),
        ]

    # The outside of the engine

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop, let the drivers' calls finish, and give the lease back. Nobody waits for a board's reads."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._crew.finish()
        try:
            self._lead.give_back()
        finally:
            self._crew.leave()

    def wake(self) -> None:
        """Somebody asked for something that stands in the store: read it now."""
        self._sessions.stale = True
        self._wake.set()

    def alive(self) -> bool:
        """A round ended well a moment ago, leading or standing by, and whoever leads could write to the store.

        The lease is renewed by a write every few seconds: while it lives, a write works.
        """
        context, at = self._context, self._well_at
        now = context.clock.now()
        if at is None or now - at >= self._lead.ttl:
            return False
        try:
            return context.store.lease_lives(LEASE, now)
        except Exception:  # noqa: BLE001 - whatever the store cannot do, it is not ready
            return False

    @property
    def leading(self) -> bool:
        return self._lead.leading

    def may_send(self) -> bool:
        """By the store nobody else leads now."""
        context = self._context
        return context.store.who_holds(LEASE, context.clock.now()) in {None, self._lead.holder}

    def duties(self) -> list[DutyState]:
        """The state of every duty as plain JSON, in the order of the round. Nothing in it is secret."""
        return [post.state() for post in self._posts]

    def states(self) -> Sequence[Post]:
        """The duties at their places, in the order of the round."""
        return self._posts

    def unwell(self) -> list[str]:
        """The names of duties that are late, or without which nothing works and that fail. Of who leads alone."""
        if not self._lead.leading:
            return []
        now = self._context.clock.now()
        return [post.name for post in self._posts if post.late(now) or (post.vital and not post.well)]

    def round(self) -> float:
        """Let every duty run once. Returns the seconds after which to go round again at the latest."""
        self._leaps.look()
        now = self._context.clock.now()
        wait = ROUND_AT_MOST * self._context.clock.rate
        well = True
        if self._lead.hold(now, self._begin):
            began = time.monotonic()
            wait = min(post.turn(now, self._crew) for post in self._posts).total_seconds()
            if self._context.spans is not None and time.monotonic() - began > WORTH_A_SPAN:
                self._context.spans.record("engine: round", time.monotonic() - began)
            well = all(post.well for post in self._posts if post.vital)
        else:
            self._stand_by(now)
        if well:
            self._well_at = now
        return wait

    def _stand_by(self, now: datetime) -> None:
        """What was asked for here while nothing could be written is written down, for whoever leads elsewhere.

        Whoever leads finds out by their lease that the store takes something again. Who stands by writes nothing of
        their own, so they try: else a wish would wait in memory for a write that never comes, and `/readyz` would say
        for ever that this process cannot write.
        """
        if self._context.store.trouble is not None:
            with suppress(Unavailable):
                self._context.store.try_write(now)
        written = self._context.store.write_down()
        if written:
            self._context.news.wish(*(session_topic(key) for key in written))

    def _begin(self) -> None:
        for post in self._posts:
            post.lead()

    # The loop

    def _run(self) -> None:
        failing = False
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                wait = self.round()
                if failing:
                    failing = False
                    log.info("the engine's round works again")
            except Exception:
                wait = 1.0
                if not failing:
                    failing = True
                    log.exception("the engine's round failed; it goes on")
            if not self._stopping.is_set():
                self._context.clock.wait(self._wake, min(wait, ROUND_AT_MOST * self._context.clock.rate))
