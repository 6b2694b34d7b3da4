"""Every address of the driver's pages, found by itself: who may write, how often, and what a cache may keep."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from itertools import count

import pytest
import resvg_py
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image

from kiosk.domain.session import Phase
from tests.web.conftest import CODE, HOLD, KEY, Kiosk
from tests.web.session.test_keys import reopened

WRITES = [
    f"/c/{CODE}/start",
    *(f"/s/KEY/{action}" for action in ("confirm", "cancel", "leave", "stop", "limit", "receipt-email")),
    "/t/AAAAAAAAAAAAAAAA",
]
"""Every POST of the driver's pages; the test beside it fails when one is added and not listed."""
HINTS = "/webhooks/stripe"
addresses = count(1)


def plain(rule: str) -> str:
    return re.sub(r"<\w+>", "x", rule)


def test_every_write_is_listed(kiosk: Kiosk) -> None:
    found = {plain(rule.rule) for rule in kiosk.app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    listed = {one.replace(CODE, "x").replace("KEY", "x").replace("A" * 16, "x") for one in WRITES}
    assert {one for one in found if one.startswith(("/c/", "/s/", "/t/", "/r/")) or one == "/"} == listed
    assert HINTS in found


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {},
    ],
)
def test_a_write_of_another_site_in_the_owners_browser_changes_nothing(
    kiosk: Kiosk, phone: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    key = kiosk.charging(phone)
    kiosk.card("Available", "Available")
    before = (kiosk.store.commands(key), kiosk.store.queue(), kiosk.store.session(key))
    del phone.environ_base["HTTP_SEC_FETCH_SITE"]
    answer = phone.post(
        path.replace("KEY", key), data={"connector": "1", "limit": "1000", "email": "a@b.example"}, headers=headers
    )
    assert answer.status_code == 403
    assert (kiosk.store.commands(key), kiosk.store.queue(), kiosk.store.session(key)) == before


@pytest.mark.parametrize("path", WRITES)
def test_every_write_has_a_limit_and_says_when_to_come_back(kiosk: Kiosk, phone: FlaskClient, path: str) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    phone.environ_base["REMOTE_ADDR"] = f"203.0.113.{next(addresses)}"
    most = 10 if path.endswith("/start") else 60
    answers = [phone.post(path.replace("KEY", key)) for _ in range(most + 1)]
    assert 429 not in {answer.status_code for answer in answers[:most]}
    assert answers[most].status_code == 429
    assert int(answers[most].headers["Retry-After"]) >= 1


def test_every_answer_about_a_session_is_kept_by_no_cache_and_tells_its_address_to_nobody(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    code = phone.get(f"/s/{key}/move").text.partition("/t/<wbr>")[2].partition("<")[0]
    paths = [
        plain(rule.rule)
        for rule in kiosk.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith(("/s/", "/t/", "/r/"))
    ]
    assert len(paths) >= 9
    kiosk.captured(key)
    for path in paths:
        answer = phone.get(path.replace("/x", f"/{code if path.startswith('/t/') else key}"), buffered=False)
        assert answer.status_code in {200, 303, 409}, path
        assert "no-store" in answer.headers["Cache-Control"], path
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
        answer.close()


def test_the_code_to_move_a_session_is_read_by_a_camera_as_the_takeover_address(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    page = phone.get(f"/s/{key}/move").text
    code = page.partition("/t/<wbr>")[2].partition("<")[0]
    found = re.search(r'<svg class="matrix".*?</svg>', page, re.DOTALL)
    assert found is not None
    drawing = found.group().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    pixels = bytes(resvg_py.svg_to_bytes(svg_string=drawing, width=400, background="white"))
    picture = Image.open(BytesIO(pixels)).convert("L")
    assert [one.text for one in zxingcpp.read_barcodes(picture)] == [f"https://lindenau.example/t/{code}"]


# --- figures that fall, words that nobody knows, a session that upstream forgot


def test_energy_that_goes_down_is_shown_as_it_is_and_the_charge_can_be_stopped(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    kiosk.observe(
        key, "charging", authorized_minor=HOLD, energy_kwh=Decimal("6.90"), cost_minor=373, connector_status="Charging"
    )
    page = phone.get(f"/s/{key}").text
    assert "6.90" in page
    assert "13.90" not in page
    assert "€3.73" in page
    assert "€26.27" in page
    assert "Stop charging" in page


def test_a_status_that_nobody_knows_says_so_and_offers_neither_a_second_payment_nor_a_stop(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.held(phone)
    kiosk.observe(key, "recalibrating", authorized_minor=HOLD)
    page = phone.get(f"/s/{key}").text
    assert "Being processed" in page
    assert "never pay more than" in page
    assert "/stop" not in page
    assert phone.get(f"/s/{key}/payment").status_code == 409
    answer = kiosk.phone().post(f"/c/{CODE}/start", data={"connector": "2"})
    assert answer.status_code == 409
    assert kiosk.store.queue() == []


@pytest.mark.parametrize("paid", [False, True])
def test_a_session_that_upstream_forgot_says_what_was_known_and_is_never_paid_again(
    kiosk: Kiosk, phone: FlaskClient, paid: bool
) -> None:
    if paid:
        key = kiosk.charging(phone)
    else:
        kiosk.card()
        key = kiosk.start(phone)
        kiosk.start_answer(key)
    kiosk.clock.advance(1)
    kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    assert kiosk.store.mark_gone(key, kiosk.now, kiosk.now).phase is Phase.GONE
    page = phone.get(f"/s/{key}")
    assert page.status_code == 200
    assert ("13.9" in page.text) == paid
    assert ("€30.00" in page.text) == paid
    assert "0800 555 0142" in page.text
    assert phone.get(f"/s/{key}/payment").status_code == 409
    for action in ("stop", "cancel", "confirm"):
        before = len(kiosk.store.commands(key))
        phone.post(f"/s/{key}/{action}")
        if action != "confirm":
            assert len(kiosk.store.commands(key)) == before
    assert phone.get(f"/s/{key}.json").json is not None


def test_a_secret_that_is_removed_shows_no_card_field_to_anybody(kiosk: Kiosk, phone: FlaskClient) -> None:
    """The payment was stored under the removed secret, so it cannot be shown: nobody is asked for a card."""
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    with reopened(kiosk, "another-secret-key-that-is-long-enough-here") as later:
        stranger = later.phone()
        assert stranger.get(f"/s/{key}/payment").status_code == 403
        assert 'id="payform"' not in stranger.get(f"/s/{key}").text
    assert KEY not in phone.get(f"/s/{key}").text
