"""The open sessions as last stored, and what the duties must know of them between two rounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from kiosk.domain.progress import Progress, is_live, joined
from kiosk.domain.session import Session
from kiosk.domain.status import Group
from kiosk.engine.context import Context, about
from kiosk.engine.schedule import ENDED_TARGET, ReadNeed, may_wait, target_seconds, told_whole
from kiosk.news.news import session_topic

CLOSELY_FOR = timedelta(seconds=60)
"""How long after a command of it has ended a session is read closely."""


class OpenSessions:
    """Only a cache: the store is the truth and is read again every few seconds. Thread-safe."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._sessions: dict[str, Session] = {}
        self._kept_meanwhile: dict[str, Session] = {}
        self._asked: dict[str, datetime] = {}
        self._commanded: dict[str, datetime] = {}
        self._progress: dict[str, Progress] = {}
        self._ended = 0
        self.stale = True

    def refresh(self) -> None:
        """Read from the store what is open; forget the rest. After a failure the list is still stale."""
        self.stale = False
        with self._lock:
            self._kept_meanwhile = {}
        try:
            sessions = {session.key: session for session in self._context.store.sessions_to_watch()}
        except Exception:
            self.stale = True
            raise
        with self._lock:
            for session in self._kept_meanwhile.values():
                _keep(sessions, session)
            self._sessions = sessions
            self._asked = {key: at for key, at in self._asked.items() if key in sessions}
            self._commanded = {key: at for key, at in self._commanded.items() if key in sessions}

    def keep(self, session: Session) -> None:
        """A newer state of one session; one that has ended is open no more."""
        with self._lock:
            self._kept_meanwhile[session.key] = session
            if _keep(self._sessions, session):
                self._ended += 1

    @property
    def ended(self) -> int:
        """How many this engine has seen end."""
        with self._lock:
            return self._ended

    def all(self) -> list[Session]:
        with self._lock:
            return list(self._sessions.values())

    def one(self, key: str) -> Session | None:
        with self._lock:
            return self._sessions.get(key)

    def progress(self, key: str) -> Progress | None:
        """What the operator's view has told of this charge."""
        with self._lock:
            return self._progress.get(key)

    def know_progress(self, told: Mapping[str, Progress]) -> None:
        with self._lock:
            self._progress |= told

    def forget_progress(self) -> set[str]:
        """Forget what was told of charges that do not run any more. Returns their keys."""
        with self._lock:
            over = {key for key in self._progress if not _runs(self._sessions.get(key))}
            for key in over:
                del self._progress[key]
            return over

    def as_shown(self, session: Session) -> Session:
        """With the figures of the operator's view, where they count and are newer."""
        return joined(session, self.progress(session.key))

    def about(self, key: str) -> dict[str, str]:
        """What a line of the log says of the session with that key; also of one that is not open."""
        with self._lock:
            session = self._sessions.get(key)
        return about(session) if session is not None else {"session": key}

    def note_asked(self, key: str, now: datetime) -> None:
        """A read of this session is on its way."""
        with self._lock:
            self._asked[key] = now

    def note_commanded(self, key: str, now: datetime) -> None:
        """A command of this session has just ended: something is about to change."""
        with self._lock:
            self._commanded[key] = now

    def needs(self, now: datetime, busy: set[str]) -> list[ReadNeed]:
        """What wants to be read, without the sessions whose keys are in `busy`."""
        hints = self._context.store.hints()
        with self._lock:
            sessions, asked, commanded = list(self._sessions.values()), dict(self._asked), dict(self._commanded)
            told = dict(self._progress)
        needs = []
        for session in sessions:
            hint = hints.pop(session.key, None)
            if session.key in busy:
                continue
            last = asked.get(session.key) or session.asked_at
            hinted = hint is not None and (last is None or hint >= last)
            need = self._need(session, last, now, commanded.get(session.key), told.get(session.key))
            if told_whole(session):  # it has ended as well, whatever word has come since
                if hinted or last is None or now - last >= timedelta(seconds=need.target):
                    needs.append(ReadNeed(session.key, last, ENDED_TARGET, ended=True))
            else:
                needs.append(ReadNeed(session.key, None, 1.0) if hinted else need)
        # A hint about a session that has ended, of a refund for instance: read once more, when there is room.
        needs.extend(ReadNeed(key, at, ENDED_TARGET, ended=True) for key, at in hints.items() if key not in busy)
        return needs

    def _need(
        self,
        session: Session,
        last: datetime | None,
        now: datetime,
        commanded: datetime | None,
        progress: Progress | None,
    ) -> ReadNeed:
        watched = self._context.news.watched(session_topic(session.key))
        told_elsewhere = is_live(session, progress, now)
        target = target_seconds(
            joined(session, progress),
            now,
            watched=watched,
            just_commanded=commanded is not None and now - commanded < CLOSELY_FOR,
            told_elsewhere=told_elsewhere,
        )
        return ReadNeed(session.key, last, target, patient=may_wait(session, watched=watched and not told_elsewhere))


def _runs(session: Session | None) -> bool:
    return session is not None and session.facts.group is Group.RUNNING


def _keep(sessions: dict[str, Session], session: Session) -> bool:
    """Put a state in its place unless a newer one is there. True when the session has ended, and was open before."""
    if not session.watchable or session.final:
        return sessions.pop(session.key, None) is not None
    known = sessions.get(session.key)
    if known is None or session.version >= known.version:
        sessions[session.key] = session
    return False
