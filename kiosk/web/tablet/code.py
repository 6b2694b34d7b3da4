"""The square code on a tablet: opening a hand-off for a bay, and what the screen shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import abort, url_for
from markupsafe import Markup

from kiosk.service import visit
from kiosk.store.errors import CannotWrite
from kiosk.store.records import Handoff, Tablet
from kiosk.web.shared.check_words import phrase_of
from kiosk.web.shared.i18n import language
from kiosk.web.shared.parts import parts
from kiosk.web.shared.qr import qr_svg
from kiosk.web.shared.text import _


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


def open_handoff(tablet: Tablet, code: str, connector_id: int) -> Handoff | None:
    """A new one, in the language of this request. What the tablet was handing over before is closed.

    404 for a charger of another site, and for a tablet that was unpaired meanwhile. None while the store cannot write.
    """
    try:
        made = visit.open_handoff(parts(), tablet, code, connector_id, language())
    except CannotWrite:
        return None
    if made is None:
        abort(404)
    return made


def face_of(handoff: Handoff, now: datetime) -> Face:
    """What to show of the hand-off as it was read. `closed` also when its time is over."""
    code = visit.code_at(parts(), handoff, now)
    url, picture = "", Markup("")
    if code.token is not None:
        host = parts().settings.public_host
        url = parts().settings.public_url + url_for("handoff.claim_page", token=code.token)
        bay = parts().site.bay_label(handoff.code, handoff.connector_id)
        picture = qr_svg(url, _("Code to open %(host)s for bay %(bay)s", host=host, bay=bay))
    words = phrase_of(visit.check_number(parts(), handoff), handoff.language)
    return Face(url, picture, words, handoff.language, code.seconds_left, code.claimed, code.closed)
