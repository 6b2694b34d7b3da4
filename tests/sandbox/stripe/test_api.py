"""What the stand-in's API accepts and shows: parameters, keys, accounts, idempotency, faults, addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.faults import Loss, StripeFaults
from tests.sandbox.stripe.stripe_till import (
    ACCOUNT,
    BASE,
    ON_SITE,
    WsgiStripeClient,
    browser_fields,
    card_fields,
    confirm,
    new_intent,
    read,
    stripe_client,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def book(clock: ManualClock) -> StripeBook:
    return StripeBook(clock)


@pytest.fixture
def faults() -> StripeFaults:
    return StripeFaults()


@pytest.fixture
def app(book: StripeBook, faults: StripeFaults) -> Flask:
    return create_stripe_app(book, faults=faults)


@pytest.fixture
def web(app: Flask) -> Iterator[httpx.Client]:
    """Plain HTTP, as the browser speaks it."""
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url=BASE) as client:
        yield client


@pytest.fixture
def client(web: httpx.Client) -> stripe.StripeClient:
    return stripe_client(web)


# Contract


def test_a_parameter_that_stripe_does_not_know_is_refused(client: stripe.StripeClient) -> None:
    for more in ({"payment_method_types": ["card"]}, {"automatic_payment_methods": {"enabled": True, "oops": "1"}}):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            new_intent(client, **more)
        assert refused.value.code == "parameter_unknown"


def test_a_parameter_that_the_sandbox_does_not_do_is_refused_with_a_reason(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="sandbox does not do") as refused:
        new_intent(client, customer="cus_1")
    assert refused.value.code == "sandbox_not_done"


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_a_missing_parameter_is_named(client: stripe.StripeClient, name: str) -> None:
    params: Any = {"amount": 100, "currency": "eur"}
    del params[name]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params, ON_SITE)
    assert (refused.value.code, refused.value.param) == ("parameter_missing", name)


def test_an_amount_that_is_no_integer_is_refused(client: stripe.StripeClient) -> None:
    for amount in ("12.5", "1e3", "ten"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            new_intent(client, amount=amount)
        assert refused.value.code == "parameter_invalid_integer"


def test_an_unknown_property_cannot_be_expanded(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.retrieve(new_intent(client).id, {"expand": ["customer"]}, ON_SITE)


def test_an_address_that_is_not_there_answers_in_stripes_form(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.customers.retrieve("cus_1")


def test_an_intent_is_seen_in_its_own_account_alone(client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    for options in ({}, {"stripe_account": "acct_other"}):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.retrieve(intent.id, None, options)  # type: ignore[arg-type]
        assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)


def test_an_update_merges_metadata_and_sets_the_receipt_address(client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    params: Any = {"metadata": {"evse": "", "bay": "3"}, "receipt_email": "driver@example.com"}
    changed = client.v1.payment_intents.update(intent.id, params, ON_SITE)
    assert (changed.metadata.to_dict(), changed.receipt_email) == ({"bay": "3"}, "driver@example.com")


def test_a_domain_is_registered_once_for_each_account(client: stripe.StripeClient) -> None:
    domain = client.v1.payment_method_domains.create({"domain_name": "pay.example.com"}, ON_SITE)
    again = client.v1.payment_method_domains.create({"domain_name": "pay.example.com"}, ON_SITE)
    assert (domain.google_pay.status, again.id) == ("active", domain.id)
    assert len(client.v1.payment_method_domains.list(None, ON_SITE).data) == 1
    assert client.v1.payment_method_domains.list(None, {"stripe_account": "acct_other"}).data == []


# Idempotency


def test_the_same_key_gives_the_same_answer(client: stripe.StripeClient, book: StripeBook) -> None:
    created: list[str] = []
    book.subscribe(lambda event: created.append(event["type"]))
    options: stripe.RequestOptions = {"stripe_account": ACCOUNT, "idempotency_key": "start-1"}
    first = client.v1.payment_intents.create({"amount": 100, "currency": "eur"}, options)
    second = client.v1.payment_intents.create({"amount": 100, "currency": "eur"}, options)
    assert (first.id, created) == (second.id, ["payment_intent.created"])


def test_the_same_key_with_other_fields_is_an_error(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"stripe_account": ACCOUNT, "idempotency_key": "start-1"}
    client.v1.payment_intents.create({"amount": 100, "currency": "eur"}, options)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({"amount": 200, "currency": "eur"}, options)


def test_the_same_key_in_another_account_is_another_call(client: stripe.StripeClient) -> None:
    ids = {
        client.v1.payment_intents.create(
            {"amount": 100, "currency": "eur"}, {"stripe_account": account, "idempotency_key": "start-1"}
        ).id
        for account in ("acct_a", "acct_b")
    }
    assert len(ids) == 2


def test_the_same_key_while_the_first_call_is_still_running_is_a_conflict(web: httpx.Client, book: StripeBook) -> None:
    headers = {"Authorization": "Bearer sk_test_sandbox", "Idempotency-Key": "start-1"}
    during: list[int] = []

    def send() -> httpx.Response:
        return web.post("/v1/payment_intents", data={"amount": "100", "currency": "eur"}, headers=headers)

    book.subscribe(lambda _: during.append(send().status_code))
    assert (send().status_code, during) == (200, [409])


def test_a_malformed_call_does_not_use_up_its_key(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"stripe_account": ACCOUNT, "idempotency_key": "start-1"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 0, "currency": "eur"}, options)
    assert client.v1.payment_intents.create({"amount": 100, "currency": "eur"}, options).amount == 100


def test_a_repeated_capture_with_its_key_is_answered_and_not_refused(
    web: httpx.Client, client: stripe.StripeClient
) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    options: stripe.RequestOptions = {"stripe_account": ACCOUNT, "idempotency_key": "capture-1"}
    for _ in range(2):
        taken = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 947}, options)
        assert taken.amount_received == 947


# Keys


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1", "pk_live_1"])
def test_a_live_key_is_refused_with_a_clear_sentence(web: httpx.Client, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError, match="refuses live keys") as refused:
        new_intent(stripe_client(web, key))
    assert key not in str(refused.value)


def test_a_wrong_key_is_refused_without_repeating_it(web: httpx.Client) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        new_intent(stripe_client(web, "sk_test_of_somebody_else"))
    assert "of_somebody_else" not in str(refused.value)


def test_the_publishable_key_cannot_take_money(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    with pytest.raises(stripe.AuthenticationError) as refused:
        stripe_client(web, "pk_test_sandbox").v1.payment_intents.capture(intent.id, None, ON_SITE)
    assert "cannot be made with a publishable API key" in str(refused.value)


def test_a_browser_sees_less(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    seen = web.get(f"/v1/payment_intents/{intent.id}", params=browser_fields(intent)).json()
    assert seen["status"] == "requires_capture"
    assert not {"latest_charge", "amount_capturable", "amount_received", "metadata"} & set(seen)


@pytest.mark.parametrize("secret", ["", "pi_wrong_secret_wrong"])
def test_a_browser_without_the_client_secret_sees_nothing(
    web: httpx.Client, client: stripe.StripeClient, secret: str
) -> None:
    intent = new_intent(client)
    fields = browser_fields(intent) | {"client_secret": secret}
    assert web.get(f"/v1/payment_intents/{intent.id}", params=fields).status_code == 404
    fields |= card_fields("4242424242424242")
    assert web.post(f"/v1/payment_intents/{intent.id}/confirm", data=fields).status_code == 404


def test_a_browser_reads_refusals_in_its_language(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    web.headers["Accept-Language"] = "nl-BE"
    error = confirm(web, intent, "4000000000009995").json()["error"]
    assert error["message"] == "Er staat te weinig saldo op je kaart."
    assert error["payment_intent"]["last_payment_error"]["message"] == error["message"]
    after = read(client, intent)
    assert after.last_payment_error is not None
    assert after.last_payment_error.message == "Your card has insufficient funds."


# Faults


def test_a_confirm_told_to_fail_changes_nothing(
    web: httpx.Client, client: stripe.StripeClient, faults: StripeFaults
) -> None:
    intent = new_intent(client)
    faults.fail_confirms(2, 503)
    assert [confirm(web, intent).status_code for _ in range(2)] == [503, 503]
    assert read(client, intent).status == "requires_payment_method"
    assert confirm(web, intent).json()["status"] == "requires_capture"


@pytest.mark.parametrize(
    ("when", "status"), [(Loss.AFTER, "requires_capture"), (Loss.BEFORE, "requires_payment_method")]
)
def test_a_lost_answer_leaves_the_intent_as_it_was_or_as_it_became(
    web: httpx.Client, client: stripe.StripeClient, faults: StripeFaults, when: Loss, status: str
) -> None:
    intent = new_intent(client)
    faults.drop_confirms(1, when)
    answer = confirm(web, intent)
    assert int(answer.headers["Content-Length"]) > len(answer.content)
    assert read(client, intent).status == status


def test_only_the_browser_waits_for_slow_answers(
    web: httpx.Client, client: stripe.StripeClient, faults: StripeFaults, clock: ManualClock
) -> None:
    intent = new_intent(client)
    faults.delay_browser(3)
    before = clock.now()
    read(client, intent)
    assert (clock.now() - before).total_seconds() == 0
    confirm(web, intent)
    assert (clock.now() - before).total_seconds() == 3


# Addresses


def test_challenges_stand_under_the_path_where_the_sandbox_is_mounted(app: Flask) -> None:
    mounted = DispatcherMiddleware(Flask("outer"), {"/sandbox/stripe": app})
    with httpx.Client(transport=httpx.WSGITransport(app=mounted), base_url=BASE) as web:
        client = stripe.StripeClient(
            "sk_test_sandbox", base_addresses={"api": f"{BASE}/sandbox/stripe"}, http_client=WsgiStripeClient(web)
        )
        intent = new_intent(client)
        fields = browser_fields(intent, **card_fields("4000002500003155"))
        answer = web.post(f"/sandbox/stripe/v1/payment_intents/{intent.id}/confirm", data=fields)
        url = answer.json()["next_action"]["use_stripe_sdk"]["stripe_js"]
        assert url.startswith(f"{BASE}/sandbox/stripe/sandbox/challenge/")
        page = web.get(url, params={"host": BASE}).text
        assert "/sandbox/stripe/sandbox/assets/challenge.js" in page
        assert web.get("/sandbox/stripe/endive/stripe.js").status_code == 200


def test_at_stripes_own_names_the_pages_stand_at_hooks_stripe_com(
    web: httpx.Client, client: stripe.StripeClient
) -> None:
    intent = new_intent(client)
    fields = browser_fields(intent, **card_fields("4000002500003155"))
    answer = web.post(f"https://api.stripe.com/v1/payment_intents/{intent.id}/confirm", data=fields)
    url = answer.json()["next_action"]["use_stripe_sdk"]["stripe_js"]
    assert url.startswith("https://hooks.stripe.com/sandbox/challenge/")
    frame = web.get("https://js.stripe.com/sandbox/element", params={"type": "payment", "host": BASE})
    assert "connect-src https://api.stripe.com" in frame.headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["", "null", "javascript:1", "https://a.example/path", "https://a.example;x"])
def test_a_frame_speaks_only_to_a_proper_origin(web: httpx.Client, host: str) -> None:
    assert web.get("/sandbox/element", params={"type": "payment", "host": host}).status_code == 404


def test_a_frame_escapes_what_it_was_given(web: httpx.Client) -> None:
    page = web.get("/sandbox/element", params={"type": "payment", "host": BASE, "locale": '"><script>x</script>'})
    assert "<script>x" not in page.text
    assert '<html lang="en">' in page.text


@pytest.mark.parametrize(
    ("locale", "label"),
    [("nl", "Kaartnummer"), ("de-AT", "Kartennummer"), ("fr", "Numéro de carte"), ("it", "Card number")],
)
def test_a_frame_speaks_the_asked_language(web: httpx.Client, locale: str, label: str) -> None:
    page = web.get("/sandbox/element", params={"type": "payment", "host": BASE, "locale": locale}).text
    assert label in page


def test_pages_have_no_inline_script_or_style(web: httpx.Client, client: stripe.StripeClient) -> None:
    url = confirm(web, new_intent(client), "4000002500003155").json()["next_action"]["use_stripe_sdk"]["stripe_js"]
    addresses = [f"/sandbox/element?type={each}&host={BASE}" for each in ("payment", "expressCheckout")]
    for address in [*addresses, f"{url}?host={BASE}"]:
        page = web.get(address).text
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count('<script type="module" src=')
