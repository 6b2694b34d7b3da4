"""What needs a person, in words: what it is, and the one safe thing to do. Doctor, desk, commands and messages say the
same of the same thing.
"""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.attention import Act, Attention

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
    Attention.PRICE_BREAKS_RULE: "it gives 50 kW or more and has a start fee, which the law forbids (EU-05)",
}
"""Of a session or a charger, as the rest of a sentence."""
DO = {
    Act.READ: "`kiosk session` reads what is known; wait for the next reading",
    Act.STOP: "stop it at the charger, or unplug it there",
    Act.CANCEL: "cancel the payment at Stripe if it is still held",
    Act.ASK_BACK_OFFICE: "ask Plugchoice, with the charger and the time",
    Act.LOOK_AT_PAYMENT: "look at its payment at Stripe, and release or refund it there",
    Act.LOOK_AT_CHARGER: "look at the charger, and whether it has a connection",
    Act.SET_PRICE: "set its start fee to 0 in Plugchoice; or installed_on in kiosk.toml, if from before 13 April 2024",
}
"""As the rest of a sentence that begins "What to do:"."""


def ago(passed: timedelta) -> str:
    """In the unit that a person would use."""
    minutes = max(1, int(passed.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
