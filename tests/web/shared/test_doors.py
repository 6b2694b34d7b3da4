"""Every address of the driver's pages, found by itself: who may write, how often, and what a cache may keep."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import count

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import CODE, Kiosk

WRITES = [
    f"/c/{CODE}/start",
    *(f"/s/KEY/{action}" for action in ("confirm", "cancel", "leave", "again", "agree", "owners")),
    *(f"/s/KEY/{action}" for action in ("stop", "limit", "receipt-email", "company")),
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
        plain(rule.rule.replace("<int:count>", "1"))  # the first refund
        for rule in kiosk.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith(("/s/", "/t/", "/r/"))
    ]
    assert len(paths) >= 9
    kiosk.captured(key)
    kiosk.clock.advance(30)
    kiosk.ended(key, "refunded", energy_kwh=Decimal("18.617"), captured_minor=520, tax_minor=83)
    for path in paths:
        answer = phone.get(path.replace("/x", f"/{code if path.startswith('/t/') else key}"), buffered=False)
        assert answer.status_code in {200, 303, 409}, path
        assert "no-store" in answer.headers["Cache-Control"], path
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
        answer.close()
