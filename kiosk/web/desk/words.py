"""What the desk calls things: what stands in the log, what may be done to a session, the views of the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kiosk.domain.plots import Outcome, Step
from kiosk.service.desk_directory import NotLetIn
from kiosk.service.desk_sessions import Act, Done, Group
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
    "directory_refused": lambda: _("did not vouch for somebody who came back"),
    "directory_not_known": lambda: _("came from the directory without a role here"),
    "directory_took_rights": lambda: _("has no role any more by the directory, and was removed"),
    "directory_changed_rights": lambda: _("has another role by the directory"),
    "asked_everybody": lambda: _("asked every system outside how it is"),
    "made_pairing_code": lambda: _("made a code for a tablet"),
    "crosswalk_looked": lambda: _("looked for what is which at Plugchoice and ChargePilot"),
    "crosswalk_confirmed": lambda: _("confirmed what is which"),
    "crosswalk_rejected": lambda: _("rejected a proposal on what is which"),
    "crosswalk_undone": lambda: _("took back what they had said on what is which"),
    "line_aside": lambda: _("set a line of a reconciliation aside"),
    "line_back": lambda: _("brought a line of a reconciliation back"),
    "line_owned": lambda: _("took a line of a reconciliation"),
    "line_let_go": lambda: _("let a line of a reconciliation go"),
    "took_report": lambda: _("took a report as a document"),
    "days_read": lambda: _("had transactions read again"),
    "searched_email": lambda: _("searched for an e-mail address"),
    "opened_receipt": lambda: _("opened a receipt"),
    "export_begun": lambda: _("began to take a table as a file"),
    "export_ended": lambda: _("has taken a table as a file"),
    "export_broken_off": lambda: _("broke off a file"),
    "asked_refund": lambda: _("asked to send money back"),
    "shared_view": lambda: _("kept a view of the sessions for everybody"),
    "dropped_shared_view": lambda: _("dropped a view of the sessions that everybody had"),
    "made_key": lambda: _("made a key for a program"),
    "revoked_key": lambda: _("revoked a key"),
    "read_receipt": lambda: _("read a receipt"),
    "noted": lambda: _("wrote a note"),
    Act.STOP: lambda: _("asked to stop a charge"),
    Act.CANCEL: lambda: _("asked to cancel a start"),
    Act.CONFIRM: lambda: _("had a payment looked at"),
    Act.READ: lambda: _("had a session read anew"),
}


def did_words(did: str) -> str:
    """What somebody did, in words; a word of another release as it is."""
    return _DID[did]() if did in _DID else did


@dataclass(frozen=True, slots=True)
class ActWords:
    """The name of an act, what it will do, and what can go wrong."""

    name: Callable[[], str]
    effect: Callable[[], str]
    risk: Callable[[], str]


ACTS = {
    Act.STOP: ActWords(
        lambda: _("Stop the charge"),
        lambda: _(
            "The kiosk asks Plugchoice to stop. Then the cost so far is taken from the hold and the rest goes back."
        ),
        lambda: _(
            "A charger without contact does not hear it: the kiosk asks again until a reading shows the effect. The "
            "cable at the car ends it at once. The driver reads that the operator asked for it."
        ),
    ),
    Act.CANCEL: ActWords(
        lambda: _("Cancel the start"),
        lambda: _("The kiosk asks Plugchoice to cancel. Nothing is taken, and a hold goes back."),
        lambda: _("Where charging has begun meanwhile, it is stopped instead, and what has flowed is paid."),
    ),
    Act.CONFIRM: ActWords(
        lambda: _("Have the payment looked at"),
        lambda: _("The kiosk asks Plugchoice whether it was paid. If it was, the charge starts."),
        lambda: _("Nothing can be taken by this that the driver has not agreed to."),
    ),
    Act.READ: ActWords(
        lambda: _("Read it anew"),
        lambda: _("The kiosk asks Plugchoice for this session as soon as its budget allows, and Stripe for the hold."),
        lambda: _("Nothing is changed. One read of the minute's budget is spent."),
    ),
}

GROUPS: dict[Group, Callable[[], str]] = {
    Group.OPEN: lambda: _("Open"),
    Group.PAID: lambda: _("Paid"),
    Group.NOTHING: lambda: _("Nothing taken"),
    Group.BACK: lambda: _("Sent back"),
    Group.STUCK: lambda: _("Stuck"),
    Group.REFUSED: lambda: _("Not started"),
}


OUTCOMES: dict[Outcome, Callable[[], str]] = {
    Outcome.PAID: lambda: _("Charged and paid"),
    Outcome.FREE: lambda: _("Held, and nothing taken"),
    Outcome.UNPAID: lambda: _("Left before the payment"),
    Outcome.LEFT: lambda: _("Left while waiting"),
    Outcome.REFUSED: lambda: _("Refused by Plugchoice"),
    Outcome.NO_ANSWER: lambda: _("No answer to the start"),
    Outcome.STUCK: lambda: _("A person has to look"),
    Outcome.LOST: lambda: _("Gone at Plugchoice"),
    Outcome.OPEN: lambda: _("Still open"),
}

STEPS: dict[Step, Callable[[], str]] = {
    Step.STARTED: lambda: _("Asked for a start"),
    Step.MADE: lambda: _("Plugchoice took it"),
    Step.HELD: lambda: _("Paid: the hold stood"),
    Step.CHARGED: lambda: _("Power flowed"),
    Step.PAID: lambda: _("Something was taken"),
}

SYSTEMS: dict[str, Callable[[], str]] = {
    "plugchoice": lambda: _("Plugchoice, charging"),
    "plugchoice_operator": lambda: _("Plugchoice, operator's view"),
    "stripe": lambda: _("Stripe"),
    "chargepilot": lambda: _("ChargePilot"),
    "ocpplab": lambda: _("OCPPLAB"),
    "directory": lambda: _("Your directory"),
}

BUDGETS: dict[str, Callable[[], str]] = {
    "get_charger": lambda: _("Reads of chargers"),
    "start": lambda: _("Starts"),
    "get_session": lambda: _("Reads of sessions"),
    "confirm": lambda: _("Looks at payments"),
    "stop": lambda: _("Stops"),
    "cancel": lambda: _("Cancels"),
    "receipt_email": lambda: _("Receipts by e-mail"),
    "operator": lambda: _("Operator's view"),
}


def not_let_in(why: NotLetIn) -> str:
    """Why nobody came in from the directory, and what to do."""
    match why:
        case NotLetIn.OLD:
            return _("That took too long, or was begun in another browser. Begin again.")
        case NotLetIn.AWAY:
            return _("Your directory gives no answer, so nobody was signed in. Begin again in a moment.")
        case NotLetIn.REFUSED:
            return _("Your directory does not vouch for you, so nobody was signed in.")
        case NotLetIn.UNKNOWN:
            return _("Your directory knows you, but nothing there says what you may do here: ask whoever runs it.")
        case NotLetIn.WAIT:
            return _("Too many tries from here. Wait a quarter of an hour.")
        case NotLetIn.ANOTHER:
            return _("That was not the person who is signed in here, or they did not prove it anew. Nothing was done.")


def bad_answer(bad: str | None) -> str:
    """What came instead of a good answer, and what that usually means."""
    match bad:
        case None:
            return _("none")
        case "no_answer":
            return _("no answer")
        case "not_sent":
            return _("it cannot be reached")
        case "401" | "403":
            return _("it does not let us in (%(status)s)", status=bad)
        case "429":
            return _("it asked for a pause (429)")
        case _:
            return _("an error of its own (%(status)s)", status=bad)


def act_refused(done: Done) -> str:
    """Why an act was not done."""
    match done:
        case Done.NO_REASON:
            return _("Say why: it stands in the log.")
        case Done.CHANGED:
            return _("The session has changed since you looked, so nothing was done. Look at it once more.")
        case _:
            return _("That cannot be done in the state that the session is in now. Nothing was done.")
