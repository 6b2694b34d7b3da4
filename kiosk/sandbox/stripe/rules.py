"""What Stripe accepts: parameter names (from stripe-python's own types), currencies and amounts.

A name that Stripe does not know is refused as Stripe does. A name that Stripe knows and the stand-in does not do is
refused too, with a sentence that says so, because silently ignoring it would prove something false.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

from stripe import RequestOptions, params
from typing_extensions import is_typeddict

from kiosk.sandbox.stripe.problem import StripeProblem

THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# Passed with two decimals that must be 00: https://docs.stripe.com/currencies, special cases.
WHOLE_IN_HUNDREDTHS = frozenset({"isk", "ugx"})
CURRENCIES = frozenset(
    re.findall(
        r"[a-z]{3}",
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf "
        "clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr "
        "ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur "
        "mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr "
        "sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg "
        "xof xpf yer zar zmw",
    )
)
ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
LARGEST_AMOUNT = 99_999_999

CALLS: Mapping[str, type] = {
    "intent.create": params.PaymentIntentCreateParams,
    "intent.retrieve": params.PaymentIntentRetrieveParams,
    "intent.update": params.PaymentIntentUpdateParams,
    "intent.confirm": params.PaymentIntentConfirmParams,
    "intent.capture": params.PaymentIntentCaptureParams,
    "intent.cancel": params.PaymentIntentCancelParams,
    "charge.retrieve": params.ChargeRetrieveParams,
    "refund.create": params.RefundCreateParams,
    "refund.retrieve": params.RefundRetrieveParams,
    "refund.list": params.RefundListParams,
    "method.create": params.PaymentMethodCreateParams,
    "domain.create": params.PaymentMethodDomainCreateParams,
    "domain.list": params.PaymentMethodDomainListParams,
}
_WORDS = frozenset({"description", "statement_descriptor", "statement_descriptor_suffix", "metadata", "expand"})
DONE: Mapping[str, frozenset[str]] = {
    "intent.create": _WORDS
    | {
        "amount",
        "currency",
        "capture_method",
        "receipt_email",
        "automatic_payment_methods",
        "allowed_payment_method_types",
        "application_fee_amount",
    },
    "intent.retrieve": frozenset({"client_secret", "expand"}),
    "intent.update": frozenset({"description", "metadata", "receipt_email", "expand"}),
    "intent.confirm": frozenset(
        {"payment_method", "payment_method_data", "return_url", "receipt_email", "use_stripe_sdk", "expand"}
    ),
    "intent.capture": frozenset({"amount_to_capture", "application_fee_amount", "metadata", "expand"}),
    "intent.cancel": frozenset({"cancellation_reason", "expand"}),
    "charge.retrieve": frozenset({"expand"}),
    "refund.create": frozenset({"payment_intent", "charge", "amount", "reason", "metadata", "expand"}),
    "refund.retrieve": frozenset({"expand"}),
    "refund.list": frozenset({"payment_intent", "charge", "limit", "expand"}),
    "method.create": frozenset({"type", "card", "revolut_pay", "billing_details", "allow_redisplay", "metadata"}),
    "domain.create": frozenset({"domain_name", "enabled", "expand"}),
    "domain.list": frozenset({"domain_name", "enabled", "limit", "expand"}),
}
# Stripe.js sends these beside the documented ones; a raw card is allowed to it alone.
_FROM_BROWSER = frozenset({"key", "_stripe_account", "client_secret"})
_RAW_CARD = frozenset({"number", "exp_month", "exp_year", "cvc", "token"})
_OF_THE_CLIENT = frozenset(RequestOptions.__annotations__)


def check_parameters(call: str, given: Mapping[str, Any], *, browser: bool) -> None:
    """Refuse names that the call does not have, at any depth, and those that the stand-in does not do."""
    extra = _FROM_BROWSER if browser else frozenset[str]()
    _check_names(CALLS[call], {name: value for name, value in given.items() if name not in extra}, "")
    for name in given:
        if name not in DONE[call] and name not in extra:
            message = f"The sandbox does not do the parameter: {name}. Stripe does."
            raise StripeProblem(400, message, code="sandbox_not_done", param=name)
    for name in getattr(CALLS[call], "__required_keys__", frozenset()):
        if given.get(name) in (None, ""):
            raise StripeProblem(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def _check_names(shape: type, given: Mapping[str, Any], path: str) -> None:
    hints = shape.__annotations__
    for name, value in given.items():
        where = f"{path}[{name}]" if path else name
        if path == "payment_method_data" and name == "card" and isinstance(value, Mapping):
            _check_card(value, where)
            continue
        if name not in hints or (not path and name in _OF_THE_CLIENT and name != "expand"):
            raise _unknown(where)
        inner = _typed_dict_in(hints[name], shape)
        if inner is None or not isinstance(value, Mapping):
            continue
        if inner is getattr(sys.modules[shape.__module__], "PaymentMethodCreateParamsCard", None):
            _check_card(value, where)
        else:
            _check_names(inner, value, where)


def _check_card(given: Mapping[str, Any], path: str) -> None:
    for name in given:
        if name not in _RAW_CARD:
            raise _unknown(f"{path}[{name}]")


def _typed_dict_in(hint: Any, shape: type) -> type | None:
    """The TypedDict that a hint like `NotRequired["Literal['']|SomeParams"]` names, if there is just one."""
    words = {hint} if isinstance(hint, type) else set()
    text = " ".join([str(hint), *(getattr(part, "__forward_arg__", "") for part in get_args(hint))])
    module = vars(sys.modules[shape.__module__])
    words |= {module[word] for word in re.findall(r"\w+", text) if isinstance(module.get(word), type)}
    found = [word for word in words if is_typeddict(word)]
    return found[0] if len(found) == 1 else None


def _unknown(where: str) -> StripeProblem:
    return StripeProblem(400, f"Received unknown parameter: {where}", code="parameter_unknown", param=where)


def whole_number(value: object, name: str) -> int:
    """The integer of a form field; Stripe's words when it is none."""
    text = str(value)
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise StripeProblem(400, f"Invalid integer: {text[:40]}", code="parameter_invalid_integer", param=name)
    return int(text)


def one_of(value: str | None, allowed: tuple[str, ...], name: str) -> str | None:
    if value is not None and value not in allowed:
        raise StripeProblem(400, f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
    return value


def check_currency(currency: str) -> str:
    """The currency in lower case, as Stripe answers it."""
    lower = currency.lower()
    if lower not in CURRENCIES:
        raise StripeProblem(400, f"Invalid currency: {currency[:10]}.", param="currency")
    return lower


def check_amount(amount: int, currency: str, name: str = "amount") -> None:
    """At least 1, at most eight digits, and a last digit or last two that the currency can really have."""
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise StripeProblem(400, message, code="parameter_invalid_integer", param=name)
    if amount > LARGEST_AMOUNT:
        message = f"Amount must be no more than {LARGEST_AMOUNT} in the smallest unit."
        raise StripeProblem(400, message, code="amount_too_large", param=name)
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_IN_HUNDREDTHS else 1
    if amount % step:
        message = f"Invalid amount: in {currency.upper()} it must be a multiple of {step}."
        raise StripeProblem(400, message, code="parameter_invalid_integer", param=name)


def plain_amount(amount: int, currency: str) -> str:
    """`2500, "eur"` as `25.00 EUR`, by Stripe's decimals."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return f"{Decimal(amount).scaleb(-places):f} {currency.upper()}"
