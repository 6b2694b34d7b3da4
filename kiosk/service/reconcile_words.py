"""A reconciliation in words: states, reasons, and why a day could not be read. Desk and command line say the same."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk.domain.reconcile import Reason, State
from kiosk.domain.site_days import ListTrouble

STATES: Mapping[State, str] = {
    State.AGREES: "Agrees",
    State.DIFFERS: "Differs",
    State.ONLY_HERE: "Only here",
    State.ONLY_THERE: "Only there",
    State.GOES_ON: "Goes on",
    State.SET_ASIDE: "Set aside",
}
SENTENCES: Mapping[Reason, str] = {
    Reason.NOTHING_CHARGED: "nothing was charged and nothing taken",
    Reason.NO_TRANSACTION: "the charger has no transaction that fits",
    Reason.NO_SESSION: "no session of this kiosk fits",
    Reason.OTHER_TAG: "begun with another card than public charges are",
    Reason.GOES_ON: "it goes on",
    Reason.ENERGY: "the meter counted another energy than was billed",
    Reason.NO_ENERGY: "nobody has told the energy that was billed",
    Reason.NO_METER: "the transaction lacks meter stands that make sense",
    Reason.TIME: "begin or end are too far apart",
    Reason.AMOUNT: "Stripe's record has another amount",
    Reason.REFUND: "Stripe's record has another refund",
    Reason.NO_AMOUNT: "nobody has told what was taken",
    Reason.NO_RECORD: "the payment's record at Stripe was never read",
    Reason.TAKEN_WITHOUT_ENERGY: "money was taken, and no energy flowed",
    Reason.ENERGY_WITHOUT_TAKING: "energy flowed, and nothing was taken",
    Reason.ABOVE_HOLD: "more was taken than was held",
    Reason.PRICE: "price and energy come to another amount",
    Reason.INVALID: "the back office calls the transaction invalid",
    Reason.TOTAL: "the back office's total is not what its meter stands come to",
    Reason.TWO_FIT: "another one fits as well",
}
TROUBLES: Mapping[ListTrouble, str] = {
    ListTrouble.TOKEN: "Plugchoice does not take the token: is KIOSK_PLUGCHOICE_TOKEN right?",
    ListTrouble.NOT_ALLOWED: "the token may not read them",
    ListTrouble.NO_SITE: "Plugchoice knows no such site: is plugchoice_site right?",
    ListTrouble.TOO_MANY: "Plugchoice wants to be asked later",
    ListTrouble.NO_ANSWER: "Plugchoice gave no usable answer",
    ListTrouble.CUT: "the list ended before its end",
}
"""As the rest of a sentence."""
