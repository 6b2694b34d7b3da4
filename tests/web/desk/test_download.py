"""What is on the screen as a file: the same rows and columns, in the log, and never more than two at once."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import openpyxl
import pytest
from flask.testing import FlaskClient

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.desk import Role
from kiosk.store.desk import Desk
from kiosk.store.errors import CannotWrite, Trouble
from kiosk.web.desk import download
from tests.web.conftest import Kiosk

from .conftest import SignIn


@pytest.fixture
def five(kiosk: Kiosk) -> list[str]:
    """Five sessions that nobody paid, a minute apart."""
    keys = []
    for _ in range(5):
        kiosk.card()
        phone = kiosk.phone()
        keys.append(kiosk.start(phone))
        phone.post(f"/s/{keys[-1]}/leave")
        kiosk.clock.advance(60)
    return keys


def rows_of(answer: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.decode("utf-8-sig"), newline="")))


def logged(kiosk: Kiosk) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.who, one.did, one.subject, one.reason) for one in reversed(kiosk.store.desk.log_entries())][2:]


def test_the_list_of_sessions_is_taken_as_it_is_on_the_screen(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn
) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    kiosk.proven(key, received=947)
    browser = at_desk(Role.VIEWER)
    page = browser.get("/desk/sessions?q=4242&view=paid").text
    address = re.findall(r'href="(/desk/sessions\.csv[^"]*)"', page)[0].replace("&amp;", "&")
    answer = browser.get(address)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sessions-2026-11-20.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (row,) = rows_of(answer.data)
    shown = re.findall(r"<th[^>]*>([^<]+)</th>", page)
    beside = {"Asked for, time zone", "Charger", "Currency"}
    assert [name for name in row if name not in beside] == shown
    assert row["Asked for, time zone"] == "Europe/Berlin (UTC+01:00)"
    assert (row["Bay"], row["Charger"], row["Session"], row["State"]) == ("4", "7MK4T", "1", "captured")
    assert (row["kWh"], row["Held"], row["Taken"], row["Given back"]) == ("18.62", "30.00", "9.47", "20.53")
    assert (row["Currency"], row["Card"]) == ("EUR", "4242")


def test_every_page_of_the_list_is_in_the_file(
    five: list[str], at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.web.desk.sessions.ROWS_OF_A_READ", 2)
    browser = at_desk(Role.VIEWER)
    assert [row["Session"] for row in rows_of(browser.get("/desk/sessions.csv").data)] == ["5", "4", "3", "2", "1"]
    assert browser.get("/desk/sessions.csv?view=paid").data.count(b"\r\n") == 1
    assert browser.get("/desk/sessions.csv?q=nonsense").data.count(b"\r\n") == 1
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get("/desk/sessions.xlsx").data)).active
    assert [row[4] for row in sheet.iter_rows(min_row=2, values_only=True)] == [5, 4, 3, 2, 1]
    assert five


def test_the_log_says_who_took_what_and_how_many_rows_and_no_address_of_a_driver(
    kiosk: Kiosk, five: list[str], at_desk: SignIn
) -> None:
    at_desk(Role.VIEWER).get("/desk/sessions.csv?q=ada@example.org+7MK4T&from=2026-11-20").get_data()
    at_desk(Role.SUPPORT).get("/desk/sessions.xlsx").get_data()
    assert five
    found = [one for one in logged(kiosk) if one[1].startswith("export")]
    assert found == [
        ("viewer", "export_begun", "sessions.csv", "q=(e-mail) 7MK4T from=2026-11-20"),
        ("viewer", "export_ended", "sessions.csv", "0 rows"),
        ("support", "export_begun", "sessions.xlsx", None),
        ("support", "export_ended", "sessions.xlsx", "5 rows"),
    ]
    page = at_desk(Role.OWNER).get("/desk/log").text
    assert "has taken a table as a file" in page
    assert "ada@example.org" not in page


def test_somebody_limited_to_a_site_takes_no_more_than_they_see(kiosk: Kiosk, five: list[str], at_desk: SignIn) -> None:
    assert len(rows_of(at_desk(Role.VIEWER, ["marktplatz"], "ann").get("/desk/sessions.csv").data)) == len(five)
    bob = at_desk(Role.VIEWER, [], "bob")
    assert rows_of(bob.get("/desk/sessions.csv?site=marktplatz").data) == []
    assert rows_of(bob.get("/desk/queue.csv").data) == []
    assert bob.get("/desk/queue.csv?site=marktplatz").status_code == 400
    assert kiosk.phone().get("/desk/sessions.csv").status_code == 303


def test_a_name_that_is_a_formula_is_defused(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    key = kiosk.held(phone)
    kiosk.observe(key, "=HYPERLINK(1)", authorized_minor=3000)
    (row,) = rows_of(at_desk(Role.VIEWER).get("/desk/sessions.csv").data)
    assert "HYPERLINK" in row["State"]
    assert not row["State"].startswith("=")


def test_a_reader_who_leaves_is_written_down_and_keeps_no_place(kiosk: Kiosk, five: list[str], at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    for _ in range(download.MOST_AT_ONCE + 1):
        answer = browser.get("/desk/sessions.csv", buffered=False)
        assert answer.status_code == 200
        assert next(answer.iter_encoded()).startswith(b"\xef\xbb\xbf")
        answer.close()
    assert five
    assert logged(kiosk)[-1] == ("viewer", "export_broken_off", "sessions.csv", "0 rows")


def test_a_third_file_at_once_waits(five: list[str], at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    running = [browser.get("/desk/sessions.csv", buffered=False) for _ in range(download.MOST_AT_ONCE)]
    third = browser.get("/desk/sessions.xlsx")
    assert (third.status_code, third.headers["Retry-After"]) == (429, "30")
    assert "Two files are being made" in third.text
    for one in reversed(running):
        one.close()
    assert browser.get("/desk/sessions.csv").status_code == 200
    assert five


def test_nothing_is_handed_out_that_cannot_be_written_down(
    kiosk: Kiosk, five: list[str], at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = at_desk(Role.VIEWER)

    def full(*_more: object, **_named: object) -> None:
        raise CannotWrite(Trouble.FULL)

    with monkeypatch.context() as broken:
        broken.setattr(Desk, "log", full)
        for _ in range(download.MOST_AT_ONCE + 1):
            assert browser.get("/desk/sessions.csv").status_code == 503
    with monkeypatch.context() as broken:
        answer = browser.get("/desk/sessions.csv", buffered=False)
        broken.setattr(Desk, "log", full)
        assert len(rows_of(answer.get_data())) == len(five)
    assert logged(kiosk)[-1][1] == "export_begun"


def test_the_queue_is_taken_as_a_file_in_the_state_that_is_shown(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.web.desk.queue.ROWS_OF_A_READ", 1)
    key = kiosk.held(phone)
    matters = [
        Matter(Attention.REVIEW, key, "7MK4T", kiosk.now - timedelta(minutes=5), Act.READ, 947, "EUR"),
        Matter(Attention.CAPTURE_FAILED, key, "7MK4T", kiosk.now - timedelta(hours=30), Act.READ),
    ]
    kiosk.store.keep_exceptions(matters, (), kiosk.now)
    browser = at_desk(Role.SUPPORT)
    assert 'href="/desk/queue.xlsx"' in browser.get("/desk/queue").text
    louder, other = rows_of(browser.get("/desk/queue.csv").data)
    assert (louder["What"], louder["At stake"]) == ("Could not be taken", "")
    assert (other["Bay"], other["Charger"], other["Site"]) == ("4", "7MK4T", "Marktplatz garage")
    assert (other["At stake"], other["Currency"], other["Whose"]) == ("9.47", "EUR", "")
    assert other["Since, time zone"] == "Europe/Berlin (UTC+01:00)"
    assert len(rows_of(browser.get("/desk/queue.csv?kind=review").data)) == 1
    assert rows_of(browser.get("/desk/queue.csv?state=closed").data) == []
    assert logged(kiosk)[-1] == ("support", "export_ended", "queue.csv", "0 rows")
