"""A driver's visit at a site's tablet: which pages of a session the screen may show, and to whom."""

from __future__ import annotations

from flask import abort, redirect, request
from flask.typing import ResponseReturnValue

from kiosk.service.visit import may_act, session_on, takes_cards
from kiosk.web.shared.devices import current_device
from kiosk.web.shared.errors import refusal, wants_json
from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import TABLET, on_tablet
from kiosk.web.tablet.pairing import current_tablet

ON_SCREEN = frozenset(
    {
        "session_page",
        "session_json",
        "session_events",
        "cancel_page",
        "payment",
        "back_from_bank",
        "confirm",
        "cancel",
        "leave",
        "take_up",
        "agree",
        "stop",
        "limit",
        "move",
    }
)
"""What may be done with a session on the tablet: no e-mail is typed there, and a phone's links do not open there."""


def turn_away() -> ResponseReturnValue | None:
    """For `before_request`: on a tablet, sessions of its site only, and only those of the driver who stands there.

    On a phone everybody who has the address may watch. A shared screen forgets: after a reset the same address leads
    back to the bays.
    """
    if not on_tablet():
        return None
    tablet = current_tablet()
    if tablet is None:
        return refusal("not_paired", 401) if wants_json() else redirect(TABLET, 303)
    name = (request.endpoint or "").rpartition(".")[2]
    session = session_on(parts(), tablet, (request.view_args or {}).get("key", ""))
    if name not in ON_SCREEN or session is None:
        abort(404)
    if name == "back_from_bank":
        return None  # the payment's own secret proves who came back, perhaps after a reset
    if may_act(parts(), session, current_device()):
        return None
    return refusal("not_owner", 404) if wants_json() else redirect(TABLET, 303)


def may_pay_here() -> bool:
    """A card form may stand on the screen that this request is for."""
    return takes_cards(parts(), shared_screen=on_tablet())
