"""The switches of the stand-in world: timings, limits, and one field for every question that Plugchoice's documents
leave open about public charging. A default is the assumption that is safe for a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Seconds = float


@dataclass(frozen=True)
class Switches:
    # Limits, in requests a minute. The figures are documented.
    charger_reads_per_minute: int = 30
    starts_per_minute: int = 3
    session_reads_per_minute: int = 30
    confirms_per_minute: int = 10
    stops_per_minute: int = 10
    cancels_per_minute: int = 10
    receipt_emails_per_minute: int = 10
    # Open: whether a session read is limited per address or per token.
    limit_scope: Literal["address", "token"] = "address"
    # Open: the number of sessions that one charger accepts in an hour.
    sessions_per_charger_per_hour: int = 10
    # Open: whether the hourly limit says how long to wait.
    hourly_limit_sends_retry_after: bool = False
    # Open: whether a limit counts any 60 seconds, or 60 seconds from the first request.
    window: Literal["sliding", "fixed"] = "sliding"
    # The share of each limit per address that others spend who come from the same address.
    foreign_share: float = 0.0
    # Open: whether X-Forwarded-For is believed.
    believes_forwarded_for: bool = False
    # Open: the origin that browsers may call the public endpoints from (CORS); none.
    cors_allow_origin: str | None = None

    # Open: idempotency of start; a session that is open, paid or not, keeps its connector.
    open_session_keeps_connector: bool = True
    # Open: which connector statuses may be started.
    startable: tuple[str, ...] = ("Available", "Preparing")
    # Open: whether the cable must be in before the start.
    start_needs_cable: bool = False
    # Open: whether a 422 for an unknown connector carries `errors`.
    unknown_connector_lists_errors: bool = False
    # Open: how long an ended session stays readable by its token.
    token_life_after_end: Seconds = 24 * 3600
    # Open: the time before an unpaid session expires.
    unpaid_expiry: Seconds = 15 * 60
    # Open: what confirm says while the payment is not authorised: 200 and no change, or 409.
    confirm_unpaid_is_refused: bool = False
    # Open: Stripe details; the capture method of the payment.
    capture_method: str = "manual"
    # Open: whether the hold equals the published pre-authorisation; minor units added to it.
    hold_difference: int = 0
    # Open: the status after a cancel.
    cancelled_status: str = "abandoned"
    # Open: the status when nobody plugs in.
    not_plugged_in_status: Literal["abandoned", "failed"] = "abandoned"
    # Open: what stop answers when nothing is charging.
    stop_when_not_charging: Literal[400, 409] = 409
    # Open: whether `failure_reason` is a code or a sentence.
    failure_reason_style: Literal["code", "sentence"] = "code"
    # Open: whether charging ends when the cost reaches the hold.
    stop_at_hold: bool = False
    # Open: whether the start fee is due without any energy; if not, the session is `no_charge`.
    start_fee_without_energy: bool = False
    # Open: the least amount that is captured; below it the session is `no_charge`.
    least_capture: int = 0
    # Open: whether prices include tax and at which rate; None leaves `tax_amount` null.
    tax_percent: int | None = 19
    # Open: casing of the currency.
    currency_upper_case: bool = True
    # Open: whether a price change reaches a session that is already open.
    price_frozen_at_start: bool = True
    # Open: whether a reading that fell sends the session to review, or is billed as it is.
    rollback_needs_review: bool = True
    # Open: whether energy and cost are null until the meter was read for the first time.
    nothing_known_before_first_sample: bool = False
    # Open: how often the meter is read; a charger may have its own, see `ChargerSpec.meter_interval`.
    meter_interval: Seconds = 10
    # Open: how long a charger may be lost during a charge before the session goes to review.
    offline_review_after: Seconds = 2 * 3600
    # Open: what a stop that the charger ignores is answered with: `stopping` for a while, or `charging` as before.
    ignored_stop_is_stopping: bool = True
    # Open: what a refund leaves in `amount_captured`.
    refund_keeps_captured: bool = True
    # Open: the status after a part was sent back; `captured`, or a word that is in no document.
    partly_refunded_status: str = "captured"
    # Whether the payment of a session that has expired can still be made: then money is held for nothing.
    paid_late: bool = False

    # Whether the cars share the fuses that ChargePilot's stand-in tells of; if not, each has all that it can take.
    fuses_bind: bool = False
    # Open: by which rule ChargePilot shares. `even`: an even part each; `needed`: all rise together until each has what
    # its car takes, and what one fuse keeps somebody from using goes to others; `in_turn`: who came first has all.
    fuses_shared: Literal["even", "needed", "in_turn"] = "even"

    # Timings of the stand-in.
    webhook_delay: Seconds | None = 2  # None: Stripe's webhook never arrives
    dispatch: Seconds = 0.5  # from `authorized` to `starting`
    remote_start: Seconds = 4
    remote_start_timeout: Seconds = 30
    plug_in_seconds: Seconds = 180  # open: the plug-in time allowed
    plug_to_charge: Seconds = 2
    stop: Seconds = 3
    stop_timeout: Seconds = 30  # a charger that ignores the stop: back to `charging`
    settle: Seconds = 8
    full_end: Seconds = 15 * 60  # from a full car to the end of its session
    longest_charge: Seconds = 24 * 3600
    hold_life: Seconds = 7 * 24 * 3600  # an authorisation lapses after seven days
    auto_plug: Seconds = 4
    auto_unplug: Seconds = 45
