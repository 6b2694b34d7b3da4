"""Every screen that a driver may meet, by name: states of the charger's card, of a session, and the kiosk's errors."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask.testing import FlaskClient
from playwright.sync_api import expect

from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.handoff import Target, token_of
from kiosk.domain.session import PaymentContext
from kiosk.domain.tariff import Tariff
from kiosk.store.records import Handoff
from tests.browser.garage import CODE, SECRET_KEY
from tests.browser.phone import Phone
from tests.browser.stage import Show, Stage
from tests.worlds.by_hand import HOLD

LANDING = f"/c/{CODE}"


def _landing(*statuses: str, **changes: object) -> Show:
    def show(stage: Stage, client: FlaskClient) -> str:
        del client
        stage.cards(*statuses, **changes)
        return LANDING

    return show


def _old_card(stage: Stage, client: FlaskClient) -> str:
    del client
    stage.cards()
    stage.clock.advance(600)
    stage.store.note_card_problem(CODE, Refusal.UPSTREAM_DOWN, stage.now)
    return LANDING


def _home(stage: Stage, client: FlaskClient) -> str:
    del client
    stage.cards()
    return "/"


def _accessibility(stage: Stage, client: FlaskClient) -> str:
    del stage, client
    return "/accessibility"


def _not_found(stage: Stage, client: FlaskClient) -> str:
    del client
    stage.store.note_card_problem("7MK4P", Refusal.UNKNOWN_CHARGER, stage.now)
    return "/c/7MK4P"


def _looking(stage: Stage, client: FlaskClient) -> str:
    del stage, client
    return "/c/4KD8V"


def _service_down(stage: Stage, client: FlaskClient) -> str:
    del client
    stage.store.note_card_problem("DCF4N", Refusal.UPSTREAM_DOWN, stage.now)
    return "/c/DCF4N"


def _seen_after(stage: Stage, client: FlaskClient) -> str:
    stage.back(stage.captured(client))
    stage.cards("Available", "Available")
    return LANDING


def _path(make: Show) -> Show:
    return lambda stage, client: f"/s/{make(stage, client)}"


def _queued(stage: Stage, client: FlaskClient) -> str:
    for _ in range(3):
        stage.store.note_call("start", stage.now)
    stage.clock.advance(35)
    return stage.start(client)


def _left(stage: Stage, client: FlaskClient) -> str:
    key = stage.start(client)
    assert stage.store.withdraw_start(key, stage.now)
    return key


def _refused(refusal: Refusal) -> Show:
    return _path(lambda stage, client: stage.refuse(client, refusal))


def _no_answer(stage: Stage, client: FlaskClient) -> str:
    key = stage.start(client)
    command = stage.claim(key)
    stage.clock.advance(30)
    stage.store.start_unanswered(command, stage.now, "timeout")
    return key


def _limited(stage: Stage, client: FlaskClient) -> str:
    key = stage.charging(client)
    stage.store.set_limit(key, 1500)
    return key


def _no_power_yet(stage: Stage, client: FlaskClient) -> str:
    key = stage.starting(client)
    seen = {"charging_started_at": stage.now, "energy_kwh": Decimal("0.000"), "cost_minor": 35}
    stage.observe(key, "charging", 5, connector_status="SuspendedEV", **seen)
    return key


def _stale(stage: Stage, client: FlaskClient) -> str:
    key = _limited(stage, client)
    stage.observe(key, "charging", 157, charger_online=False, energy_kwh=Decimal("13.90"), cost_minor=716)
    return key


def _stop(stage: Stage, client: FlaskClient, state: CommandState) -> str:
    key = stage.charging(client)
    command = stage.ask(key, Kind.STOP)
    assert stage.store.claim(command, stage.now)
    stage.store.finish(command, state, stage.now)
    return key


def _stop_unanswered(stage: Stage, client: FlaskClient) -> str:
    return _stop(stage, client, CommandState.UNKNOWN)


def _stop_refused(stage: Stage, client: FlaskClient) -> str:
    return _stop(stage, client, CommandState.REFUSED)


def _stopping(stage: Stage, client: FlaskClient) -> str:
    key = _stop(stage, client, CommandState.DONE)
    stage.observe(key, "stopping", energy_kwh=Decimal("13.92"), cost_minor=717)
    return key


def _settling(stage: Stage, client: FlaskClient) -> str:
    key = _stopping(stage, client)
    stage.observe(key, "settling", 4, energy_kwh=Decimal("13.92"), cost_minor=717, completed_at=stage.now)
    return key


def _captured(stage: Stage, client: FlaskClient) -> str:
    key = stage.captured(client)
    stage.proven(key, "succeeded", 947)
    stage.receipt(key)
    return key


def _captured_unproven(stage: Stage, client: FlaskClient) -> str:
    return stage.captured(client)


def _capped(stage: Stage, client: FlaskClient) -> str:
    key = stage.charging(client, "60.40", 2995)
    stage.capture(key, energy_kwh=Decimal("62.084"), cost_minor=3077, captured_minor=HOLD, tax_minor=479)
    stage.proven(key, "succeeded", HOLD)
    stage.receipt(key)
    return key


def _refunded_twice(stage: Stage, client: FlaskClient) -> str:
    """All that can stand on one receipt: a part was sent back, and another one, and the rest of the hold is proven."""
    key = _captured(stage, client)
    for left, tax in ((520, 83), (100, 16)):
        stage.clock.advance(86_400)
        stage.ended(key, "refunded", energy_kwh=Decimal("18.62"), cost_minor=947, captured_minor=left, tax_minor=tax)
    return key


def _declined(stage: Stage, client: FlaskClient) -> str:
    """The payment keeps that its last attempt was refused, and the page reads it there."""
    key = stage.created(client)
    stage.decline(key)
    return key


def _terms_changed(stage: Stage, client: FlaskClient) -> str:
    key = stage.start(client)
    payment = PaymentContext("pi_dearer_secret_1", "pk_test_sandbox", "acct_sandbox")
    stage.made(key, payment, tariff=Tariff("EUR", 79, 35))
    return key


def _still_there(stage: Stage, client: FlaskClient) -> str:
    key = stage.start(client)
    (waiting,) = stage.store.waiting_starts()
    assert stage.store.put_aside(waiting.command_id, stage.now, Refusal.NOBODY_WATCHED) is not None
    return key


def _without_power(connector: str) -> Show:
    def show(stage: Stage, client: FlaskClient) -> str:
        key = stage.charging(client)
        stage.observe(key, "charging", 5, connector_status=connector, energy_kwh=Decimal("13.90"), cost_minor=716)
        return key

    return _path(show)


def _no_charge(stage: Stage, client: FlaskClient) -> str:
    key = _no_power_yet(stage, client)
    nothing = {"energy_kwh": Decimal("0.000"), "cost_minor": 0, "captured_minor": 0}
    stage.clock.advance(190)
    stage.ended(key, "no_charge", 0, completed_at=stage.now, **nothing)
    stage.back(key)
    return key


def _ended_early(status: str, reason: str) -> Show:
    def show(stage: Stage, client: FlaskClient) -> str:
        key = stage.starting(client)
        stage.clock.advance(7)
        stage.ended(key, status, 0, failure_reason=reason, completed_at=stage.now)
        stage.clock.advance(3)
        stage.back(key)
        return key

    return _path(show)


def _expired(stage: Stage, client: FlaskClient) -> str:
    key = stage.created(client)
    stage.ended(key, "expired", 900, failure_reason="payment_expired")
    return key


def _unbilled(status: str, **seen: object) -> Show:
    def show(stage: Stage, client: FlaskClient) -> str:
        key = stage.charging(client, "11.04", 576)
        figures = {"energy_kwh": Decimal("11.04"), "cost_minor": 576, "completed_at": stage.now, **seen}
        stage.ended(key, status, 20, **figures)
        return key

    return _path(show)


def _strange(stage: Stage, client: FlaskClient) -> str:
    key = stage.starting(client)
    stage.observe(key, "recalibrating")
    return key


def _gone(stage: Stage, client: FlaskClient) -> str:
    key = stage.charging(client)
    stage.clock.advance(30)
    stage.store.mark_gone(key, stage.now, stage.now)
    stage.store.mark_gone(key, stage.now, stage.now)
    return key


def _watching(stage: Stage, client: FlaskClient) -> str:
    del client
    return stage.charging(stage.driver())


def _being_paid(stage: Stage, client: FlaskClient) -> str:
    del client
    return stage.created(stage.driver())


def _takeover(stage: Stage, client: FlaskClient) -> str:
    key = stage.charging(stage.driver())
    del client
    code = key[:16]
    stage.store.new_takeover(key, code, stage.now + timedelta(minutes=5))
    return f"/t/{code}"


def _owners(stage: Stage, client: FlaskClient) -> str:
    """Another phone has taken it over as well."""
    key = stage.charging(client)
    stage.store.new_takeover(key, key[:16], stage.now + timedelta(minutes=5))
    answer = stage.driver().post(f"/t/{key[:16]}")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return f"/s/{key}/owners"


def _by_record(stage: Stage, client: FlaskClient) -> str:
    """The back office says no end, and the payment's own record has one."""
    key = _settling(stage, client)
    stage.proven(key, "succeeded", 947)
    return key


def _unreadable(stage: Stage, client: FlaskClient) -> str:
    """Its row in the store is damaged."""
    key = stage.charging(client)
    stage.damage()
    return key


def _foreign(stage: Stage, client: FlaskClient) -> str:
    del client
    stage.card("Available", "Available", code="ZZ9ZZ", name="Hotel, charger 1")
    return "/c/ZZ9ZZ"


def _handed_off(stage: Stage, client: FlaskClient) -> str:
    """The square code of a site's screen, scanned."""
    del client
    stage.cards("Available", "Available")
    code = stage.store.new_pairing("marktplatz", "Entrance", stage.now, stage.now + timedelta(minutes=10))
    tablet = stage.store.pair(code, "the key of the screen", stage.now)
    assert tablet is not None
    handoff = Handoff("ABCDEFGHJKMN", tablet.id, CODE, 2, "en", stage.now)
    stage.store.open_handoff(handoff)
    return f"/h/{token_of([SECRET_KEY], Target(handoff.id, CODE, 2, stage.now), 0)}"


SCREENS: dict[str, Show] = {
    "home": _home,
    "accessibility": _accessibility,
    "looking": _looking,
    "not-found": _not_found,
    "service-down": _service_down,
    "landing": _landing("Charging", "Preparing"),
    "landing-busy": _landing("Charging", "Charging"),
    "landing-fault": _landing("Charging", "Faulted"),
    "landing-offline": _landing("Available", "Available", online=False),
    "landing-kept": _landing("Reserved", "Reserved"),
    "landing-old": _old_card,
    "landing-unpriced": _landing("Available", "Available", tariff=None, preauth_minor=None),
    "landing-after": _seen_after,
    "foreign": _foreign,
    "handoff": _handed_off,
    "handoff-too-old": lambda _stage, _client: f"/h/ABCDEFGHJKMN{'2' * 13}",
    "queued": _path(_queued),
    "left": _path(_left),
    "refused-offline": _refused(Refusal.CHARGER_OFFLINE),
    "refused-busy": _refused(Refusal.CONNECTOR_BUSY),
    "refused-connector": _refused(Refusal.UNKNOWN_CONNECTOR),
    "refused-charger": _refused(Refusal.UNKNOWN_CHARGER),
    "refused-too-many": _refused(Refusal.TOO_MANY),
    "refused-down": _refused(Refusal.UPSTREAM_DOWN),
    "no-answer": _path(_no_answer),
    "pay": _path(lambda stage, client: stage.created(client)),
    "declined": _path(_declined),
    "terms-changed": _path(_terms_changed),
    "still-there": _path(_still_there),
    "being-paid": _path(_being_paid),
    "authorized": _path(lambda stage, client: stage.held(client)),
    "starting": _path(lambda stage, client: stage.starting(client)),
    "cancel": lambda stage, client: f"/s/{stage.starting(client)}/cancel",
    "cancel-unpaid": lambda stage, client: f"/s/{stage.created(client)}/cancel",
    "charging": _path(_limited),
    "charging-no-power": _path(_no_power_yet),
    "charging-paused": _without_power("SuspendedEVSE"),
    "charging-fault": _without_power("Faulted"),
    "charging-over": _without_power("Finishing"),
    "phone-offline": _path(_limited),
    "charging-stop-unanswered": _path(_stop_unanswered),
    "charging-stop-refused": _path(_stop_refused),
    "watching": _path(_watching),
    "stale": _path(_stale),
    "stopping": _path(_stopping),
    "settling": _path(_settling),
    "receipt": _path(_captured),
    "receipt-unproven": _path(_captured_unproven),
    "receipt-capped": _path(_capped),
    "no-charge": _path(_no_charge),
    "expired": _path(_expired),
    "failed": _ended_early("failed", "start_rejected"),
    "abandoned": _ended_early("abandoned", "cancelled_by_driver"),
    "capture-failed": _unbilled("capture_failed"),
    "requires-review": _unbilled("requires_review"),
    "refunded": _path(lambda stage, client: stage.captured(client, "refunded")),
    "refunded-twice": _path(_refunded_twice),
    "refund": lambda stage, client: f"/r/{stage.captured(client, 'refunded')}/refund/1",
    "written-off": _unbilled("written_off", captured_minor=0),
    "strange": _path(_strange),
    "gone": _path(_gone),
    "by-record": _path(_by_record),
    "owners": _owners,
    "move": lambda stage, client: f"/s/{stage.charging(client)}/move",
    "take-over": _takeover,
    "code-too-old": lambda _stage, _client: "/t/AAAAAAAAAAAAAAAA",
    "error-404": lambda _stage, _client: "/s/nothing-here",
    "unreadable": _path(_unreadable),  # the last one: its row keeps the bay
}
PAYING = ("pay", "declined")
"""Where Stripe's form is waited for."""


def settle(name: str, phone: Phone) -> None:
    """What happens on the page after it was opened."""
    if name in PAYING:
        expect(phone.pay_button).to_be_enabled()
    if name == "declined":
        expect(phone.band).to_have_attribute("data-tone", "bad")
    if name == "phone-offline":
        phone.context.set_offline(True)
        expect(phone.band).to_have_attribute("data-tone", "warn")


SPOKEN = ("landing", "pay", "charging", "receipt")
"""Pictured in every language."""
