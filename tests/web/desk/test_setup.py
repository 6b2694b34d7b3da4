"""The set-up page: what the doctor says, asked for by a button; chargers; stickers; codes for tablets."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook
from kiosk.domain.desk import Role
from kiosk.domain.finding import Finding, bad, note, ok
from kiosk.domain.tariff import Tariff
from kiosk.service.checkup import Asked
from kiosk.store.chargers import learn_pace
from kiosk.web.desk import setup
from tests.web.conftest import CODE, Kiosk

from .conftest import SignIn


class Doctor:
    """Says what the test says."""

    def __init__(self, *found: Finding) -> None:
        self.found, self.times, self.last = list(found), 0, None

    def now(self) -> list[Finding]:
        return self.found

    last: Asked | None

    def asked(self) -> Asked | None:
        return self.last

    def ask(self) -> bool:
        self.times += 1
        return self.times == 1


def attended(kiosk: Kiosk, *found: Finding) -> Doctor:
    doctor = Doctor(*found)
    kiosk.app.extensions["kiosk"] = replace(kiosk.app.extensions["kiosk"], checkup=doctor)
    return doctor


def plain(browser: FlaskClient) -> str:
    page = browser.get("/desk/setup").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]))


def test_what_is_wrong_stands_first_with_what_to_do_and_what_is_fine_below(kiosk: Kiosk, at_desk: SignIn) -> None:
    attended(kiosk, ok("The seller is known."), note("The disk is nearly full."), bad("The clock is wrong; set it."))
    text = plain(at_desk(Role.OWNER))
    assert "2 to look at 1 in order" in text
    assert text.index("The clock is wrong; set it.") < text.index("The disk is nearly full.")
    assert text.index("The disk is nearly full.") < text.index("The seller is known.")


def test_a_page_asks_nobody_and_the_button_asks_once(kiosk: Kiosk, at_desk: SignIn) -> None:
    doctor, browser = attended(kiosk), at_desk(Role.OWNER)
    assert "The systems outside were not asked from this page yet." in plain(browser)
    assert doctor.times == 0
    for _ in range(2):
        answer = browser.post("/desk/setup")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/setup#asked")
    assert [one.did for one in kiosk.store.desk.log_entries()].count("asked_everybody") == 1
    doctor.last = Asked(kiosk.now, None, (note("Plugchoice is slow."),))
    text = plain(browser)
    assert "They are being asked" in text
    assert "Plugchoice is slow." in text
    doctor.last = Asked(kiosk.now, kiosk.now, ())
    kiosk.clock.advance(12)
    assert "The systems outside were asked 12 s ago." in plain(browser).replace("\N{NO-BREAK SPACE}", " ")


def test_the_running_kiosk_says_by_itself_what_is_set_and_what_is_not(kiosk: Kiosk, at_desk: SignIn) -> None:
    text = plain(at_desk(Role.OWNER))
    assert "KIOSK_STRIPE_API_KEY is not set" in text
    assert "No backups are made" in text
    assert not [key for key in kiosk.settings.secret_keys if key in text]


def test_a_charger_that_reports_rarely_is_named_with_what_to_set(kiosk: Kiosk, at_desk: SignIn) -> None:
    kiosk.card()
    attended(kiosk)
    browser = at_desk(Role.OWNER)
    assert "€0.49" in plain(browser)
    assert "MeterValueSampleInterval" not in plain(browser)
    with kiosk.store._database.write() as connection:
        for _ in range(5):
            learn_pace(connection, CODE, timedelta(minutes=15), None)
    assert "MeterValueSampleInterval" not in plain(browser)  # so often was it looked at
    with kiosk.store._database.write() as connection:
        for _ in range(5):
            learn_pace(connection, CODE, timedelta(minutes=15), timedelta(minutes=14))
    text = plain(browser).replace("\N{NO-BREAK SPACE}", " ")
    assert "15 min or less set MeterValueSampleInterval to 10 s" in text


def test_what_nobody_has_said_of_a_charger_is_not_known(kiosk: Kiosk, at_desk: SignIn) -> None:
    attended(kiosk)
    text = plain(at_desk(Role.OWNER))
    assert (
        f"{CODE} Charger 2 not known not known not known not known not known not known not known yet "
        "state never price never" in text
    )


def test_prices_are_listed_since_when_and_what_changed_and_come_as_a_file(kiosk: Kiosk, at_desk: SignIn) -> None:
    attended(kiosk)
    browser = at_desk(Role.OWNER)
    assert "None was read yet since this list is kept." in plain(browser)
    kiosk.card()
    kiosk.clock.advance(600)
    before = kiosk.store.card(CODE)
    assert before is not None
    dearer = replace(before, tariff=Tariff("EUR", 59, 35), seen_at=kiosk.now, priced_at=kiosk.now)
    kiosk.store.save_card(dearer)
    text = plain(browser)
    assert "the first that was read" in text
    assert "€0.59" in text
    assert "price of a kWh was €0.49" in text
    lines = browser.get("/desk/setup/prices/marktplatz.csv").text.splitlines()
    assert "Price of a kWh" in lines[0]
    assert [("0.59" in line, "0.49" in line) for line in lines[1:]] == [(True, False), (False, True)]
    assert browser.get("/desk/setup/prices/nowhere.csv").status_code == 404
    kiosk.store.save_card(
        replace(dearer, tariff=None, preauth_minor=None, seen_at=kiosk.now + timedelta(1), priced_at=None)
    )
    assert "no price any more" in plain(browser)
    assert "no price any more" in browser.get("/desk/setup/prices/marktplatz.csv").text


def test_of_many_prices_the_newest_stand_on_the_page(
    kiosk: Kiosk, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    attended(kiosk)
    monkeypatch.setattr(setup, "MOST_PRICES", 1)
    card = kiosk.card()
    for number in range(3):
        kiosk.clock.advance(60)
        kiosk.store.save_card(replace(card, tariff=Tariff("EUR", 50 + number), seen_at=kiosk.now, priced_at=None))
    text = plain(at_desk(Role.OWNER))
    assert "The newest 1. The files have all of them:" in text
    assert "was €0.50" not in text


def test_a_price_that_breaks_a_rule_is_told_with_what_to_do(kiosk: Kiosk, at_desk: SignIn) -> None:
    attended(kiosk)
    card = kiosk.card()
    book = kiosk.app.extensions["kiosk"].site
    site = book.sites[0]
    fast = [one.model_copy(update={"max_kw": Decimal(150)}) for one in site.chargers]
    changed = site.model_copy(update={"chargers": tuple(fast), "country": "DE"})
    parts = kiosk.app.extensions["kiosk"]
    kiosk.app.extensions["kiosk"] = replace(
        parts, site=SiteBook(operator=book.operator, sites=(changed,), notify=book.notify)
    )
    kiosk.store.save_card(replace(card, tariff=Tariff("EUR", 49, 35)))
    assert f"Charger {CODE} gives 150 kW and has a start fee" in plain(at_desk(Role.OWNER))


def test_the_stickers_of_a_site_are_one_file(at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    answer = browser.get("/desk/setup/stickers/marktplatz.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF")
    assert browser.get("/desk/setup/stickers/nowhere.pdf").status_code == 404


def test_stickers_that_would_lead_astray_are_not_made(at_desk: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def unprintable(*_: object) -> None:
        raise SettingsError("The address is too long for a code of that size.")

    monkeypatch.setattr(setup, "make", unprintable)
    answer = at_desk(Role.OWNER).get("/desk/setup/stickers/marktplatz.pdf")
    assert answer.status_code == 409
    assert "The address is too long for a code of that size." in answer.text


def test_a_code_for_a_tablet_is_shown_once_works_once_and_is_in_the_log(kiosk: Kiosk, at_desk: SignIn) -> None:
    attended(kiosk)
    browser = at_desk(Role.OWNER)
    answer = browser.post("/desk/setup/tablet", data={"site": "marktplatz", "name": "hall"})
    code = re.search(r'class="pairing">([^<]+)<', answer.text)
    assert code is not None
    assert code[1] not in browser.get("/desk/setup").text
    assert kiosk.store.pair(code[1].replace("-", ""), "key", kiosk.now) is not None
    assert next((one.did, one.reason) for one in kiosk.store.desk.log_entries()) == ("made_pairing_code", "hall")
    again = browser.post("/desk/setup/tablet", data={"site": "marktplatz", "name": "HALL"})
    assert again.status_code == 422
    assert "is there already" in again.text
    assert browser.post("/desk/setup/tablet", data={"site": "nowhere"}).status_code == 404
    assert browser.post("/desk/setup/tablet", data={"site": "marktplatz", "name": " "}).status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SUPPORT])
def test_only_owners_are_led_there(at_desk: SignIn, role: Role) -> None:
    assert "/desk/setup" not in at_desk(role).get("/desk/").text
