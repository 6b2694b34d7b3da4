"""The Stripe stand-in as a web app: the parts of Stripe's API that the kiosk and its back office use.

Pages and scripts for the browser are in `stripe_form`. To answer js., api. and hooks.stripe.com at the browser's edge,
pass the request on with its own host name: the addresses in the answers then stay Stripe's.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, jsonify, make_response, request
from werkzeug.exceptions import HTTPException

from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.faults import Loss, StripeFaults
from kiosk.sandbox.stripe.form import hooks_base, pages
from kiosk.sandbox.stripe.methods import PaymentMethod, card_method, redirect_method, wallet_method
from kiosk.sandbox.stripe.objects import PLATFORM, new_id
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.stripe.rules import whole_number
from kiosk.sandbox.stripe.webhooks import WebhookSender, WebhookTarget
from kiosk.sandbox.stripe.wire import (
    Call,
    Desk,
    broken_answer,
    desk,
    intent_view,
    problem_answer,
    read_call,
)

_HERE = Path(__file__).parents[1]
_PLAIN_FIELDS = ("description", "statement_descriptor", "statement_descriptor_suffix", "receipt_email")

api = Blueprint("stripe_api", __name__, url_prefix="/v1")


def create_stripe_app(
    book: StripeBook, *, faults: StripeFaults | None = None, webhook: WebhookTarget | None = None
) -> Flask:
    """The stand-in over `book`. The sender for `webhook` is `app.extensions["stripe_webhooks"]`; close it when done."""
    app = Flask("stripe_sandbox", template_folder=str(_HERE / "templates" / "stripe"), static_folder=None)
    shared = Desk(book, faults or StripeFaults())
    app.extensions["stripe_sandbox"] = shared
    if webhook is not None:
        sender = WebhookSender(webhook, shared.faults)
        book.subscribe(sender)
        app.extensions["stripe_webhooks"] = sender
    app.register_blueprint(api)
    app.register_blueprint(pages)
    app.register_error_handler(StripeProblem, problem_answer)
    app.register_error_handler(HTTPException, _unknown_address)
    return app


def _unknown_address(problem: HTTPException) -> Any:
    if not request.path.startswith("/v1/"):
        return problem
    message = f"Unrecognized request URL ({request.method}: {request.path})."
    return problem_answer(StripeProblem(problem.code or 404, message))


@api.after_request
def _finish(answer: Response) -> Response:
    answer.headers["Request-Id"] = new_id("req")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cache-Control"] = "no-store"
    delay = desk().faults.browser_delay
    if g.get("by_browser") and delay > 0:
        desk().book.clock.wait(threading.Event(), delay)
    return answer


def _once(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Keep the answer for an idempotency key. As with Stripe, an answer to a malformed call is not kept."""

    @functools.wraps(handler)
    def keeping(**path: str) -> Response:
        key = request.headers.get("Idempotency-Key")
        if not key:
            return handler(**path)
        account = request.headers.get("Stripe-Account", PLATFORM)
        kept = desk().replays.begin(account, key)
        if kept is not None:
            replay = Response(kept[0], kept[1], content_type="application/json")
            replay.headers["Idempotent-Replayed"] = "true"
            return replay
        answer = None
        try:
            answer = _answer_of(functools.partial(handler, **path))
        finally:
            if answer is not None and (answer.status_code < 300 or answer.status_code == 402):
                desk().replays.end(account, key, answer.get_data(), answer.status_code)
            else:
                desk().replays.forget(account, key)
        return answer

    return keeping


def _answer_of(handler: Callable[[], Response]) -> Response:
    try:
        return handler()
    except StripeProblem as problem:
        return make_response(problem_answer(problem))


def _faulty(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Fail or lose an answer when told to. A lost answer is still kept for its idempotency key."""
    refund = handler.__name__ == "create_refund"

    @functools.wraps(handler)
    def failing(**path: str) -> Response:
        status = desk().faults.take_failure(of_a_refund=refund)
        if status is not None:
            kind = "rate_limit_error" if status == 429 else "api_error"
            raise StripeProblem(status, "The sandbox was told to fail this call.", kind=kind)
        loss = desk().faults.take_loss(of_a_refund=refund)
        if loss is Loss.BEFORE:
            return broken_answer()
        answer = _answer_of(functools.partial(handler, **path))
        return broken_answer() if loss is Loss.AFTER else answer

    return failing


def _intent_answer(intent: dict[str, Any], call: Call) -> Response:
    view = intent_view(intent, call)
    for path in call.expand:
        if call.browser or path != "latest_charge":
            raise StripeProblem(400, f"This property cannot be expanded ({path}).", param="expand")
        if intent["latest_charge"]:
            view["latest_charge"] = desk().book.get_charge(call.account, intent["latest_charge"])
    return jsonify(view)


def _nothing_to_expand(call: Call) -> None:
    for path in call.expand:
        raise StripeProblem(400, f"This property cannot be expanded ({path}).", param="expand")


def _intent_for(call: Call, intent_id: str) -> dict[str, Any]:
    """The intent; a browser must show its client secret too."""
    intent = desk().book.get_intent(call.account, intent_id)
    if call.browser and call.text("client_secret") != intent["client_secret"]:
        message = "The client_secret provided does not match any associated PaymentIntent on this account."
        raise StripeProblem(404, message, code="resource_missing", param="client_secret")
    return intent


def _plain_fields(call: Call) -> dict[str, Any]:
    fields: dict[str, Any] = {name: call.text(name) for name in _PLAIN_FIELDS if name in call.fields}
    if call.text("application_fee_amount"):
        fields["application_fee_amount"] = whole_number(call.fields["application_fee_amount"], "application_fee_amount")
    return fields


@api.post("/payment_intents")
@_once
def create_intent() -> Response:
    call = read_call("intent.create")
    fields = _plain_fields(call)
    kinds = call.fields.get("allowed_payment_method_types")
    intent = desk().book.create_intent(
        account=call.account,
        amount=whole_number(call.fields["amount"], "amount"),
        currency=str(call.fields["currency"]),
        metadata=call.table("metadata"),
        receipt_email=fields.pop("receipt_email", None),
        capture_method=call.text("capture_method") or "automatic_async",
        methods=[str(kind) for kind in kinds] if isinstance(kinds, list) else None,
        fields=fields,
    )
    return _intent_answer(intent, call)


@api.get("/payment_intents/<intent_id>")
def retrieve_intent(intent_id: str) -> Response:
    call = read_call("intent.retrieve", browser_may=True)
    return _intent_answer(_intent_for(call, intent_id), call)


@api.post("/payment_intents/<intent_id>")
@_once
def update_intent(intent_id: str) -> Response:
    call = read_call("intent.update")
    fields = {**_plain_fields(call), "metadata": call.table("metadata")}
    return _intent_answer(desk().book.update_intent(call.account, intent_id, fields), call)


@api.post("/payment_intents/<intent_id>/capture")
@_once
def capture_intent(intent_id: str) -> Response:
    call = read_call("intent.capture")
    book = desk().book
    asked = call.text("amount_to_capture")
    held = book.get_intent(call.account, intent_id)["amount_capturable"]
    amount = whole_number(asked, "amount_to_capture") if asked is not None else held
    fields = {**_plain_fields(call), "metadata": call.table("metadata")}
    book.capture(call.account, intent_id, amount)
    return _intent_answer(book.update_intent(call.account, intent_id, fields), call)


@api.post("/payment_intents/<intent_id>/cancel")
@_once
def cancel_intent(intent_id: str) -> Response:
    call = read_call("intent.cancel")
    reason = call.text("cancellation_reason")
    return _intent_answer(desk().book.cancel(call.account, intent_id, reason), call)


@api.post("/payment_intents/<intent_id>/confirm")
@_faulty
@_once
def confirm_intent(intent_id: str) -> Response:
    call = read_call("intent.confirm", browser_may=True)
    book = desk().book
    _intent_for(call, intent_id)
    return_url = call.text("return_url")
    if return_url is not None and not _is_web_address(return_url):
        raise StripeProblem(400, "Not a valid URL", code="url_invalid", param="return_url")
    method = _method_of(call)
    if call.text("receipt_email"):
        book.set_receipt_email(call.account, intent_id, call.fields["receipt_email"])
    intent = book.confirm(call.account, intent_id, method, return_url=return_url, pages=hooks_base())
    return _intent_answer(intent, call)


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _method_of(call: Call) -> PaymentMethod:
    known = call.text("payment_method")
    data = call.table("payment_method_data")
    if known is not None:
        return desk().book.get_method(call.account, known)
    if not data:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. "
            "You can either update the PaymentIntent with a payment method and then confirm it again, "
            "or confirm it again directly with a payment method or ConfirmationToken."
        )
        raise StripeProblem(400, message, code="payment_intent_unexpected_state", param="payment_method")
    method = _method_from(data)
    desk().book.keep_method(call.account, method)
    return method


def _method_from(data: dict[str, Any]) -> PaymentMethod:
    kind = str(data.get("type", ""))
    card = data.get("card")
    if kind != "card":
        return redirect_method(kind)
    if not isinstance(card, dict):
        raise StripeProblem(400, "Missing required param: card.", code="parameter_missing", param="card")
    if "token" in card:
        return wallet_method(str(card["token"]))
    return card_method(
        str(card.get("number", "")),
        whole_number(card.get("exp_month", ""), "card[exp_month]"),
        whole_number(card.get("exp_year", ""), "card[exp_year]"),
        str(card.get("cvc", "")),
        desk().book.clock.now(),
    )


@api.post("/payment_methods")
@_once
def create_method() -> Response:
    call = read_call("method.create", browser_may=True)
    return jsonify(desk().book.keep_method(call.account, _method_from(dict(call.fields))))


@api.get("/charges/<charge_id>")
def retrieve_charge(charge_id: str) -> Response:
    call = read_call("charge.retrieve")
    _nothing_to_expand(call)
    return jsonify(desk().book.get_charge(call.account, charge_id))


@api.post("/refunds")
@_faulty
@_once
def create_refund() -> Response:
    call = read_call("refund.create")
    _nothing_to_expand(call)
    book = desk().book
    intent_id = call.text("payment_intent")
    charge_id = call.text("charge")
    if (intent_id is None) == (charge_id is None):
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise StripeProblem(400, message, code="parameter_missing", param="payment_intent")
    if charge_id is not None:
        intent_id = book.get_charge(call.account, charge_id)["payment_intent"]
    amount = call.text("amount")
    wanted = None if amount is None else whole_number(amount, "amount")
    refund = book.refund(call.account, str(intent_id), wanted, call.text("reason"), call.table("metadata"))
    return jsonify(refund)


@api.get("/refunds")
def list_refunds() -> Response:
    call = read_call("refund.list")
    _nothing_to_expand(call)
    found = desk().book.refunds(call.account, call.text("payment_intent"), call.text("charge"))
    limit = whole_number(call.fields.get("limit", 10), "limit")
    return jsonify(object="list", url="/v1/refunds", has_more=len(found) > limit, data=found[:limit])


@api.get("/refunds/<refund_id>")
def retrieve_refund(refund_id: str) -> Response:
    call = read_call("refund.retrieve")
    _nothing_to_expand(call)
    return jsonify(desk().book.get_refund(call.account, refund_id))


@api.post("/payment_method_domains")
@_once
def create_domain() -> Response:
    call = read_call("domain.create")
    _nothing_to_expand(call)
    name = str(call.fields["domain_name"])
    return jsonify(desk().book.register_domain(call.account, name, call.text("enabled") != "false"))


@api.get("/payment_method_domains")
def list_domains() -> Response:
    call = read_call("domain.list")
    _nothing_to_expand(call)
    name = call.text("domain_name")
    enabled = call.text("enabled")
    found = [
        domain
        for domain in desk().book.domains(call.account)
        if name in (None, domain["domain_name"]) and enabled in (None, str(domain["enabled"]).lower())
    ]
    limit = whole_number(call.fields.get("limit", 10), "limit")
    page = found[:limit]
    return jsonify(object="list", url="/v1/payment_method_domains", has_more=len(found) > limit, data=page)
