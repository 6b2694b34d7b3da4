"""The hand-off from a tablet to a phone: the rotating square code, what the tablet shows of it, and its claim by one
phone.

Looking at a code spends nothing, because scanners and previews of links look too.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

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
from kiosk.domain.signs import in_signs
from kiosk.news.live import handoff_topic
from kiosk.store.records import Handoff, Tablet
from kiosk.web.shared.check_words import phrase_of
from kiosk.web.shared.devices import current_device, ensure_device
from kiosk.web.shared.i18n import language
from kiosk.web.shared.limits import limit_lookup, limit_write
from kiosk.web.shared.parts import parts
from kiosk.web.shared.qr import qr_svg
from kiosk.web.shared.security import no_store
from kiosk.web.shared.text import _
from kiosk.web.tablet.pairing import own_code_or_404

CLAIM_COUNTS = timedelta(minutes=15)
"""So long after its claim a hand-off chooses the bay on the phone and shows the check words."""

bp = Blueprint("handoff", __name__)


@dataclass(frozen=True, slots=True)
class Face:
    """What a tablet shows of a hand-off. `url` and `picture` are empty when there is no code to scan any more.

    `seconds_left` until the next code, in seconds of people. `phrase` is in `language`, the tablet's.
    """

    url: str
    picture: Markup
    phrase: str
    language: str
    seconds_left: float
    claimed: bool
    closed: bool


def open_handoff(tablet: Tablet, code: str, connector_id: int) -> Handoff:
    """A new one, in the language of this request. What the tablet was handing over before is closed.

    404 for a charger of another site, and for a tablet that was unpaired meanwhile.
    """
    number = in_signs(secrets.randbits(64), ID_SIGNS)
    made = Handoff(number, tablet.id, own_code_or_404(code), connector_id, language(), parts().clock.now())
    if not parts().store.open_handoff(made):
        abort(404)
    return made


def face_of(handoff: Handoff, now: datetime) -> Face:
    """What to show of the hand-off as it was read. `closed` also when its time is over."""
    pace = parts().clock.rate
    window = window_at(handoff.made_at, now, pace)
    claimed = handoff.claimed_at is not None
    closed = handoff.closed_at is not None or window is None
    url, picture = "", Markup("")
    if window is not None and not claimed and not closed:
        token = token_of(parts().settings.secret_keys, _target(handoff), window)
        url = parts().settings.public_url + url_for("handoff.claim_page", token=token)
        bay = parts().site.bay_label(handoff.code, handoff.connector_id)
        picture = qr_svg(url, _("Code to open %(host)s for bay %(bay)s", host=parts().settings.public_host, bay=bay))
    left = seconds_left(handoff.made_at, now, pace) if picture else 0.0
    return Face(url, picture, phrase(handoff), handoff.language, left, claimed, closed)


def phrase(handoff: Handoff) -> str:
    """The two check words, in the tablet's language."""
    return phrase_of(phrase_number(parts().settings.secret_keys, handoff.id), handoff.language)


def claimed_here(handoff_id: str | None, code: str) -> Handoff | None:
    """The hand-off of that charger, when this very browser claimed it lately."""
    device = current_device()
    if not handoff_id or len(handoff_id) != ID_SIGNS or device is None:
        return None
    handoff = parts().store.handoff_claimed_by(handoff_id, device)
    if handoff is None or handoff.code != code or handoff.claimed_at is None:
        return None
    # One that lies ahead was made before the clock was set back: how old it is cannot be said, so it does not count.
    age = (parts().clock.now() - handoff.claimed_at) / parts().clock.rate
    return handoff if abs(age) <= CLAIM_COUNTS else None


@bp.get("/h/<token>")
@limit_lookup
@no_store
def claim_page(token: str) -> ResponseReturnValue:
    """Says what will happen, with the button for it; a script presses it at once."""
    handoff, verdict = _judged(token)
    if handoff is not None and verdict is not Verdict.WRONG and _is_mine(handoff):
        return _landing(handoff)
    if handoff is None or verdict is not Verdict.GOOD or not _is_free(handoff):
        return _too_old()
    ensure_device()  # with its cookie, the form is believed also from browsers that hide where it came from
    bay = parts().site.bay_label(handoff.code, handoff.connector_id)
    return render_template(
        "driver/handoff.html", token=token, bay=bay, phrase=phrase(handoff), said_in=handoff.language
    )


@bp.post("/h/<token>")
@limit_write
@no_store
def claim(token: str) -> ResponseReturnValue:
    """Give the bay on the tablet to this phone. One wins; the same one may come again."""
    handoff, verdict = _judged(token)
    if handoff is None or verdict is Verdict.WRONG:
        return _too_old()
    if _is_mine(handoff):
        return _landing(handoff)
    if verdict is not Verdict.GOOD or not _is_free(handoff):
        return _too_old()
    if parts().store.claim_handoff(handoff.id, ensure_device(), parts().clock.now()):
        parts().live.publish(handoff_topic(handoff.id))
    return _landing(handoff) if _is_mine(handoff) else _too_old()


def _judged(token: str) -> tuple[Handoff | None, Verdict]:
    handoff_id = id_in(token)
    handoff = parts().store.handoff(handoff_id) if handoff_id is not None else None
    if handoff is None:
        return None, Verdict.WRONG
    keys, clock = parts().settings.secret_keys, parts().clock
    return handoff, judge(keys, _target(handoff), token, clock.now(), clock.rate)


def _target(handoff: Handoff) -> Target:
    return Target(handoff.id, handoff.code, handoff.connector_id, handoff.made_at)


def _is_free(handoff: Handoff) -> bool:
    return handoff.claimed_at is None and handoff.closed_at is None


def _is_mine(handoff: Handoff) -> bool:
    return claimed_here(handoff.id, handoff.code) is not None


def _landing(handoff: Handoff) -> ResponseReturnValue:
    return redirect(url_for("driver.charger", code=handoff.code, h=handoff.id), 303)


def _too_old() -> ResponseReturnValue:
    return render_template("driver/handoff_gone.html"), 410
