"""Plugchoice's public-charging API as a Flask app over the stand-in world: seven endpoints, their limits and errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from kiosk.sandbox.world.chargers import ChargerView, Pricing
from kiosk.sandbox.world.faults import Faults, Kind
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.reception import Reception
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.sessions import CREATED, REASONS, Session, SessionView, kwh
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.traffic import Verdict
from kiosk.sandbox.world.world import World

PREFIX = "/api/v3/public-charging"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
INVALID = "The given data was invalid."


def create_plugchoice_app(world: World, faults: Faults | None = None) -> Flask:
    """Serves `/api/v3/public-charging/...`. Every answer is counted in `world.traffic`."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(public_charging(world, faults))

    @app.errorhandler(HTTPException)
    def other(problem: HTTPException) -> Response:
        return _message(problem.code or 500, f"{problem.name}.")

    return app


def public_charging(world: World, faults: Faults | None = None) -> Blueprint:
    """The seven endpoints as a blueprint with their full paths."""
    pages = Blueprint("public_charging", __name__, url_prefix=PREFIX)
    limits = _limits(world.switches)
    reception = Reception(world, faults, frozenset(Kind), world.tick, world.line)

    @pages.after_request
    def allow_origin(answer: Response) -> Response:
        if world.switches.cors_allow_origin is not None:
            answer.headers["Access-Control-Allow-Origin"] = world.switches.cors_allow_origin
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
            answer.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type"
        return answer

    def endpoint(rule: str, method: str, name: str, work: Callable[..., Response]) -> None:
        def spend(now: datetime) -> Verdict:
            shared = world.switches.limit_scope == "address" or name in ("charger", "start")
            return world.limits.spend(name, _caller(world.switches), limits[name], now, shared=shared)

        def answer(**path: str) -> Response:
            address = _address(world.switches)
            return reception.serve(name, lambda: _worked(lambda: work(**path)), address=address, spend=spend)

        pages.add_url_rule(rule, endpoint=name, view_func=answer, methods=[method])

    def charger(code: str) -> Response:
        return jsonify(data=charger_data(world.public_charger(code), world.switches))

    def start() -> Response:
        body = _body()
        code, connector_id, email = _start_fields(body)
        view = world.open_session(code, connector_id, email)
        answer = _with_payment(world, view, session_token=view.session.token)
        answer.status_code = 201
        return answer

    def session(token: str) -> Response:
        return _with_payment(world, world.session(token))

    def session_call(work: Callable[[str], SessionView]) -> Callable[[str], Response]:
        return lambda token: jsonify(data=session_data(work(token), world.switches))

    def receipt_email(token: str) -> Response:
        errors: dict[str, list[str]] = {}
        email = _email(_body(), errors, required=True)
        if errors or email is None:
            raise Refusal(422, INVALID, errors=errors)
        return jsonify(data=session_data(world.set_receipt_email(token, email), world.switches))

    endpoint("/chargers/<code>", "GET", "charger", charger)
    endpoint("/sessions", "POST", "start", start)
    endpoint("/sessions/<token>", "GET", "session", session)
    endpoint("/sessions/<token>/confirm", "POST", "confirm", session_call(world.confirm))
    endpoint("/sessions/<token>/stop", "POST", "stop", session_call(world.stop))
    endpoint("/sessions/<token>/cancel", "POST", "cancel", session_call(world.cancel))
    endpoint("/sessions/<token>/receipt-email", "POST", "receipt_email", receipt_email)
    return pages


# --- one call


def _worked(work: Callable[[], Response]) -> Response:
    try:
        return work()
    except Refusal as refusal:
        answer = _message(refusal.status, refusal.message, refusal.errors)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer


def _address(switches: Switches) -> str:
    forwarded = request.headers.get("X-Forwarded-For") if switches.believes_forwarded_for else None
    return forwarded.split(",")[0].strip() if forwarded else request.remote_addr or ""


def _caller(switches: Switches) -> str:
    """Whose limit a request counts against."""
    if switches.limit_scope == "token" and request.view_args and "token" in request.view_args:
        return str(request.view_args["token"])
    return _address(switches)


def _limits(switches: Switches) -> dict[str, int]:
    return {
        "charger": switches.charger_reads_per_minute,
        "start": switches.starts_per_minute,
        "session": switches.session_reads_per_minute,
        "confirm": switches.confirms_per_minute,
        "stop": switches.stops_per_minute,
        "cancel": switches.cancels_per_minute,
        "receipt_email": switches.receipt_emails_per_minute,
    }


def _message(status: int, message: str, errors: dict[str, list[str]] | None = None) -> Response:
    answer = jsonify({"message": message} if errors is None else {"message": message, "errors": errors})
    answer.status_code = status
    return answer


# --- what comes in


def _body() -> dict[str, Any]:
    if not request.get_data():
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "The request body is not valid JSON.")
    return body


def _start_fields(body: dict[str, Any]) -> tuple[str, int, str | None]:
    errors: dict[str, list[str]] = {}
    code, number = body.get("code"), body.get("connector_id")
    if code is None or code == "":
        errors["code"] = ["The code field is required."]
    elif not isinstance(code, str):
        errors["code"] = ["The code field must be a string."]
    elif len(code) > 10:
        errors["code"] = ["The code field must not be greater than 10 characters."]
    if isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) <= 3:
        number = int(number)
    if number is None or number == "":
        errors["connector_id"] = ["The connector id field is required."]
    elif isinstance(number, bool) or not isinstance(number, int):
        errors["connector_id"] = ["The connector id field must be an integer."]
    elif not 1 <= number <= 100:
        errors["connector_id"] = ["The connector id field must be between 1 and 100."]
    email = _email(body, errors, required=False)
    if errors:
        raise Refusal(422, INVALID, errors=errors)
    return str(code), int(number or 0), email


def _email(body: dict[str, Any], errors: dict[str, list[str]], *, required: bool) -> str | None:
    email = body.get("email")
    if email is None or email == "":
        if required:
            errors["email"] = ["The email field is required."]
        return None
    if not isinstance(email, str) or not EMAIL.fullmatch(email):
        errors["email"] = ["The email field must be a valid email address."]
        return None
    if len(email) > 255:
        errors["email"] = ["The email field must not be greater than 255 characters."]
        return None
    return email


# --- what goes out


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with six digits: `2026-01-10T01:14:32.000000Z`."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def charger_data(charger: ChargerView, switches: Switches) -> dict[str, Any]:
    connectors = [
        {
            "connector_id": each.spec.connector_id,
            "status": each.status,
            "standard": each.spec.standard if each.spec.described else None,
            "format": each.spec.format if each.spec.described else None,
            "power_type": each.spec.supply if each.spec.described else None,
        }
        for each in charger.connectors
    ]
    return {
        "public_code": charger.spec.code,
        "name": charger.spec.name,
        "online": charger.online,
        "connectors": connectors,
        "pricing": _pricing(charger.pricing, switches),
        "preauth_amount": charger.spec.preauth_amount,
    }


def session_data(view: SessionView, switches: Switches) -> dict[str, Any]:
    session = view.session
    reason = session.failure_reason
    if reason is not None and switches.failure_reason_style == "sentence":
        reason = REASONS[reason]
    return {
        "status": session.status,
        "failure_reason": reason,
        "connector_id": session.connector_id,
        "connector_status": view.connector_status,
        "charger": {"public_code": session.code, "name": view.charger_name, "online": view.charger_online},
        "pricing": _pricing(session.pricing, switches),
        "amount_authorized": session.amount_authorized,
        "energy_kwh": None if session.energy_wh is None else kwh(session.energy_wh),
        "cost_amount": session.cost_amount,
        "amount_captured": session.amount_captured,
        "tax_amount": session.tax_amount,
        "driver_email": session.driver_email,
        "created_at": timestamp(session.created_at),
        "authorized_at": timestamp(session.authorized_at),
        "charging_started_at": timestamp(session.charging_started_at),
        "completed_at": timestamp(session.completed_at),
        "captured_at": timestamp(session.captured_at),
    }


def payment_data(session: Session, publishable_key: str) -> dict[str, Any] | None:
    """What the browser needs to pay; nothing once the session has left `created`."""
    if session.status != CREATED:
        return None
    return {
        "client_secret": session.client_secret,
        "publishable_key": publishable_key,
        "stripe_account_id": ACCOUNT,
    }


def _with_payment(world: World, view: SessionView, **more: Any) -> Response:
    return jsonify(
        **more,
        data=session_data(view, world.switches),
        payment=payment_data(view.session, world.publishable_key),
    )


def _pricing(pricing: Pricing, switches: Switches) -> dict[str, Any]:
    currency = pricing.currency.upper() if switches.currency_upper_case else pricing.currency.lower()
    known = {"currency": currency, "price_per_kwh": pricing.price_per_kwh, "start_fee": pricing.start_fee}
    return known | dict(pricing.more)
