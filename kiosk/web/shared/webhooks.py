"""Stripe's webhook: a hint that something happened to a payment. The engine then asks upstream for the truth."""

from __future__ import annotations

import structlog
from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from kiosk.service.session import provider_says_paid
from kiosk.upstream.errors import NotFromStripe
from kiosk.upstream.stripe.client import verify_webhook
from kiosk.web.shared.limits import limit_hint
from kiosk.web.shared.parts import parts

MOST_BYTES = 256 * 1024
"""An event with an expanded payment is a few kB; this leaves room and is still nothing to hold in memory."""

PAID = frozenset({"payment_intent.amount_capturable_updated", "payment_intent.succeeded"})
"""Events after which money is set aside or taken. Upstream may have missed its own, so it is asked to look."""

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")
log = structlog.stdlib.get_logger(__name__)


@bp.post("/stripe")
@limit_hint
def stripe() -> ResponseReturnValue:
    """404 without a secret, 400 for what Stripe did not send, 204 for everything else, also what says nothing to us."""
    secret = parts().settings.stripe_webhook_secret
    if secret is None:
        abort(404)
    request.max_content_length = MOST_BYTES
    payload = request.get_data(cache=False)
    now = parts().clock.now()
    try:
        signature, signed_about = request.headers.get("Stripe-Signature"), parts().clock.wall()
        hint = verify_webhook(payload, signature, secret.get_secret_value(), signed_about)
    except NotFromStripe:
        log.warning("a webhook was refused")
        abort(400)
    if hint is None:
        return "", 204
    store = parts().store
    key = store.session_by_intent(hint.intent_id)
    if store.note_webhook(hint.event_id, hint.type, key, now) and key is not None:
        store.hint(key, now)
        if hint.type in PAID:
            provider_says_paid(parts(), key)
        parts().news.wish()
    return "", 204
