"""Every screen as a page, for the owner and for a watcher: complete, in order, and with nothing too much."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import brotli  # type: ignore[import-untyped]
import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.session import Phase
from kiosk.web.session.screen_names import Screen
from kiosk.web.shared.icons import icon, symbols
from tests.web.conftest import CODE, HOLD, NEAR, SECRET, Kiosk

Made = Callable[[Kiosk, FlaskClient], str]


def refused(kiosk: Kiosk, phone: FlaskClient, refusal: Refusal = Refusal.CONNECTOR_BUSY) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    (start,) = kiosk.store.commands(key)
    soon = kiosk.now + timedelta(seconds=90) if refusal is Refusal.TOO_MANY else None
    kiosk.store.start_refused(start.id, refusal, kiosk.now, retry_at=soon)
    return key


def no_answer(kiosk: Kiosk, phone: FlaskClient) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    (start,) = kiosk.store.commands(key)
    kiosk.store.claim(start.id, kiosk.now)
    kiosk.store.start_unanswered(start.id, kiosk.clock.advance(20), "no answer")
    return key


def left(kiosk: Kiosk, phone: FlaskClient) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    assert phone.post(f"/s/{key}/leave").status_code == 303
    return key


def queued(kiosk: Kiosk, phone: FlaskClient) -> str:
    kiosk.card()
    return kiosk.start(phone)


def created(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = queued(kiosk, phone)
    kiosk.start_answer(key)
    return key


def seen(status: str) -> Made:
    def make(kiosk: Kiosk, phone: FlaskClient) -> str:
        key = kiosk.held(phone)
        kiosk.observe(key, status, authorized_minor=HOLD, cost_minor=576, energy_kwh=Decimal("11.00"))
        return key

    return make


def strange(kiosk: Kiosk, phone: FlaskClient) -> str:
    """Nothing but a hold is known: no energy, no word of the connector."""
    key = kiosk.held(phone)
    kiosk.observe(key, "teleporting", authorized_minor=HOLD)
    return key


def ended(status: str) -> Made:
    def make(kiosk: Kiosk, phone: FlaskClient) -> str:
        key = kiosk.held(phone)
        kiosk.ended(key, status, completed_at=kiosk.now, failure_reason="start_rejected")
        return key

    return make


def stale(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = kiosk.charging(phone, limit="1500")
    kiosk.clock.advance(160)
    return key


def captured(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    return key


def refunded(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = captured(kiosk, phone)
    kiosk.observe(key, "refunded")
    return key


def gone(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = kiosk.charging(phone)
    kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    return key


SCREENS: dict[Screen, Made] = {
    Screen.QUEUED: queued,
    Screen.REFUSED: refused,
    Screen.NO_ANSWER: no_answer,
    Screen.LEFT: left,
    Screen.CREATED: created,
    Screen.AUTHORIZED: seen("authorized"),
    Screen.STARTING: seen("starting"),
    Screen.CHARGING: lambda kiosk, phone: kiosk.charging(phone, limit="1500"),
    Screen.STALE: stale,
    Screen.STOPPING: seen("stopping"),
    Screen.SETTLING: seen("settling"),
    Screen.CAPTURED: captured,
    Screen.NO_CHARGE: ended("no_charge"),
    Screen.EXPIRED: ended("expired"),
    Screen.FAILED: ended("failed"),
    Screen.ABANDONED: ended("abandoned"),
    Screen.CAPTURE_FAILED: seen("capture_failed"),
    Screen.REQUIRES_REVIEW: seen("requires_review"),
    Screen.REFUNDED: refunded,
    Screen.WRITTEN_OFF: ended("written_off"),
    Screen.STRANGE: strange,
    Screen.GONE: gone,
}


def text(page: str) -> str:
    """What a person reads, without tags."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"[ \n\t]+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#39;", "'")


def test_every_screen_is_made_here() -> None:
    assert set(SCREENS) == set(Screen)


@pytest.mark.parametrize("screen", list(Screen))
def test_every_screen_is_whole_for_owner_and_watcher(kiosk: Kiosk, screen: Screen) -> None:
    owner, watcher = kiosk.phone(), kiosk.phone()
    key = SCREENS[screen](kiosk, owner)
    for reader in (owner, watcher):
        answer = reader.get(f"/s/{key}")
        page = answer.text
        assert answer.status_code == 200
        assert f'data-screen="{screen.value}"' in page
        assert len(re.findall(r"<h1 tabindex=\"-1\">", page)) == 1
        assert '<p class="vh" role="status"></p>' in page
        assert "Bay 4" in text(page)
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son[a-z]+=", page), "no inline script or style"
        used = set(re.findall(r'href="#i-([a-z0-9]+)"', page))
        there = set(re.findall(r'<symbol id="i-([a-z0-9]+)"', page))
        assert used == there, "exactly the used icons are in the page"
        assert "None" not in text(page)
        assert "token-" not in page
        assert SECRET not in page


@pytest.mark.parametrize("screen", list(Screen))
def test_a_watcher_is_offered_nothing_that_only_the_owner_may(kiosk: Kiosk, screen: Screen) -> None:
    owner, watcher = kiosk.phone(), kiosk.phone()
    key = SCREENS[screen](kiosk, owner)
    page = watcher.get(f"/s/{key}").text
    assert 'method="post"' not in page
    for action in ("cancel", "stop", "limit", "receipt-email", "leave", "move", "payment"):
        assert f"/s/{key}/{action}" not in page


@pytest.mark.parametrize("screen", list(Screen))
@pytest.mark.parametrize("lang", ["de", "fr", "nl"])
def test_every_screen_can_be_drawn_in_every_language(kiosk: Kiosk, screen: Screen, lang: str) -> None:
    phone = kiosk.phone()
    key = SCREENS[screen](kiosk, phone)
    page = phone.get(f"/s/{key}?lang={lang}")
    assert page.status_code == 200
    assert f'<html lang="{lang}" dir="ltr"' in page.text


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_says_that_nothing_is_held(kiosk: Kiosk, phone: FlaskClient, refusal: Refusal) -> None:
    key = refused(kiosk, phone, refusal)
    said = text(phone.get(f"/s/{key}").text)
    assert "Nothing is held." in said
    if refusal is Refusal.TOO_MANY:
        assert "Try again at 14:01:30." in said


# --- money on the page


def test_the_receipt_says_goes_back_until_the_release_is_proven(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    before = phone.get(f"/s/{key}").text
    assert "Goes back" in text(before)
    assert "Given back" not in before
    assert 'class="back"' not in before
    kiosk.proven(key, received=947)
    after = phone.get(f"/s/{key}").text
    assert "Given back" in text(after)
    assert 'class="back" x="31.6%" width="68.4%"' in after
    assert "Visa ending 4242" in text(after)


def test_the_receipt_has_seller_number_lines_tax_and_meter(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    said = text(phone.get(f"/r/{key}").text)
    for part in (
        "You paid €9.47",
        "No. 2026-000001",
        "18.62\N{NO-BREAK SPACE}kWh \N{MULTIPLICATION SIGN} €0.49 €9.12",
        "1 \N{MULTIPLICATION SIGN} €0.35 €0.35",
        "Total €9.47",
        "Net €7.96 19% VAT €1.51",
        "Stadtwerke Lindenau GmbH, Uferstraße 4, 04229 Lindenau",
        "VAT no. DE 123 456 789",
        "DE*LND*E000204",
        "The last live figures were 13.900\N{NO-BREAK SPACE}kWh and €7.16.",
    ):
        assert part in said, part


def test_what_lines_cannot_explain_of_an_amount_is_a_line_of_its_own(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key, minor=1000)
    said = text(phone.get(f"/r/{key}").text)
    assert "Total €10.00" in said
    assert "Difference Price and energy do not explain this. If you have a question, call us. €0.53" in said


def test_nothing_is_called_taken_before_it_was_taken(kiosk: Kiosk, phone: FlaskClient) -> None:
    said = text(phone.get(f"/s/{seen('capture_failed')(kiosk, phone)}").text)
    assert "Cost, not taken yet €5.76" in said
    assert "Goes back" not in said


def test_a_free_end_shows_that_nothing_was_taken(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = ended("no_charge")(kiosk, phone)
    kiosk.proven(key, status="canceled")
    said = text(phone.get(f"/s/{key}").text)
    assert "Taken €0.00" in said
    assert "Given back" in said
    assert "14:00:0" in said


def test_where_nothing_was_held_there_is_a_sentence_and_no_empty_bar(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    kiosk.ended(key, "expired", authorized_minor=None)
    page = phone.get(f"/s/{key}").text
    assert 'class="bar"' not in page
    assert "The start was not paid in time. Nothing is held." in text(page)
    assert "Hold none" not in text(page)


def test_the_deadline_that_cancelled_is_named_with_what_happened_to_the_hold(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = seen("starting")(kiosk, phone)
    command = kiosk.store.ask(key, Kind.CANCEL, AskedBy.START_DEADLINE, kiosk.now)
    kiosk.store.claim(command.id, kiosk.now)
    kiosk.ended(key, "abandoned", failure_reason="Some words of upstream <b>")
    page = phone.get(f"/s/{key}").text
    assert "The charger had not started in time, so we asked to cancel." in text(page)
    assert "All €30.00 of your hold goes back." in text(page)
    assert "Some words of upstream" not in page


def test_raw_reasons_are_never_shown(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    kiosk.ended(key, "failed", failure_reason="ERR_0x17 <script>")
    page = phone.get(f"/s/{key}").text
    assert "ERR_0x17" not in page
    assert "It gave no reason that we know." in text(page)


# --- the order button and the price


def test_the_order_button_says_that_it_costs_and_the_hold_stands_above_it(kiosk: Kiosk, phone: FlaskClient) -> None:
    page = phone.get(f"/s/{created(kiosk, phone)}").text
    assert page.index("€0.49 + €0.35") < page.index("Hold, not a payment") < page.index("€30.00")
    assert page.index("€30.00") < page.index('id="walletbox"') < page.index('id="cardbox"')
    assert page.index('id="cardbox"') < page.index("Pay and start charging")


@pytest.mark.parametrize("lang", ["en", "de", "fr", "nl"])
def test_the_pay_page_says_what_is_agreed_to_in_sixty_words(kiosk: Kiosk, phone: FlaskClient, lang: str) -> None:
    """Without what is folded, and without the words that stand only until scripts have put the provider's fields in
    their place, or when these do not come. A wallet's button and the card's fields have about ten words of their own.
    """
    page = phone.get(f"/s/{created(kiosk, phone)}?lang={lang}").text
    folded = (
        r"<details.*?</details>|<template.*?</template>|<noscript>.*?</noscript>|<(button|a|div)\b[^>]* hidden>.*?</\1>"
    )
    seen = re.sub(folded, " ", page, flags=re.DOTALL)
    seen = re.sub(r'<p class="(?:until|late)[^>]*>.*?</p>', " ", seen, flags=re.DOTALL)
    words = text(seen).split()
    assert 30 < len(words) <= 60 - 10, " ".join(words)


def test_what_is_folded_on_the_pay_page_says_when_the_rest_goes_back(kiosk: Kiosk, phone: FlaskClient) -> None:
    page = phone.get(f"/s/{created(kiosk, phone)}").text
    said = text(page)
    assert "Example: 20 kWh 20 \N{MULTIPLICATION SIGN} €0.49 + €0.35, with 19% VAT €10.15" in said
    assert "at most €30.00. The rest goes back at once. Your bank may need up to 7 days" in said
    assert "You pay only what you use." in re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)


def test_only_the_payers_pay_page_may_load_stripe(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    assert "js.stripe.com" in phone.get(f"/s/{key}").headers["Content-Security-Policy"]
    assert "js.stripe.com" not in kiosk.phone().get(f"/s/{key}").headers["Content-Security-Policy"]
    kiosk.observe(key, "authorized", authorized_minor=HOLD, authorized_at=kiosk.now)
    after = phone.get(f"/s/{key}")
    assert "js.stripe.com" not in after.headers["Content-Security-Policy"]
    assert "pay.js" not in after.text


def test_the_pay_page_brings_its_style_sheet_along_and_the_policy_names_that_very_sheet(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    """On a poor line a page that waits for its sheet waits one answer longer, beside the provider's script."""
    answer = phone.get(f"/s/{created(kiosk, phone)}")
    (sheet,) = re.findall(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    digest = b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert 'rel="stylesheet"' not in answer.text
    assert len(brotli.compress(answer.data, quality=5)) + 600 <= 14_000


def test_no_page_of_a_session_is_kept_by_a_cache(kiosk: Kiosk, phone: FlaskClient) -> None:
    answer = phone.get(f"/s/{captured(kiosk, phone)}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


# --- budgets


def test_the_first_price_view_fits_one_round_trip(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    kiosk.card("Available", code=NEAR)
    page = phone.get(f"/c/{CODE}").text

    def wire(body: str | bytes) -> int:
        return len(brotli.compress(body if isinstance(body, bytes) else body.encode(), quality=5)) + 600  # headers

    def fetched(address: str) -> bytes:
        with phone.get(address) as answer:
            return bytes(answer.data)

    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    scripts = re.findall(r'<script type="module" src="([^"]+)"', page)
    assert wire(page) + sum(wire(fetched(one)) for one in sheets) <= 14_000
    folder = scripts[0].rpartition("/")[0]
    modules = [*scripts, f"{folder}/ages.js", f"{folder}/swap.js"]
    assert 1 + len(sheets) + len(modules) <= 6
    assert wire(page) + sum(wire(fetched(one)) for one in [*sheets, *modules]) <= 30_000


def test_an_icon_that_does_not_exist_is_a_mistake(kiosk: Kiosk) -> None:
    with kiosk.app.test_request_context("/"), pytest.raises(KeyError):
        icon("unicorn")
    assert len(symbols()) > 30


def test_a_queued_session_shows_its_place_in_the_line(kiosk: Kiosk) -> None:
    first, second = kiosk.phone(), kiosk.phone()
    kiosk.card("Available", "Available")
    kiosk.start(first, connector=1)
    key = kiosk.start(second, connector=2)
    for _ in range(3):
        kiosk.store.note_call("start", kiosk.now)
    page = second.get(f"/s/{key}").text
    assert '<b data-f="number">2</b>' in page
    assert "Number 2 in line for bay 4" in page
    assert '<span data-f="seconds">62</span>' in page
    session = kiosk.store.session(key)
    assert session is not None
    assert session.phase is Phase.QUEUED
