"""Gives back what nobody will use: a session that upstream made and that no start of ours could take.

Its answer could not be used, this process was killed or frozen in between, or the store could not be written. The
token of such a session has a row of its own; a cancel frees its bay at once, instead of upstream's expiry later.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.commands import Refusal
from kiosk.engine.context import Context
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs
from kiosk.engine.unanswered import backoff
from kiosk.store.tokens import UnusedToken
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, SessionGone
from kiosk.upstream.plugchoice.budget import Endpoint

log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(seconds=60)
"""Whatever upstream asks for: a bay waits for it."""
LOOK_EVERY = timedelta(seconds=1)
"""While there is a row: its start may end at any moment."""


class GiveBack(Duty):
    name = "give back"

    def __init__(self, context: Context, crew: Crew) -> None:
        self._context = context
        self._crew = crew

    def jobs(self, now: datetime) -> Jobs:
        store, endpoint = self._context.store, Endpoint.CANCEL
        if store.next_unused_at() is None:
            return Jobs()
        jobs: list[Job] = []
        for token in store.unused_tokens(now):
            mark = f"token:{token.id}"
            if self._crew.busy(mark) or self._crew.free(endpoint, now) <= len(jobs):
                continue
            about = {"session": token.session_key}
            jobs.append(Job(mark, partial(self._cancel, token), endpoint, about=about))
        return Jobs(tuple(jobs), LOOK_EVERY)

    def _cancel(self, unused: UnusedToken) -> None:
        context = self._context
        about = {"session": unused.session_key}
        token = context.store.received_token(unused.id)
        if token is None:
            log.error("a session that nobody uses cannot be cancelled: its token cannot be read", extra=about)
            context.store.token_given_back(unused, None)
            return
        try:
            seen = context.public.cancel(token)
        except SessionGone:
            context.store.token_given_back(unused, None)
        except Refused as no:
            if no.reason is Refusal.TOO_MANY:
                self._put_off(unused, no.retry_after or LONGEST_WAIT)
                return
            # Nobody ever had what it takes to pay it, so what cannot be cancelled has ended.
            log.info("a session that nobody uses had ended already", extra={**about, "said": no.message})
            context.store.token_given_back(unused, None)
        except NotSent as error:
            self._put_off(unused, error.wait if isinstance(error, BudgetSpent) else backoff(unused.attempts + 1))
        except NoAnswer:
            self._put_off(unused, backoff(unused.attempts + 1))
        else:
            log.info("a session that nobody uses was cancelled", extra=about)
            context.store.token_given_back(unused, seen)

    def _put_off(self, unused: UnusedToken, wait: timedelta) -> None:
        self._context.store.put_off_token(unused.id, self._context.clock.now() + min(wait, LONGEST_WAIT))
