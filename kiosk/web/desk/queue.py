"""Things that need a person: one queue of everything that the kiosk cannot settle by itself."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.web.desk.access import needs, seen_codes
from kiosk.web.desk.shell import Room, add_room, page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_queue", __name__)


def waiting() -> int:
    """How many wait, of those that the person may see."""
    codes = seen_codes()
    return sum(codes is None or one.matter.code in codes for one in parts().store.open_exceptions())


add_room(20, Room("desk_queue.queue", lambda: _("Needs a person"), count=waiting))


@bp.get("/queue")
@needs(Role.VIEWER)
def queue() -> ResponseReturnValue:
    codes = seen_codes()
    found = [one for one in parts().store.open_exceptions() if codes is None or one.matter.code in codes]
    return page("desk/queue.html", matters=found)
