"""What happens at this moment: charges, holds, starts that wait, calls, duties, tablets."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.service.desk_now import MOST_SHOWN, now_at
from kiosk.service.story import status_word
from kiosk.web.desk.access import needs, seen_codes, signed_in
from kiosk.web.desk.sessions import tone
from kiosk.web.desk.shell import Room, add_room, page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_now", __name__)

add_room(10, Room("desk_now.now", lambda: _("Now")))


@bp.get("/")
@needs(Role.VIEWER)
def now() -> ResponseReturnValue:
    book = parts().site
    return page(
        "desk/now.html",
        it=now_at(parts(), seen_codes(), signed_in().person.sites),
        most=MOST_SHOWN,
        zone_of=lambda session: book.zone(session.code),
        bay_of=lambda session: book.bay_label(session.code, session.connector_id),
        status_word=status_word,
        tone=tone,
    )
