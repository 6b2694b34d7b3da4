"""Reads sessions and chargers from upstream, when the schedule says so, and keeps what the engine must know between
two rounds.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from kiosk.domain.commands import Refusal
from kiosk.domain.session import Session
from kiosk.engine.context import Context, about
from kiosk.engine.observing import observe, tell
from kiosk.engine.schedule import ReadNeed, target_seconds
from kiosk.news.live import charger_topic, session_topic
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, SessionGone

log = logging.getLogger(__name__)

LATELY = timedelta(seconds=60)


class Watch:
    """The open sessions as last stored. Only a cache: the store is the truth and is read again every few seconds."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._sessions: dict[str, Session] = {}
        self._tried: dict[str, datetime] = {}
        self._lately: dict[str, datetime] = {}

    def refresh(self) -> None:
        """Take up what the store says is open; forget the rest."""
        sessions = {session.key: session for session in self._context.store.sessions_to_watch()}
        with self._lock:
            self._sessions = sessions
            self._tried = {key: at for key, at in self._tried.items() if key in sessions}
            self._lately = {key: at for key, at in self._lately.items() if key in sessions}

    def put(self, session: Session) -> None:
        """A newer state of one session."""
        with self._lock:
            known = self._sessions.get(session.key)
            if session.watchable and not session.final:
                if known is None or session.version >= known.version:
                    self._sessions[session.key] = session
            else:
                self._sessions.pop(session.key, None)

    def lately(self, key: str, now: datetime) -> None:
        """A command of this session has just ended: read it closely for a minute."""
        with self._lock:
            self._lately[key] = now

    def sessions(self) -> list[Session]:
        with self._lock:
            return list(self._sessions.values())

    def needs(self, now: datetime, busy: set[str]) -> list[ReadNeed]:
        """What wants to be read, without the sessions in `busy`."""
        hints = self._context.store.hints()
        with self._lock:
            sessions, tried, lately = list(self._sessions.values()), dict(self._tried), dict(self._lately)
        needs = []
        for session in sessions:
            if session.key in busy:
                hints.pop(session.key, None)
                continue
            last = tried.get(session.key) or session.asked_at
            if last is not None and last > now:
                last = None  # the clock was set back since
            hint = hints.pop(session.key, None)
            if hint is not None and (last is None or hint > last):
                needs.append(ReadNeed(session.key, None, 1.0))
                continue
            needs.append(ReadNeed(session.key, last, self._target(session, now, lately.get(session.key))))
        # A hint about a session that has ended, of a refund for instance: read once more.
        needs.extend(ReadNeed(key, None, 1.0) for key in hints if key not in busy)
        return needs

    def forget_times(self) -> None:
        """The clock was set back: times of before say nothing any more."""
        with self._lock:
            self._tried.clear()
            self._lately.clear()

    def target(self, session: Session, now: datetime) -> float:
        """How often this session should be read, in seconds."""
        with self._lock:
            lately = self._lately.get(session.key)
        return self._target(session, now, lately)

    def _target(self, session: Session, now: datetime, lately: datetime | None) -> float:
        return target_seconds(
            session,
            now,
            watched=self._context.live.watched(session_topic(session.key)),
            lately_asked=lately is not None and now - lately < LATELY,
        )

    def trying(self, key: str, now: datetime) -> None:
        """A read of this session is on its way."""
        with self._lock:
            self._tried[key] = now

    def read(self, key: str) -> Session | None:
        """Read one session and fold what upstream says. A failed read leaves the last good figures, which grow old."""
        context = self._context
        asked = context.clock.now()
        token = context.store.token(key)
        if token is None:
            context.store.clear_hint(key, asked)
            known = context.store.session(key)
            log.error(
                "a session cannot be read: its token is erased, or under a secret that is no longer set",
                extra=about(known) if known is not None else {"session": key},
            )
            return None
        try:
            seen = context.public.get_session(token)
        except SessionGone:
            context.health.answered()
            context.store.clear_hint(key, asked)
            session = context.store.mark_gone(key, asked, context.clock.now())
            tell(context, session)
            return session
        except Refused:
            context.health.answered()
        except NotSent as error:
            context.health.failed(context.clock.now(), str(error))
        except NoAnswer as error:
            context.health.failed(context.clock.now(), str(error))
        else:
            context.health.answered()
            context.store.clear_hint(key, asked)
            return observe(context, key, seen, "read")
        return None

    def read_card(self, code: str) -> None:
        """Read one charger's card. The last good card stays when there is no answer."""
        context = self._context
        try:
            card = context.public.get_charger(code)
        except Refused as no:
            context.health.answered()
            if no.reason is not Refusal.TOO_MANY:
                context.store.note_card_problem(code, no.reason, context.clock.now())
        except (NotSent, NoAnswer) as error:
            now = context.clock.now()
            context.health.failed(now, str(error))
            context.store.note_card_problem(code, None, now)
        else:
            context.health.answered()
            # Upstream's codes are case-insensitive; ours is the one in the address.
            context.store.save_card(replace(card, code=code))
        context.live.publish(charger_topic(code))
