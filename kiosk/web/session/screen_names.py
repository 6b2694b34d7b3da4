"""The names of what a session's page can be: screens with their marks, notices, and the parts of a view."""

from __future__ import annotations

from enum import StrEnum

from kiosk.domain.commands import Refusal
from kiosk.domain.flow import Flow


class Screen(StrEnum):
    """One page each: upstream's fifteen statuses, and the kiosk's own states around them."""

    QUEUED = "queued"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    LEFT = "left"
    CREATED = "created"
    AUTHORIZED = "authorized"
    STARTING = "starting"
    CHARGING = "charging"
    STALE = "stale"
    STOPPING = "stopping"
    SETTLING = "settling"
    CAPTURED = "captured"
    NO_CHARGE = "no_charge"
    EXPIRED = "expired"
    FAILED = "failed"
    ABANDONED = "abandoned"
    CAPTURE_FAILED = "capture_failed"
    REQUIRES_REVIEW = "requires_review"
    REFUNDED = "refunded"
    WRITTEN_OFF = "written_off"
    STRANGE = "strange"
    GONE = "gone"


MARKS: dict[Screen, tuple[str, str]] = {
    Screen.QUEUED: ("calm", "clock"),
    Screen.REFUSED: ("bad", "fail"),
    Screen.NO_ANSWER: ("warn", "ask"),
    Screen.LEFT: ("calm", "back"),
    Screen.CREATED: ("calm", "card"),
    Screen.AUTHORIZED: ("live", "hold"),
    Screen.STARTING: ("live", "plug"),
    Screen.CHARGING: ("live", "bolt"),
    Screen.STALE: ("warn", "off"),
    Screen.STOPPING: ("live", "stop"),
    Screen.SETTLING: ("live", "clock"),
    Screen.CAPTURED: ("ok", "ok"),
    Screen.NO_CHARGE: ("ok", "back"),
    Screen.EXPIRED: ("calm", "clock"),
    Screen.FAILED: ("bad", "fail"),
    Screen.ABANDONED: ("ok", "back"),
    Screen.CAPTURE_FAILED: ("warn", "warn"),
    Screen.REQUIRES_REVIEW: ("warn", "ask"),
    Screen.REFUNDED: ("ok", "back"),
    Screen.WRITTEN_OFF: ("ok", "ok"),
    Screen.STRANGE: ("calm", "clock"),
    Screen.GONE: ("warn", "ask"),
}
"""Tone and icon of each screen; colour never speaks alone."""

FLOW_MARKS = {
    Flow.CAR_WAITS: ("calm", "clock"),
    Flow.PAUSED: ("calm", "clock"),
    Flow.STILL: ("calm", "clock"),
    Flow.FAULT: ("warn", "warn"),
    Flow.OVER: ("calm", "clock"),
}
"""Of a charge in which nothing flows."""

BY_RECORD_MARK = ("ok", "ok")
"""Of a charge whose end only the payment's own record tells."""

BANK_NO_MARK = ("bad", "fail")
"""Of a start that the bank did not pay."""

REFUSED_MARKS = {
    Refusal.CHARGER_OFFLINE: ("warn", "off"),
    Refusal.TOO_MANY: ("calm", "clock"),
    Refusal.UPSTREAM_DOWN: ("warn", "off"),
}


class Notice(StrEnum):
    """What stands above the figures because it needs attention now."""

    UNWRITTEN = "unwritten"
    STOP_ASKED = "stop_asked"
    STOP_TRIED = "stop_tried"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_TRIED = "cancel_tried"
    CANCEL_TOO_LATE = "cancel_too_late"
    CAR_TAKES_NOTHING = "car_takes_nothing"
    CHARGER_PAUSES = "charger_pauses"
    METER_STANDS_STILL = "meter_stands_still"
    CHARGER_FAULT = "charger_fault"
    CHARGER_RESERVED = "charger_reserved"
    CHARGE_OVER = "charge_over"
    NOT_PLUGGED_IN = "not_plugged_in"
    LISTED = "listed"
    HOLD_CHANGED = "hold_changed"
    PRICE_CHANGED = "price_changed"
