"""Plugchoice's bodies as the domain's observations and cards. Any field may be missing, null, strange or absurd.

What cannot be read is None. A body that says nothing at all is NoAnswer, so that the last good data stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from kiosk.domain.charger import ChargerCard, Connector, connector_word
from kiosk.domain.money import UnknownCurrency, currency_code
from kiosk.domain.session import Observation, PaymentContext
from kiosk.domain.tariff import Tariff
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.plugchoice.price_parts import PRICING, unknown_prices, unshown_parts
from kiosk.upstream.values import (
    as_count,
    as_credential,
    as_flag,
    as_kwh,
    as_minor,
    as_moment,
    as_object,
    as_text,
    as_word,
)

_MOST_CONNECTORS = 100
_MOST_CODE = 40
_SECRET_KEYS = ("sk_", "rk_")


def read_card(body: object, asked_code: str, seen_at: datetime) -> ChargerCard:
    """Raises NoAnswer when it says nothing of a charger, or speaks of another one than was asked for."""
    data = _data(body)
    code = as_text(data.get("public_code"), _MOST_CODE)
    listed = data.get("connectors")
    if code is None and not isinstance(listed, list):
        raise NoAnswer("an answer without a charger")
    if code is not None and code.casefold() != asked_code.strip().casefold():
        raise NoAnswer("an answer about another charger")
    unshown = unshown_parts(data)
    return ChargerCard(
        code=code or asked_code.strip(),
        name=as_text(data.get("name")),
        online=as_flag(data.get("online")),
        connectors=_connectors(listed),
        tariff=None if unshown else read_tariff(data.get("pricing")),
        preauth_minor=as_minor(data.get("preauth_amount")),
        seen_at=seen_at,
        unshown=unshown,
    )


def read_observation(body: object, asked_at: datetime, seen_at: datetime) -> Observation:
    """Raises NoAnswer when there is no session in it or its status is unreadable."""
    data = _data(body)
    status = as_word(data.get("status"))
    if status is None:
        raise NoAnswer("an answer without a session status")
    charger = as_object(data.get("charger")) or {}
    return Observation(
        asked_at=asked_at,
        seen_at=seen_at,
        status=status,
        failure_reason=as_text(data.get("failure_reason")),
        connector_id=as_count(data.get("connector_id"), 10_000),
        connector_status=connector_word(as_word(data.get("connector_status"))),
        charger_code=as_text(charger.get("public_code"), _MOST_CODE),
        charger_name=as_text(charger.get("name")),
        charger_online=as_flag(charger.get("online")),
        tariff=read_tariff(data.get("pricing")),
        authorized_minor=as_minor(data.get("amount_authorized")),
        energy_kwh=as_kwh(data.get("energy_kwh")),
        cost_minor=as_minor(data.get("cost_amount")),
        captured_minor=as_minor(data.get("amount_captured")),
        tax_minor=as_minor(data.get("tax_amount")),
        driver_email=_email(data.get("driver_email")),
        created_at=as_moment(data.get("created_at")),
        authorized_at=as_moment(data.get("authorized_at")),
        charging_started_at=as_moment(data.get("charging_started_at")),
        completed_at=as_moment(data.get("completed_at")),
        captured_at=as_moment(data.get("captured_at")),
        payment=read_payment(_beside(body, "payment")),
    )


def read_token(body: object) -> str:
    """The session token of a start. Raises NoAnswer when it cannot be used."""
    token = as_credential(_beside(body, "session_token"))
    if token is None or not token.strip("."):
        raise NoAnswer("a start without a usable session token")
    return token


def read_payment(value: object) -> PaymentContext | None:
    """None unless all three parts can be used, or when a secret key stands where a publishable one belongs."""
    payment = as_object(value) or {}
    secret = as_credential(payment.get("client_secret"))
    key = as_credential(payment.get("publishable_key"))
    account = as_credential(payment.get("stripe_account_id"))
    if secret is None or key is None or account is None or key.startswith(_SECRET_KEYS):
        return None
    return PaymentContext(secret, key, account)


def read_tariff(value: object) -> Tariff | None:
    """None when any part of the price could be wrong, or is one that the kiosk does not know. A start fee that is
    missing or null is none (the default)."""
    pricing = as_object(value) or {}
    if unknown_prices(pricing, PRICING):
        return None
    currency = pricing.get("currency")
    price = as_minor(pricing.get("price_per_kwh"))
    fee = 0 if pricing.get("start_fee") is None else as_minor(pricing["start_fee"])
    if not isinstance(currency, str) or price is None or fee is None:
        return None
    try:
        return Tariff(currency_code(currency), price, fee)
    except UnknownCurrency:
        return None


def _data(body: object) -> Mapping[str, object]:
    outer = as_object(body)
    if outer is None:
        raise NoAnswer("not a JSON object")
    data = as_object(outer["data"]) if "data" in outer else outer
    if data is None:
        raise NoAnswer("an answer without data")
    return data


def _beside(body: object, name: str) -> object:
    return (as_object(body) or {}).get(name)


def _connectors(value: object) -> tuple[Connector, ...]:
    """Each number once, in the given order; what has no number cannot be started and is left out."""
    found: dict[int, Connector] = {}
    for entry in value[:_MOST_CONNECTORS] if isinstance(value, list) else []:
        fields = as_object(entry) or {}
        number = as_count(fields.get("connector_id"), 10_000)
        if number is not None and number not in found:
            found[number] = Connector(
                connector_id=number,
                status=connector_word(as_word(fields.get("status"))),
                standard=as_text(fields.get("standard"), 40),
                format=as_text(fields.get("format"), 40),
                power_type=as_text(fields.get("power_type"), 40),
            )
    return tuple(found.values())


def _email(value: object) -> str | None:
    text = as_text(value, 255) if isinstance(value, str) else None
    return text if text is not None and "@" in text else None
