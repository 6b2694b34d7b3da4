"""What happens at this moment: charges, holds, starts that wait, systems, duties, tablets."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.web.desk.access import needs
from kiosk.web.desk.shell import Room, add_room, page
from kiosk.web.shared.text import _

bp = Blueprint("desk_now", __name__)

add_room(10, Room("desk_now.now", lambda: _("Now")))


@bp.get("/")
@needs(Role.VIEWER)
def now() -> ResponseReturnValue:
    return page("desk/now.html")
