"""A receipt by mail after the end, when upstream takes no address any more: only with a mail server of our own."""

from __future__ import annotations

import json

from flask.testing import FlaskClient

from kiosk.domain.mail import MailState
from kiosk.domain.matching import MeterStand
from tests.web.conftest import Kiosk
from tests.web.session.test_paper import captured, section

FORM = 'id="mail"'
MAIL = {"email": "anna@mail.example"}


def with_mail_server(kiosk: Kiosk) -> None:
    kiosk.set(smtp_host="127.0.0.1", smtp_from="receipts@charge.example", smtp_security="none")


def test_without_a_mail_server_it_is_too_late(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    assert FORM not in phone.get(f"/s/{key}").text
    assert phone.post(f"/s/{key}/receipt-email", data=MAIL).status_code == 409
    assert kiosk.store.newest_mail(key) is None


def test_the_owner_asks_and_the_mail_says_where_the_receipt_stays(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_mail_server(kiosk)
    key = captured(kiosk, phone)
    assert FORM in phone.get(f"/s/{key}").text
    assert phone.post(f"/s/{key}/receipt-email", data=MAIL).status_code == 303
    page = phone.get(f"/s/{key}").text
    assert FORM not in page
    assert "The mail with your receipt is on its way." in page
    assert MAIL["email"] not in page
    mail = kiosk.store.newest_mail(key)
    assert mail is not None
    said = kiosk.store.claim_mail(mail.id, kiosk.now)
    assert said is not None
    assert said["to"] == MAIL["email"]
    assert "2026-000001" in said["subject"]
    for part in (f"https://lindenau.example/r/{key}\n", f"https://lindenau.example/r/{key}.pdf", "You paid €9.47"):
        assert part in said["text"], json.dumps(said)


def test_what_became_of_it_is_said(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_mail_server(kiosk)
    key = captured(kiosk, phone)
    phone.post(f"/s/{key}/receipt-email", data=MAIL)
    mail = kiosk.store.newest_mail(key)
    assert mail is not None
    said = {
        MailState.SENT: "The mail with your receipt has left.",
        MailState.UNKNOWN: "We do not know whether the mail has left.",
        MailState.REFUSED: "The last address was not taken.",
    }
    for state, sentence in said.items():
        kiosk.store.end_mail(mail.id, state, kiosk.now)
        assert sentence in phone.get(f"/s/{key}").text


def test_nobody_else_may_ask_and_no_strange_address_is_taken(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_mail_server(kiosk)
    key = captured(kiosk, phone)
    stranger = kiosk.phone()
    assert FORM not in stranger.get(f"/s/{key}").text
    assert stranger.post(f"/s/{key}/receipt-email", data=MAIL).status_code == 403
    assert phone.post(f"/s/{key}/receipt-email", data={"email": "anna@a.example, b@b.example"}).status_code == 422
    assert kiosk.store.newest_mail(key) is None


def test_meter_stands_are_on_the_receipt_once_they_are_known(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    assert "48,213" not in phone.get(f"/s/{key}").text
    stand = MeterStand(1, kiosk.now, kiosk.now, 48_213_072, 48_231_689, None)
    kiosk.store.save_meter_stands({key: stand}, kiosk.now)
    meter = section(phone.get(f"/s/{key}").text, "meter")
    for part in ("48,213.072 kWh", "48,231.689 kWh", "Difference 18.617 kWh", "These readings"):
        assert part.removeprefix("These ") in meter.replace("\N{NO-BREAK SPACE}", " "), meter
    assert "They are not signed." in meter
