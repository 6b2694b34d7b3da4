"""What can be made to go wrong in the sandbox, when, and which step has to notice. How it is done is in `stage`."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.rehearsal.steps import Step


@dataclass(frozen=True, slots=True)
class Fault:
    """`at`: injected when that step begins. `breaks`: the step that must fail."""

    at: Step
    breaks: Step
    says: str


FAULTS: dict[str, Fault] = {
    "ocpplab-down": Fault(Step.VIRTUAL, Step.VIRTUAL, "OCPPLAB answers nothing but errors"),
    "provisioning-fails": Fault(Step.VIRTUAL, Step.VIRTUAL, "the virtual charger that is made does not come up"),
    "charger-offline": Fault(Step.CARD, Step.CARD, "the charger loses its connection"),
    "bay-broken": Fault(Step.CARD, Step.CARD, "the connector is faulted"),
    "status-differs": Fault(Step.MATCH, Step.MATCH, "OCPPLAB's charger is in another state than the card says"),
    "start-lost": Fault(Step.START, Step.START, "the answer to the start is lost"),
    "price-changes": Fault(Step.START, Step.START, "the price changes between card and start"),
    "cancel-fails": Fault(Step.CANCEL, Step.CANCEL, "Plugchoice cannot cancel"),
    "card-declined": Fault(Step.PAY, Step.PAY, "the bank declines the card"),
    "wrong-charger": Fault(Step.VIRTUAL, Step.PLUG, "the virtual charger is not the one behind the code"),
    "start-rejected": Fault(Step.PAY, Step.CHARGE, "the charger rejects the start"),
    "no-energy": Fault(Step.ENERGY, Step.ENERGY, "the car is full"),
    "stop-refused": Fault(Step.STOP, Step.STOP, "the charger refuses the stop"),
    "stop-ignored": Fault(Step.STOP, Step.STOP, "the charger takes the stop and goes on"),
    "connection-lost": Fault(Step.STOP, Step.STOP, "the charger loses its connection while it charges"),
    "meter-falls": Fault(Step.STOP, Step.SETTLE, "the meter runs backwards"),
    "capture-fails": Fault(Step.STOP, Step.SETTLE, "Stripe refuses the capture"),
    "unplug-stuck": Fault(Step.UNPLUG, Step.UNPLUG, "the connector breaks when the cable is pulled"),
    "bill-too-low": Fault(Step.SETTLE, Step.RECEIPT, "half of the energy is billed"),
    "log-unreadable": Fault(Step.VIRTUAL, Step.RECEIPT, "OCPPLAB's log has no messages"),
}
