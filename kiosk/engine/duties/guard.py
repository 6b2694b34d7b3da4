"""What the kiosk does by itself: deadlines of a start, cars that never draw, the driver's limit, the hold. And what it
pursues: the end that somebody wants, until it is seen, and the payment that may have been made.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.commands import PEOPLE, PURSUED, AskedBy, Command, Kind
from kiosk.domain.lateness import LATEST, Lateness
from kiosk.domain.limits import LATER, Step, acts_in, guard, quiet_by
from kiosk.domain.progress import Progress
from kiosk.domain.pursuit import Due, may_be_pursued, next_end, next_look
from kiosk.domain.session import Session
from kiosk.domain.status import Status
from kiosk.domain.unpaid import unpaid_ends
from kiosk.engine.context import Context, about, the_session
from kiosk.engine.duty import NOTHING_SOON, Duty, Jobs
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.reading import read_session
from kiosk.news.news import session_topic
from kiosk.upstream.plugchoice.budget import Endpoint

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=1)
"""A command is under way: when it has ended, the next one may be due."""
READ_FIRST = timedelta(seconds=10)
"""A step by figures that are older is read for once more before it leaves."""
_SOONEST = timedelta(milliseconds=200)
_ENDS = frozenset({Kind.STOP, Kind.CANCEL})
_WISHED = PEOPLE | {AskedBy.KIOSK, AskedBy.PROVIDER}
"""Not decided by a session's figures."""


@dataclass(frozen=True, slots=True)
class _Quiet:
    """Nothing is due to this session, as far as these are the same and it is not later."""

    version: int
    progress: Progress | None
    late_by: timedelta
    until: datetime
    acts_at: datetime | None
    """When something will be due by what was known."""

    def still(self, session: Session, progress: Progress | None, late_by: timedelta, now: datetime) -> bool:
        same = self.version == session.version and self.progress is progress
        return same and late_by <= self.late_by + LATER and now < self.until


class Guard(Duty):
    """Asks for the command that a session needs now. The next round sends it.

    The kiosk itself does nothing to a session before it was read since this engine leads: what was known before may
    long be over. A session that cannot be read at all is left alone. Its hold bounds the cost all the same, and what
    its driver asks for is sent.
    """

    name = "guard"
    vital = True

    def __init__(self, context: Context, sessions: OpenSessions) -> None:
        self._context = context
        self._sessions = sessions
        self._nothing_until: dict[str, tuple[object, datetime]] = {}
        self._since: datetime | None = None
        self._rounds = Lateness()
        self._quiet: dict[str, _Quiet] = {}
        self._failing: set[str] = set()

    def take_over(self, now: datetime) -> None:
        self._nothing_until = {}
        self._since = now
        self._rounds = Lateness()
        self._quiet = {}

    def jobs(self, now: datetime) -> Jobs:
        """One session that cannot be judged keeps no other one unguarded: it is put aside for a moment."""
        sessions = self._sessions.all()
        keys = {session.key for session in sessions}
        self._nothing_until = {key: known for key, known in self._nothing_until.items() if key in keys}
        self._quiet = {key: known for key, known in self._quiet.items() if key in keys}
        self._rounds.note(now)
        late_by = self._late_by(now)
        self._failing &= keys
        again = NOTHING_SOON
        for session in sessions:
            try:
                wait = self._guard(session, now, late_by)
            except Exception as error:
                wait = LOOK_AGAIN
                if session.key not in self._failing:
                    self._failing.add(session.key)
                    log.error("a session cannot be guarded", exc_info=error, extra=about(session))
            else:
                if session.key in self._failing:
                    self._failing.discard(session.key)
                    log.info("a session can be guarded again", extra=about(session))
            again = min(again, wait)
        return Jobs(wait=again)

    def still_right(self, command: Command) -> bool:
        """Whether a command may leave now. One that the kiosk decided by itself is judged once more, by a new reading.

        May read the session. One that is no longer right is withdrawn; it is asked for again when it is.
        """
        if command.asked_by in _WISHED or command.kind not in _ENDS:
            return True
        context = self._context
        session = the_session(context.store, command.session_key)
        if session.wish is not None or session.standing is Status.STOPPING:
            return True
        now = context.clock.now()
        if session.observed_at is None or now - session.observed_at > READ_FIRST or self._unread(session):
            read = read_session(context, session.key)
            if read is not None:
                session = read
                self._sessions.keep(session)
        now = context.clock.now()
        if command.asked_by is AskedBy.UNPAID and self._unpaid_still(session, now):
            return True
        step = self._step(session, now, self._late_by(now))
        if step is not None and step.kind is command.kind:
            return True
        if not context.store.withdraw(command.id, now):
            return True
        said = {"kind": command.kind.value, "reason": command.asked_by.value}
        log.info("what the kiosk had decided is no longer right; it is not sent", extra={**about(session), **said})
        context.news.publish(session_topic(session.key))
        return False

    def _unpaid_still(self, session: Session, now: datetime) -> bool:
        """By a new reading nobody has paid it, and nobody has come back to its page: what was paid meanwhile, or may
        have been, is kept.
        """
        read = session.observed_at is not None and now - session.observed_at <= READ_FIRST
        ends = unpaid_ends(session, now)
        back = ends is not None and now < ends and self._context.news.watched(session_topic(session.key))
        return read and session.known_status is Status.CREATED and not back

    def _guard(self, session: Session, now: datetime, late_by: timedelta) -> timedelta:
        """Ask for what is due, and say after how long something may be due again."""
        quiet, progress = self._quiet.get(session.key), self._sessions.progress(session.key)
        if quiet is not None and quiet.still(session, progress, late_by, now):
            return NOTHING_SOON if quiet.acts_at is None else max(quiet.acts_at - now, _SOONEST)
        own = self._step(session, now, late_by)
        if own is None and not may_be_pursued(session):
            return self._stay_quiet(session, progress, now, late_by)
        seen = (session.version, own)
        known, until = self._nothing_until.get(session.key, (None, now))
        if known == seen and now < until:
            return until - now
        due = self._due(session, own, now)
        if due is None or due.at > now:
            until = min(now + NOTHING_SOON, due.at) if due is not None else now + LOOK_AGAIN
            self._nothing_until[session.key] = seen, until
            return until - now
        self._context.store.ask(session.key, due.kind, due.asked_by, now)
        if due.asked_by not in PEOPLE | {AskedBy.KIOSK}:
            said = {"kind": due.kind.value, "reason": due.asked_by.value}
            log.info("the kiosk acts by itself", extra={**about(session), **said})
        self._context.news.publish(session_topic(session.key))
        return timedelta(0)

    def _stay_quiet(self, session: Session, progress: Progress | None, now: datetime, late_by: timedelta) -> timedelta:
        """Nothing is due. Before anything is by the time alone it is judged again, and as soon as something is new."""
        policy, shown = self._context.policy, self._sessions.as_shown(session)
        soon = acts_in(shown, policy, now, late_by)
        until = quiet_by(shown, now, soon)
        if until is not None:
            acts_at = now + soon if soon is not None else None
            self._quiet[session.key] = _Quiet(session.version, progress, late_by, until, acts_at)
        return NOTHING_SOON if soon is None else max(soon, _SOONEST)

    def _due(self, session: Session, own: Step | None, now: datetime) -> Due | None:
        commands = [one for one in self._context.store.commands(session.key) if one.kind in PURSUED]
        return next_end(session, commands, own, now) or next_look(session, commands)

    def _step(self, session: Session, now: datetime, late_by: timedelta) -> Step | None:
        policy = self._context.policy
        session = self._sessions.as_shown(session)
        step = guard(session, policy, now, late_by, since=self._since)
        if step is None or step.asked_by not in {AskedBy.LIMIT, AskedBy.HOLD}:
            return step
        fuse_kw = self._fuse_kw(session)
        return step if fuse_kw is None else guard(session, policy, now, late_by, since=self._since, fuse_kw=fuse_kw)

    def _fuse_kw(self, session: Session) -> Decimal | None:
        """Asked for only when it could change something: it counts as somebody who looks at the site."""
        return self._context.fuse_kw(session) if self._context.fuse_kw is not None else None

    def _unread(self, session: Session) -> bool:
        return self._since is not None and (session.observed_at is None or session.observed_at < self._since)

    def _late_by(self, now: datetime) -> timedelta:
        """The longest time between two looks of late, and the wait for a free stop: a busy machine passes no limit."""
        return self._rounds.longest + min(self._context.budgets.wait(Endpoint.STOP, now), LATEST)
