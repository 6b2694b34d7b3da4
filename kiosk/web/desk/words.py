"""What the desk calls things: words for what stands in the log."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.web.shared.text import _

_DID: dict[str, Callable[[], str]] = {
    "signed_in": lambda: _("signed in"),
    "signed_out": lambda: _("signed out"),
    "signed_out_everywhere": lambda: _("signed out everywhere"),
    "tries_blocked": lambda: _("too many wrong tries with this name"),
    "used_recovery_code": lambda: _("used a recovery code"),
    "changed_password": lambda: _("changed their password"),
    "codes_on": lambda: _("turned one-time codes on"),
    "codes_off": lambda: _("turned one-time codes off"),
    "added_person": lambda: _("let somebody in"),
    "gave_password": lambda: _("gave a new password"),
    "took_codes_away": lambda: _("took one-time codes away"),
    "removed_person": lambda: _("let somebody in no more"),
    "queue_owned": lambda: _("took something that needs a person"),
    "queue_let_go": lambda: _("let something go that needs a person"),
    "queue_noted": lambda: _("noted something in the queue"),
    "queue_set_aside": lambda: _("set something aside"),
    "queue_taken_up": lambda: _("took something up again"),
    "queue_done": lambda: _("saw to something"),
    "queue_undone": lambda: _("took the last step in the queue back"),
    "queue_read": lambda: _("had a session read again"),
}


def did_words(did: str) -> str:
    """What somebody did, in words; a word of another release as it is."""
    return _DID[did]() if did in _DID else did
