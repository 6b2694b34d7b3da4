"""What a driver's visit at a site's tablet may do: hand a bay over to a phone, find a charge again, and end.

The square code and its seal are arithmetic (`kiosk.domain.handoff`); here is who may open, see and claim one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.handoff import (
    ID_SIGNS,
    Target,
    Verdict,
    id_in,
    judge,
    phrase_number,
    seconds_left,
    token_of,
    window_at,
)
from kiosk.domain.pursuit import payment_checked
from kiosk.domain.rights import How
from kiosk.domain.session import Phase, Session
from kiosk.domain.signs import in_signs
from kiosk.domain.status import Status
from kiosk.domain.stop_code import stop_code, stop_code_fits
from kiosk.news.news import handoff_topic, session_topic
from kiosk.service.parts import Parts
from kiosk.store.records import Handoff, Tablet

LONGEST_VISIT = timedelta(hours=8)
"""Sessions that are older were not begun in the visit that ends."""
CLAIM_COUNTS = timedelta(minutes=15)
"""So long after its claim a hand-off chooses the bay on the phone and shows the check words."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SquareCode:
    """What a hand-off stands for now. `token` None: there is nothing to scan any more, because it was claimed by a
    phone, `closed` by its tablet, or is older than its life (which counts as closed).

    `seconds_left` until the next code, in seconds of people.
    """

    token: str | None
    seconds_left: float
    claimed: bool
    closed: bool


@dataclass(frozen=True, slots=True)
class Scanned:
    """A hand-off whose code a phone has scanned: free to be claimed, or this very phone's (`mine`)."""

    handoff: Handoff
    mine: bool


# --- on the tablet


class Standing(StrEnum):
    """What a browser is to us: a tablet, an unknown browser, one that was unpaired, or one of a site that is gone."""

    PAIRED = "paired"
    NEW = "new"
    UNPAIRED = "unpaired"
    HOMELESS = "homeless"


def identify(parts: Parts, key: str | None, opens_with: str | None) -> tuple[Tablet | None, Standing]:
    """The tablet that has this key, and when it is paired note that it was seen; None for any other browser.

    `opens_with` is the release whose page it opens now; None when it opens none.
    """
    tablet = parts.store.tablet_with(key) if key is not None else None
    if tablet is None:
        return None, Standing.NEW
    if tablet.unpaired_at is not None:
        return None, Standing.UNPAIRED
    if parts.site.site(tablet.site_id) is None:
        return None, Standing.HOMELESS
    try:
        parts.store.seen(tablet, parts.clock.now(), opens_with)
    except Exception:
        log.exception("it could not be noted when a tablet was seen")  # which is no reason to leave it dark
    return tablet, Standing.PAIRED


def belongs_to(parts: Parts, tablet: Tablet, code: str) -> bool:
    """A tablet sees only the chargers of its own site."""
    site = parts.site.site(tablet.site_id)
    return site is not None and any(charger.code == code for charger in site.chargers)


def session_on(parts: Parts, tablet: Tablet, key: str) -> Session | None:
    """The session of that key, when it is at the tablet's site."""
    session, site = parts.store.session(key), parts.site.site(tablet.site_id)
    if session is None or site is None or parts.site.site_of(session.code) != site:
        return None
    return session


def open_handoff(parts: Parts, tablet: Tablet, code: str, connector_id: int, language: str) -> Handoff | None:
    """A new one, in the tablet's language. What the tablet was handing over before is closed.

    None for a charger of another site, and for a tablet that was unpaired meanwhile.
    """
    if not belongs_to(parts, tablet, code):
        return None
    number = in_signs(secrets.randbits(64), ID_SIGNS)
    made = Handoff(number, tablet.id, code, connector_id, language, parts.clock.now())
    return made if parts.store.open_handoff(made) else None


def handoff_of(parts: Parts, tablet: Tablet, handoff_id: str) -> Handoff | None:
    """The hand-off as it stands now, when it is this tablet's."""
    handoff = parts.store.handoff(handoff_id)
    return handoff if handoff is not None and handoff.tablet_id == tablet.id else None


def close_handoff(parts: Parts, tablet: Tablet, handoff_id: str) -> None:
    """The tablet shows the code no more and no phone can claim it any more. One that has claimed it keeps it."""
    handoff = handoff_of(parts, tablet, handoff_id)
    if handoff is not None and handoff.closed_at is None:
        parts.store.close_handoff(handoff.id, parts.clock.now())


def code_at(parts: Parts, handoff: Handoff, now: datetime) -> SquareCode:
    """The code of the hand-off as it was read."""
    window = window_at(handoff.made_at, now, parts.clock.rate)
    claimed = handoff.claimed_at is not None
    closed = handoff.closed_at is not None or window is None
    if window is None or claimed or closed:
        return SquareCode(None, 0.0, claimed, closed)
    token = token_of(parts.settings.secret_keys, _target(handoff), window)
    return SquareCode(token, seconds_left(handoff.made_at, now, parts.clock.rate), claimed, closed)


def check_number(parts: Parts, handoff: Handoff) -> int:
    """The number from which both screens choose the same two check words."""
    return phrase_number(parts.settings.secret_keys, handoff.id)


def findable(parts: Parts, code: str, connector_id: int) -> Session | None:
    """The charge at that bay which its owner may find here again; None for any other use of the bay."""
    session = parts.store.session_at(code, connector_id)
    if session is None or session.phase is not Phase.OPEN or session.final or session.known_status is Status.CREATED:
        return None
    return session


def prove_owner(parts: Parts, code: str, connector_id: int, typed: str, device: Callable[[], str]) -> str | None:
    """The key of the charge at that bay, whose six digits were typed: the device at the screen owns it from now on.

    `device` is called only then. None when nothing can be found there, or the digits are not its.
    """
    session = findable(parts, code, connector_id)
    if session is None:
        return None
    turn = parts.store.times_taken_back(session.key)
    if not stop_code_fits(session.key, typed, parts.settings.secret_keys, turn):
        return None
    parts.store.grant(session.key, device(), How.CODE, parts.clock.now())
    return session.key


def stop_code_of(parts: Parts, session: Session) -> str | None:
    """What its owner types at the site's tablet; None where there is no tablet or nothing to stop."""
    site = parts.site.site_of(session.code)
    if session.final or site is None or not any(one.site_id == site.id for one in parts.store.tablets()):
        return None
    return stop_code(session.key, parts.settings.secret_keys, parts.store.times_taken_back(session.key))


def may_act(parts: Parts, session: Session, device: str | None) -> bool:
    """The driver who stands at the screen owns the session. On a phone everybody who has the address may watch; a
    shared screen forgets.
    """
    return device is not None and parts.store.owns(session.key, device)


def takes_cards(parts: Parts, *, shared_screen: bool) -> bool:
    """A card form may stand there: always on the driver's own, on a tablet only when the operator chose it."""
    return not shared_screen or parts.settings.tablet_card_entry


def end_visit(parts: Parts, device: str) -> None:
    """What that device began here and did not pay is given up, so that the bay is free for the next driver.

    What was paid goes on, and so does what may have been paid: then a charge may be running already. A failure is
    logged and never raised: the visit's cookie is taken away all the same.
    """
    now = parts.clock.now()
    try:
        for session in parts.store.sessions_of(device, since=now - LONGEST_VISIT):
            if _give_up(parts, session, now):
                parts.news.wish(session_topic(session.key))
    except Exception:
        log.exception("what was not paid at a tablet could not be given up")


def _give_up(parts: Parts, session: Session, now: datetime) -> bool:
    """Withdraw a start that waits; cancel one that was sent, as soon as the back office has answered it."""
    store = parts.store
    if session.phase is Phase.QUEUED:
        if store.withdraw_start(session.key, now):
            return True
    elif session.phase is not Phase.OPEN or session.known_status is not Status.CREATED or not session.can_cancel():
        return False
    commands = store.commands(session.key)
    if payment_checked(session, commands) is False or any(one.kind is Kind.CANCEL for one in commands):
        return False
    store.ask(session.key, Kind.CANCEL, AskedBy.DRIVER, now)
    return True


# --- on the phone


def scanned(parts: Parts, token: str, device: str | None) -> Scanned | None:
    """The hand-off behind a scanned code; None when it cannot be claimed (any more). Looking spends nothing, because
    scanners and previews of links look too.
    """
    handoff, verdict = _judged(parts, token)
    if handoff is None or verdict is Verdict.WRONG:
        return None
    if claimed_by(parts, device, handoff.id, handoff.code) is not None:
        return Scanned(handoff, mine=True)
    free = verdict is Verdict.GOOD and handoff.claimed_at is None and handoff.closed_at is None
    return Scanned(handoff, mine=False) if free else None


def claim(parts: Parts, token: str, device: str) -> Handoff | None:
    """Give the bay on the tablet to this phone. One wins; the same one may come again. None for all the others."""
    found = scanned(parts, token, device)
    if found is None or found.mine:
        return found.handoff if found is not None else None
    handoff = found.handoff
    if parts.store.claim_handoff(handoff.id, device, parts.clock.now()):
        parts.news.publish(handoff_topic(handoff.id))
    return claimed_by(parts, device, handoff.id, handoff.code)


def claimed_by(parts: Parts, device: str | None, handoff_id: str | None, code: str) -> Handoff | None:
    """The hand-off of that charger, when this very phone claimed it in the last 15 minutes (of people)."""
    if not handoff_id or len(handoff_id) != ID_SIGNS or device is None:
        return None
    handoff = parts.store.handoff_claimed_by(handoff_id, device)
    if handoff is None or handoff.code != code or handoff.claimed_at is None:
        return None
    age = (parts.clock.now() - handoff.claimed_at) / parts.clock.rate
    return handoff if age <= CLAIM_COUNTS else None


def _judged(parts: Parts, token: str) -> tuple[Handoff | None, Verdict]:
    handoff_id = id_in(token)
    handoff = parts.store.handoff(handoff_id) if handoff_id is not None else None
    if handoff is None:
        return None, Verdict.WRONG
    return handoff, judge(parts.settings.secret_keys, _target(handoff), token, parts.clock.now(), parts.clock.rate)


def _target(handoff: Handoff) -> Target:
    return Target(handoff.id, handoff.code, handoff.connector_id, handoff.made_at)
