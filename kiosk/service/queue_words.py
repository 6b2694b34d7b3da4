"""What needs a person, in words: what it is, and the one safe thing to do. Doctor, desk, commands and messages say the
same of the same thing.
"""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.attention import Act, Attention
from kiosk.domain.handling import Did

WHAT = {
    Attention.HOLD_OVERDUE: "its hold should have ended by now",
    Attention.HOLD_LAPSES: "its card gives the hold back soon, and nothing was taken yet",
    Attention.CAPTURE_FAILED: "energy was delivered, and the money could not be taken",
    Attention.REVIEW: "Plugchoice has to check its figures",
    Attention.AMOUNT_UNKNOWN: "it has ended, and nobody has said how much was taken",
    Attention.FIGURE_UNKNOWN: "the time or the energy of its end is not known",
    Attention.TAKEN_FOR_NOTHING: "money was taken although it costs nothing",
    Attention.TAKEN_WITHOUT_ENERGY: "money was taken, and no energy flowed",
    Attention.ENERGY_FOR_NOTHING: "energy flowed, and it ended without a payment",
    Attention.HELD_FOR_NOTHING: "money is held although it has ended without a charge",
    Attention.PAID_UNSEEN: "Stripe has the money, and Plugchoice has not seen it",
    Attention.MORE_THAN_HELD: "more was taken than was held",
    Attention.OTHER_AMOUNT: "Stripe received another amount than Plugchoice says",
    Attention.OTHER_PRICE: "Plugchoice named another price after the start",
    Attention.STRANGE_WORD: "Plugchoice uses a status that this version does not know",
    Attention.COMMAND_UNKNOWN: "nobody knows what became of what was asked, and nobody has looked since",
    Attention.LOST: "Plugchoice knows it no more, and nothing proves what became of its hold",
    Attention.CHARGER_SILENT: "it charges, and its charger has not been heard of for hours",
    Attention.TWO_AT_ONE_BAY: "another session is at the same bay",
    Attention.STARTS_REFUSED: "the last starts there were all refused",
    Attention.REFUND_WITHOUT_END: "a refund from the desk has no end, and nobody knows whether it arrived",
    Attention.REFUND_REFUSED: "a refund from the desk came to nothing, so the driver still waits for it",
    Attention.PRICE_BREAKS_RULE: "it gives 50 kW or more and has a start fee, which the law forbids (EU-05)",
    Attention.TABLES_NOT_WRITTEN: "for a day the tables of its site's month could not be written to their place",
}
"""Of a session or a charger, as the rest of a sentence."""
DO = {
    Act.READ: "have it read again at the desk, or wait for the next reading",
    Act.STOP: "stop it at the charger, or unplug it there",
    Act.CANCEL: "cancel the payment at Stripe if it is still held",
    Act.ASK_BACK_OFFICE: "ask Plugchoice, with the charger and the time",
    Act.LOOK_AT_PAYMENT: "look at its payment at Stripe, and release or refund it there",
    Act.LOOK_AT_REFUND: "look at its payment at Stripe, and send nothing back there while the kiosk still tries",
    Act.LOOK_AT_CHARGER: "look at the charger, and whether it has a connection",
    Act.SET_PRICE: "set its start fee to 0 in Plugchoice; or installed_on in kiosk.toml, if from before 13 April 2024",
    Act.LOOK_AT_PLACE: "try the place that the tables go to: `kiosk export --test` says what is wrong",
}
"""As the rest of a sentence that begins "What to do:"."""


TITLES = {
    Attention.HOLD_OVERDUE: "Hold older than its deadline",
    Attention.HOLD_LAPSES: "Hold lapses soon",
    Attention.CAPTURE_FAILED: "Could not be taken",
    Attention.REVIEW: "Waits for Plugchoice's review",
    Attention.AMOUNT_UNKNOWN: "End without an amount",
    Attention.FIGURE_UNKNOWN: "End without time or energy",
    Attention.TAKEN_FOR_NOTHING: "Money for what costs nothing",
    Attention.TAKEN_WITHOUT_ENERGY: "Money without energy",
    Attention.ENERGY_FOR_NOTHING: "Energy without money",
    Attention.HELD_FOR_NOTHING: "Held after its end",
    Attention.PAID_UNSEEN: "Paid, and not seen upstream",
    Attention.MORE_THAN_HELD: "More taken than held",
    Attention.OTHER_AMOUNT: "Another amount at Stripe",
    Attention.OTHER_PRICE: "Another price after the start",
    Attention.STRANGE_WORD: "Status not known",
    Attention.COMMAND_UNKNOWN: "Command without an answer",
    Attention.LOST: "Gone at Plugchoice",
    Attention.CHARGER_SILENT: "Charger silent for hours",
    Attention.TWO_AT_ONE_BAY: "Two sessions at one bay",
    Attention.STARTS_REFUSED: "Start refused five times",
    Attention.REFUND_WITHOUT_END: "Refund without an end",
    Attention.REFUND_REFUSED: "Refund refused",
    Attention.PRICE_BREAKS_RULE: "Price breaks a rule",
    Attention.TABLES_NOT_WRITTEN: "Tables not written",
}
"""As a heading."""
ABOUT_IT = {
    Attention.HOLD_OVERDUE: (
        "The kiosk goes on trying to end it. Look at the payment first: if Stripe shows no hold, read it again "
        "and it ends here. If the car still charges, unplug it or stop it at the charger."
    ),
    Attention.HOLD_LAPSES: (
        "Ask Plugchoice to take or release it before that: afterwards nothing can be taken. Where the card does "
        "not say when, a week counts."
    ),
    Attention.CAPTURE_FAILED: (
        "Plugchoice decides whether it is tried again or written off. The driver's page says that you are looking "
        "into it."
    ),
    Attention.REVIEW: ("Only a person at Plugchoice can release it. Call them with charger, time and amount."),
    Attention.AMOUNT_UNKNOWN: (
        "Look up the payment at Stripe and note the amount here. The receipt waits for it, or says that it is not "
        "known; then mark it as seen to."
    ),
    Attention.FIGURE_UNKNOWN: ("Ask Plugchoice for the missing figure if the driver asks; else mark it as seen to."),
    Attention.TAKEN_FOR_NOTHING: ("Refund it at Stripe unless Plugchoice can say what for, then mark it as seen to."),
    Attention.TAKEN_WITHOUT_ENERGY: (
        "Compare with the charger's own meter stands. No energy there either: refund at Stripe, then mark it as "
        "seen to."
    ),
    Attention.ENERGY_FOR_NOTHING: (
        "Ask Plugchoice why nothing was taken. A driver cannot be charged afterwards here; mark it as seen to "
        "when you let it go."
    ),
    Attention.HELD_FOR_NOTHING: (
        "Release it at Stripe: the driver's bank shows it as spent until then. It closes by itself when that is seen."
    ),
    Attention.PAID_UNSEEN: (
        "Stripe has the hold and the charge has not begun. The kiosk asks Plugchoice every two minutes. Release "
        "the hold at Stripe if the driver has left."
    ),
    Attention.MORE_THAN_HELD: (
        "A card cannot be charged more than was held without a new consent. Refund what is over, then mark it as "
        "seen to."
    ),
    Attention.OTHER_AMOUNT: (
        "The receipt says what Plugchoice says. Find out which is right before you refund anything."
    ),
    Attention.OTHER_PRICE: (
        "The driver agreed to the price at the start, and the receipt holds to it. Ask Plugchoice why it names "
        "another one."
    ),
    Attention.STRANGE_WORD: (
        "Nothing was changed, and reads go on. A newer release of the kiosk may know the word. It closes by "
        "itself when that is seen."
    ),
    Attention.COMMAND_UNKNOWN: ("It may have worked or not. Read it again: that says which. Nothing is sent twice."),
    Attention.LOST: (
        "Look at Stripe whether something is held or was taken. With a Stripe key the kiosk finds out by itself; "
        "without one, mark it as seen to when you have looked."
    ),
    Attention.CHARGER_SILENT: (
        "Is it without power or connection? The driver sees old figures and can unplug. When it is heard again, "
        "this closes."
    ),
    Attention.TWO_AT_ONE_BAY: ("Only one car can stand there. Find out whose charge runs, and cancel the other one."),
    Attention.STARTS_REFUSED: (
        "Look at the charger and its fault code; close the bay in the back office until it is mended. One start "
        "that is taken closes this."
    ),
    Attention.REFUND_WITHOUT_END: (
        "The kiosk asks Stripe again and again and sends nothing twice. Is Stripe in reach, and the key for refunds in "
        "force? Sent back at Stripe as well, the driver would get it twice. It closes when the refund has an end."
    ),
    Attention.REFUND_REFUSED: (
        "The session's page says why; nobody tries any more. Ask for it there anew, or send it back at Stripe, then "
        "mark it as seen to."
    ),
    Attention.PRICE_BREAKS_RULE: (
        "From 50 kW the price may be one per kWh alone (AFIR, Article 5(4)). When the price was read anew without "
        "the fee, this closes."
    ),
    Attention.TABLES_NOT_WRITTEN: (
        "The kiosk tries again every hour, and nothing is lost: the tables are made anew each time. Set-up says why. "
        "When they were written, this closes."
    ),
}
"""What to know before one acts, and what closes it."""
DID = {
    Did.OWNED: "took it",
    Did.LET_GO: "let it go",
    Did.NOTED: "noted",
    Did.SET_ASIDE: "set it aside",
    Did.TAKEN_UP: "took it up again",
    Did.DONE: "saw to it",
    Did.UNDONE: "took the last step back",
}
"""What somebody did, after their name."""
CANNOT = {
    "gone": "it is closed, or there is none of that number",
    "past": "that time is over",
    "too_long": "at most 14 days are possible",
    "lapses": "its hold may be gone by then",
    "not_by_people": "it ends by itself when its cause is gone; it can be set aside",
    "nothing": "there is nothing to take back",
    "newer": "somebody has done something since; look again",
    "no_note": "there is no note",
    "no_time": "there is no time until when",
    "too_much": "that is too long",
}
"""Why it was not done, by the word of CannotHandle."""
ACTS = {
    Act.READ: "Read it again",
    Act.STOP: "How to stop it",
    Act.CANCEL: "How to release it",
    Act.ASK_BACK_OFFICE: "What to ask",
    Act.LOOK_AT_PAYMENT: "What to look at",
    Act.LOOK_AT_REFUND: "Where the refund is",
    Act.LOOK_AT_CHARGER: "Where to look",
    Act.SET_PRICE: "What to set",
    Act.LOOK_AT_PLACE: "Where they go",
}
"""The act as a button that leads to what it does."""


def ago(passed: timedelta) -> str:
    """In the unit that a person would use."""
    minutes = max(1, int(passed.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
