"""Who may sign in at the desk, and the log of what everybody did: for owners."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.store.desk import MOST_SEEN
from kiosk.store.finding import MOST_NUMBER
from kiosk.web.desk.access import needs
from kiosk.web.desk.shell import Room, add_room, leave_out, page
from kiosk.web.desk.words import did_words
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_log", __name__)

add_room(50, Room("desk_log.log", lambda: _("Log"), Role.OWNER))


@bp.get("/log")
@needs(Role.OWNER)
def log() -> ResponseReturnValue:
    """The newest first; `who`, `subject` and `before` stand in the address."""
    who, subject = request.args.get("who") or None, request.args.get("subject") or None
    before = _before(request.args.get("before", ""))
    store = parts().store.desk
    entries = store.log_entries(who=who, subject=subject, before=before)
    last = entries[-1].id if len(entries) == MOST_SEEN else None
    return page(
        "desk/log.html",
        entries=entries,
        users=store.users(),
        who=who or "",
        subject=subject or "",
        older=last,
        did_words=did_words,
    )


def _before(text: str) -> int | None:
    """The number of the entry with which the page before ended."""
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < MOST_NUMBER:
        return int(text)
    if text:
        leave_out(_("Where to go on"), text)
    return None
