"""The engine's round: lease, commands, deadlines, reads. One thread decides, a small pool makes the outside calls.

Killed at any line it resumes: the store is the only memory. `inline=True` makes the calls on the deciding thread, for
simulations.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from kiosk.domain.commands import AskedBy, Command, CommandState
from kiosk.domain.limits import guard
from kiosk.domain.session import Session
from kiosk.engine.context import Context, OpenStore, about
from kiosk.engine.duties.prove import ProofReader
from kiosk.engine.duties.read import Watch
from kiosk.engine.duties.send import ENDPOINTS, FIRST, Sender
from kiosk.engine.observing import follow
from kiosk.engine.schedule import plan
from kiosk.engine.sites.watch import SiteWatch
from kiosk.news.live import session_topic
from kiosk.store.store import Store
from kiosk.upstream.plugchoice.budget import Endpoint

log = logging.getLogger(__name__)

LEASE = "engine"
LEASE_TTL = 10.0
ROUND_AT_MOST = 1.0
SITE_WORKERS = 7
BOARD_CARDS_AT_ONCE = 2
REFRESH_EVERY = 5.0
CUT_OFF_AFTER = timedelta(seconds=90)
ERASE_EVERY = timedelta(hours=1)
ACT_AGAIN_AFTER = timedelta(seconds=30)
ACT_AGAIN_OFFLINE = timedelta(minutes=10)
"""A charger without contact refuses every stop, and the budget for stops is everybody's."""
A_STEP_BACK = timedelta(seconds=5)


def _turn(command: Command) -> tuple[int, bool, int]:
    """What ends a charge first, and of those what a driver asked for himself."""
    return FIRST.index(command.kind), command.asked_by is not AskedBy.DRIVER, command.id


class Engine:
    def __init__(self, context: Context, *, inline: bool = False, workers: int = 8) -> None:
        self._context = context
        self._watch = Watch(context)
        self._sender = Sender(context)
        self._proofs = ProofReader(context)
        self._ended = threading.Event()
        boards = replace(context, store=cast("Store", OpenStore(context.store, self._ended)))
        self._sites = SiteWatch(boards)
        self._read_board_card = Watch(boards).read_card
        self._pool = None if inline else ThreadPoolExecutor(workers, thread_name_prefix="upstream")
        # A slow payment provider must never keep a driver's stop waiting.
        self._proof_pool = None if inline else ThreadPoolExecutor(1, thread_name_prefix="proofs")
        # Nor must a site's board: one worker for each kind of its reads, and two for public cards.
        self._site_pool = None if inline else ThreadPoolExecutor(SITE_WORKERS, thread_name_prefix="sites")
        self._holder = secrets.token_hex(8)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._flying: Counter[Endpoint] = Counter()
        self._unknown: set[str] = set()
        self._acted: dict[tuple[str, str], datetime] = {}
        self._last_read: datetime | None = None
        self._leading = False
        self._renewed: datetime | None = None
        self._refreshed: datetime | None = None
        self._erased: datetime | None = None
        self._stale = True
        self._round_at: datetime | None = None
        self._ttl = timedelta(seconds=LEASE_TTL * context.clock.rate)
        context.live.on_wish(self.wake)

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
        for pool in (self._pool, self._proof_pool):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
        self._ended.set()
        self._context.store.release_lease(LEASE, self._holder)
        if self._site_pool is not None:
            self._site_pool.shutdown(wait=False, cancel_futures=True)

    def wake(self) -> None:
        """Somebody asked for something that stands in the store: read it now."""
        self._stale = True
        self._wake.set()

    def alive(self) -> bool:
        """The loop has gone round lately, leading or standing by."""
        at = self._round_at
        return at is not None and self._context.clock.now() - at < self._ttl

    @property
    def leading(self) -> bool:
        return self._leading

    def round(self) -> float:
        """One look at everything. Returns the seconds after which to look again at the latest."""
        now = self._context.clock.now()
        if self._round_at is not None and self._round_at - now > A_STEP_BACK:
            self._clock_went_back(now)
        self._round_at = now
        if not self._lead(now):
            return ROUND_AT_MOST * self._context.clock.rate
        self._look_again(now)
        again = self._send_commands(now)
        self._mind_limits(now)
        self._forget_people(now)
        again = min(again, self._read_sessions(now), self._read_cards(now), self._read_proofs(now))
        return min(again, self._mind_sites(now))

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

    def _lead(self, now: datetime) -> bool:
        if self._leading and self._renewed is not None and now - self._renewed < self._ttl / 3:
            return True
        leads = self._context.store.take_lease(LEASE, self._holder, now, self._ttl)
        if leads and not self._leading:
            self._take_over(now)
        elif self._leading and not leads:
            log.warning("another engine leads now")
        self._leading = leads
        self._renewed = now
        return leads

    def _take_over(self, now: datetime) -> None:
        """Remember the calls of the last minutes, so that a restart cannot overspend, and take up what was cut off."""
        calls = self._context.store.calls_since(now - timedelta(minutes=2))
        known = {endpoint.value for endpoint in Endpoint}
        self._context.budgets.restore((Endpoint(name), at) for name, at in calls if name in known)
        self._context.store.pull_back(now)
        self._watch.refresh()
        self._take_up_cut_off(now, sent_before=None)
        for session in self._watch.sessions():
            commands = self._context.store.commands(session.key)
            if any(command.state is CommandState.UNKNOWN for command in commands):
                self._unknown.add(session.key)

    def _clock_went_back(self, now: datetime) -> None:
        """Everything that was to happen at a time of before happens now, or is decided anew."""
        log.warning("the clock was set back")
        self._acted.clear()
        self._refreshed = self._renewed = self._erased = None
        self._watch.forget_times()
        self._sites.forget_times()
        self._context.health.answered()
        self._context.store.pull_back(now)

    def _write_receipts(self) -> None:
        """What a kill, or a store that could not write, has left without one. One that fails keeps no other waiting."""
        for session in self._context.store.without_receipt():
            try:
                follow(self._context, session)
            except Exception:
                log.exception("a receipt could not be written; it is tried again", extra=about(session))

    def _take_up_cut_off(self, now: datetime, sent_before: datetime | None) -> None:
        for key in self._sender.resume(sent_before):
            self._unknown.add(key)
            self._context.store.hint(key, now)

    def _look_again(self, now: datetime) -> None:
        due = self._refreshed is None or now - self._refreshed >= timedelta(seconds=REFRESH_EVERY)
        if self._stale or due:
            self._stale = False
            self._watch.refresh()
            self._refreshed = now
            self._acted = {mark: at for mark, at in self._acted.items() if now - at < ACT_AGAIN_OFFLINE}
        if due:
            # Longer than any call lives: what still has no end then could not be written down.
            self._take_up_cut_off(now, sent_before=now - CUT_OFF_AFTER)
            self._write_receipts()

    # What a round does

    def _send_commands(self, now: datetime) -> float:
        waiting = sorted(self._context.store.waiting(now), key=_turn)
        again = 60.0
        for command in waiting:
            endpoint = ENDPOINTS[command.kind]
            wait = self._context.budgets.wait(endpoint, now)
            if wait > timedelta(0) or not self._room(endpoint, now):
                again = min(again, max(wait.total_seconds(), 0.2))
                continue
            mark = f"command:{command.session_key}"
            if self._is_busy(mark) or not self._context.store.claim(command.id, now):
                continue

            def job(command_id: int = command.id, key: str = command.session_key) -> None:
                claimed = next(c for c in self._context.store.commands(key) if c.id == command_id)
                if claimed.state is not CommandState.SENT:
                    return  # it waited here for so long that it was given up meanwhile
                session = self._sender.send(claimed)
                self._watch.lately(key, self._context.clock.now())
                self._after(session, unknown=True)

            self._submit(job, mark, endpoint)
        at = self._context.store.next_command_at()
        return min(again, max((at - now).total_seconds(), 0.05)) if at is not None and at > now else again

    def _mind_limits(self, now: datetime) -> None:
        policy = self._context.policy
        for session in self._watch.sessions():
            step = guard(session, policy, now, timedelta(seconds=self._watch.target(session, now)))
            if step is None:
                continue
            mark = (session.key, step.kind.value)
            again_after = ACT_AGAIN_OFFLINE if session.charger_online is False else ACT_AGAIN_AFTER
            if mark in self._acted and now - self._acted[mark] < again_after:
                continue
            self._acted[mark] = now
            log.info(
                "the kiosk acts by itself",
                extra={**about(session), "kind": step.kind.value, "reason": step.asked_by.value},
            )
            self._context.store.ask(session.key, step.kind, step.asked_by, now)
            self._context.live.publish(session_topic(session.key))
            self._wake.set()

    def _forget_people(self, now: datetime) -> None:
        """Once an hour: erase e-mails, devices and upstream keys of sessions that ended long enough ago."""
        if self._erased is not None and now - self._erased < ERASE_EVERY:
            return
        self._erased = now
        self._context.store.forget_handoffs(now)
        erased = self._context.store.erase_personal(now - self._context.personal_data_lives)
        if erased:
            log.info("personal data of ended sessions was erased", extra={"sessions": erased})

    def _read_sessions(self, now: datetime) -> float:
        if self._context.health.resting(now):
            return 1.0
        budgets, endpoint = self._context.budgets, Endpoint.GET_SESSION
        needs = self._watch.needs(now, self._busy_keys())
        free = budgets.free(endpoint, now) - self._in_flight(endpoint)
        per_minute = budgets.limit(endpoint)
        chosen = plan(needs, free=free, per_minute=per_minute, last_read=self._last_read, now=now)
        self._last_read = chosen.last_read
        for key in chosen.now:
            self._watch.trying(key, now)

            def job(key: str = key) -> None:
                session = self._watch.read(key)
                if session is not None:
                    self._after(session, unknown=key in self._unknown)

            self._submit(job, key, endpoint)
        if free <= 0:
            return max(budgets.wait(endpoint, now).total_seconds(), 0.2)
        return chosen.again_in.total_seconds()

    def _read_cards(self, now: datetime) -> float:
        if self._context.health.resting(now):
            return 1.0
        endpoint = Endpoint.GET_CHARGER
        for code, _ in self._context.store.wanted_cards():
            mark = f"card:{code}"
            if self._is_busy(mark):
                continue
            if not self._room(endpoint, now):
                return max(self._context.budgets.wait(endpoint, now).total_seconds(), 0.2)
            self._submit(lambda code=code: self._watch.read_card(code), mark, endpoint)  # type: ignore[misc]
        return 60.0

    def _mind_sites(self, now: datetime) -> float:
        """Boards that somebody looks at, after everything that a driver waits for."""
        jobs, wait = self._sites.jobs(now)
        for mark, job in jobs:
            if not self._is_busy(mark):
                self._submit(job, mark, None, self._site_pool)
        if self._context.health.resting(now):
            return 1.0
        endpoint = Endpoint.GET_CHARGER
        lanes = BOARD_CARDS_AT_ONCE - sum(mark.startswith("board:") for mark in self._busy_keys())
        free = self._context.budgets.free(endpoint, now) - self._in_flight(endpoint)
        for code in self._sites.cards(now, free, lanes if self._site_pool is not None else free):
            self._submit(partial(self._read_board_card, code), f"board:{code}", endpoint, self._site_pool)
        return wait.total_seconds()

    def _read_proofs(self, now: datetime) -> float:
        if self._context.proofs is None:
            return 60.0
        for session in (*self._watch.sessions(), *self._proofs.take_up()):
            mark = f"proof:{session.key}"
            if self._proofs.wanted(session, now) and not self._is_busy(mark):
                self._proofs.trying(session.key, now)

                def job(key: str = session.key) -> None:
                    seen = self._proofs.read(key)
                    if seen is not None:
                        self._watch.put(seen)

                self._submit(job, mark, None, self._proof_pool)
        return 5.0

    def _after(self, session: Session, *, unknown: bool) -> None:
        self._watch.put(session)
        if unknown:
            now = self._context.clock.now()
            if self._sender.repeat_unknown(session, now):
                self._unknown.add(session.key)
            else:
                self._unknown.discard(session.key)

    # Calls under way

    def _submit(
        self,
        job: Callable[[], None],
        mark: str,
        endpoint: Endpoint | None,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        with self._lock:
            self._busy[mark] += 1
            if endpoint is not None:
                self._flying[endpoint] += 1

        def run() -> None:
            try:
                job()
            except Exception:
                if not self._ended.is_set():
                    log.exception("a piece of the engine's work failed")
            finally:
                with self._lock:
                    self._busy[mark] -= 1
                    self._busy += Counter()
                    if endpoint is not None:
                        self._flying[endpoint] -= 1
                self._wake.set()

        pool = pool or self._pool
        if pool is None:
            run()
        else:
            pool.submit(run)

    def _is_busy(self, mark: str) -> bool:
        with self._lock:
            return self._busy[mark] > 0

    def _busy_keys(self) -> set[str]:
        with self._lock:
            return set(self._busy)

    def _in_flight(self, endpoint: Endpoint) -> int:
        with self._lock:
            return self._flying[endpoint]

    def _room(self, endpoint: Endpoint, now: datetime) -> bool:
        """A grant is left even when every call under way should still take one."""
        return self._context.budgets.free(endpoint, now) - self._in_flight(endpoint) > 0
