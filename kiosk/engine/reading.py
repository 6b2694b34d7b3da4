"""Asks upstream once about a session or a charger, and stores what it says."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from kiosk.domain.commands import Refusal
from kiosk.domain.session import Session
from kiosk.engine.context import Context, about
from kiosk.engine.observing import observe, tell
from kiosk.news.news import charger_topic
from kiosk.store.errors import CannotWrite
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, SessionGone, Unrecorded

log = logging.getLogger(__name__)


def read_session(context: Context, key: str) -> Session | None:
    """Read one session and fold what upstream says. A failed read leaves the last good figures, which grow old."""
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
        _clear_hint(context, key, asked)
        session = context.store.mark_gone(key, asked, context.clock.now())
        tell(context, session)
        return session
    except Refused:
        context.health.answered()
    except (NotSent, NoAnswer) as error:
        context.health.failed(context.clock.now(), error)
    else:
        context.health.answered()
        _clear_hint(context, key, asked)
        return observe(context, key, seen, "read")
    return None


def _clear_hint(context: Context, key: str, asked: datetime) -> None:
    """One that stays is asked about once more; the answer that came is worth more than that."""
    with suppress(CannotWrite):
        context.store.clear_hint(key, asked)


def read_card(context: Context, code: str) -> None:
    """Read one charger's card. The last good card stays when there is no answer."""
    try:
        card = context.public.get_charger(code)
    except Refused as no:
        context.health.answered()
        if no.reason is not Refusal.TOO_MANY:
            context.store.note_card_problem(code, no.reason, context.clock.now())
    except Unrecorded:
        raise  # nobody was asked: it is done as soon as the store can write
    except (NotSent, NoAnswer) as error:
        now = context.clock.now()
        context.health.failed(now, error)
        context.store.note_card_problem(code, None, now)
    else:
        context.health.answered()
        # Upstream's codes are case-insensitive; ours is the one in the address.
        context.store.save_card(replace(card, code=code))
    context.news.publish(charger_topic(code))
