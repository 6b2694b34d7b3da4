"""Reconciliation at the desk: the head line, every line with its reason, its acts, and what could not be compared."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import brotli  # type: ignore[import-untyped]
import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from kiosk.domain.desk import Role
from kiosk.domain.desk_search import whole_day
from kiosk.domain.site_board import ChargerRef, SiteTransaction
from kiosk.domain.site_days import ListTrouble, SiteDay, ToldSum
from tests.web.conftest import CODE, Kiosk

from .conftest import SignIn

BERLIN = ZoneInfo("Europe/Berlin")
SITE = "marktplatz"
DAY = date(2026, 11, 20)
SPAN = {"site": SITE, "day": DAY.isoformat()}


class Books:
    """A day with one charge of 9.47, and what Plugchoice told of it, as a night has read it."""

    def __init__(self, kiosk: Kiosk) -> None:
        self.kiosk = kiosk
        self.key = kiosk.charging(kiosk.phone())
        kiosk.captured(self.key)
        found = kiosk.store.session(self.key)
        assert found is not None
        self.session = found
        assert found.requested_at.astimezone(BERLIN).date() == DAY
        kiosk.clock.advance((whole_day(DAY, BERLIN)[1] + timedelta(hours=1) - kiosk.now).total_seconds())

    def there(self, number: int = 1, **more: Any) -> SiteTransaction:
        made = SiteTransaction(
            id=number,
            charger=ChargerRef("uuid-1", None, None),
            charger_connector_id=None,
            connector_id=self.session.connector_id,
            id_tag="PUBLIC",
            active=False,
            meter_start_wh=1000,
            meter_stop_wh=19_620,
            reported_kwh=Decimal("18.62"),
            started_at=self.session.charging_started_at,
            stopped_at=self.session.completed_at,
            stop_reason="Remote",
            is_valid=True,
        )
        return replace(made, **more)

    def told(self, *rows: SiteTransaction, total: str | None = "18.62", day: date = DAY, **more: Any) -> None:
        store, now = self.kiosk.store, self.kiosk.now
        store.keep_transactions(SITE, rows, {"uuid-1": CODE}, now)
        kwh = sum((one.reported_kwh or Decimal(0) for one in rows), Decimal(0))
        sums = ToldSum(day, day, Decimal(total) if total is not None else None, kwh, len(rows))
        store.plan_days([SiteDay(SITE, day)])
        store.keep_days([replace(SiteDay(SITE, day, read_at=now, tried_at=now, told=sums), **more)])


@pytest.fixture
def books(kiosk: Kiosk) -> Books:
    kiosk.set(plugchoice_token=SecretStr("operator-1"))
    return Books(kiosk)


def head(page: str) -> str:
    found = re.search(r'<p class="headline.*?</p>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>", "", found[0]).replace("&nbsp;", " ")


def states(page: str) -> list[str]:
    return re.findall(r'<td><span class="state"[^>]*>.*?</svg>([^<]*)</span>', page)


def show(browser: FlaskClient, **query: str) -> str:
    answer = browser.get("/desk/reconcile", query_string={**SPAN, **query})
    assert answer.status_code == 200
    return answer.text


def test_a_quiet_day_is_explained_to_the_last_cent(books: Books, at_desk: SignIn) -> None:
    books.told(books.there())
    page = show(at_desk(Role.VIEWER))
    assert head(page) == "Explained €9.47 and 18.620 kWh Unexplained €0.00 and 0.000 kWh"
    assert states(page) == ["Agrees"]
    assert "own total is 18.620 kWh, which its rows come to as well" in page
    assert "NOT compared with Stripe" in page
    assert "<title>Reconcile 2026-11-20: €0.00" in page
    assert books.key not in page


def test_what_differs_says_why_how_much_how_old_and_leads_to_one_act(books: Books, at_desk: SignIn) -> None:
    books.told(books.there(meter_stop_wh=20_620, reported_kwh=Decimal("19.00")), total="19.62")
    page = show(at_desk(Role.VIEWER))
    assert states(page) == ["Differs"]
    assert "The meter counted another energy than was billed" in page
    assert "Unexplained €0.49 and 1.000 kWh" in head(page)
    assert "its rows come to 19.000: 0.620 less." in page
    assert "By their meter stands the rows come to 0.620 kWh more than by their totals." in page
    assert "Look at it" in page
    assert re.search(r"<td> ?9 hours</td>", page) or "h</td>" in page or "hours" in page


def test_with_a_stripe_key_it_says_that_stripe_was_asked(books: Books, at_desk: SignIn) -> None:
    books.kiosk.set(stripe_api_key=SecretStr("sk_test_1"))
    books.kiosk.proven(books.key, received=900)
    books.told(books.there())
    page = show(at_desk(Role.VIEWER))
    assert "were compared with Stripe" in page
    assert "has another amount" in page
    assert "Unexplained €0.47" in head(page)


def test_of_a_day_that_was_never_read_nothing_is_said_to_be_missing(books: Books, at_desk: SignIn) -> None:
    page = show(at_desk(Role.VIEWER))
    assert states(page) == []
    assert "2026-11-20: not read yet" in page
    assert "read when you ask for it" in page
    again = books.kiosk.now + timedelta(minutes=5)
    books.kiosk.store.plan_days([SiteDay(SITE, DAY)])
    books.kiosk.store.keep_days([SiteDay(SITE, DAY, tries=2, trouble=ListTrouble.TOKEN, next_at=again)])
    page = show(at_desk(Role.VIEWER))
    assert "is KIOSK_PLUGCHOICE_TOKEN right?" in page
    assert "read by itself at" in page
    assert states(page) == []


def test_a_later_reading_that_failed_is_said_beside_what_is_known(books: Books, at_desk: SignIn) -> None:
    books.told(books.there(), trouble=ListTrouble.NO_ANSWER, tries=1)
    page = show(at_desk(Role.VIEWER))
    assert states(page) == ["Agrees"]
    assert "a later reading failed: Plugchoice gave no usable answer" in page


def test_what_ended_after_the_list_was_read_is_not_called_missing(books: Books, at_desk: SignIn) -> None:
    books.told(total=None, read_at=books.session.completed_at)
    page = show(at_desk(Role.VIEWER))
    assert states(page) == []
    assert "1 charges ended after their day was read" in page
    assert "Plugchoice told no total of its own" in page
    books.told(total=None)
    assert states(show(at_desk(Role.VIEWER))) == ["Only here"]


def test_somebody_of_support_has_it_read_and_a_viewer_cannot(books: Books, at_desk: SignIn) -> None:
    viewer, support = at_desk(Role.VIEWER), at_desk(Role.SUPPORT)
    assert "Read again" not in show(viewer)
    assert viewer.post("/desk/reconcile", data=SPAN).status_code == 403
    answer = support.post("/desk/reconcile", data=SPAN)
    assert answer.status_code == 303
    assert [one.day for one in books.kiosk.store.days_to_read(SITE, books.kiosk.now)] == [DAY]
    assert "read as soon as the budget allows" in support.get(answer.headers["Location"]).text
    (entry,) = [one for one in books.kiosk.store.desk.log_entries() if one.did == "days_read"]
    assert (entry.who, entry.subject, entry.reason) == ("support", SITE, "2026-11-20")
    support.post("/desk/reconcile", data={"site": SITE, "month": "2026-11"})
    assert len(books.kiosk.store.days_to_read(SITE, books.kiosk.now)) == 21


def line_of(page: str) -> str:
    found = re.search(r'href="(/desk/reconcile/line/[^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_a_line_is_set_aside_with_a_reason_and_brought_back(books: Books, at_desk: SignIn) -> None:
    books.told(total=None)
    support = at_desk(Role.SUPPORT)
    address = line_of(show(support))
    assert support.post(address, data={"did": "aside", "reason": "  "}).status_code == 422
    assert support.post(address, data={"did": "back"}).status_code == 409
    assert support.post(address, data={"did": "burn"}).status_code == 409
    assert support.post(address, data={"did": "aside", "reason": "<b>the charger</b> lost it"}).status_code == 303
    page = show(support)
    assert states(page) == ["Set aside"]
    assert "&lt;b&gt;the charger&lt;/b&gt; lost it" in page
    assert "Unexplained €0.00 and 0.000 kWh" in head(page)
    assert "set it aside: &lt;b&gt;the charger" in support.get(address).text
    assert support.post(address, data={"did": "back"}).status_code == 303
    assert states(show(support)) == ["Only here"]
    assert "brought it back" in support.get(address).text
    did = [one.did for one in books.kiosk.store.desk.log_entries() if one.did.startswith("line_")]
    assert did == ["line_back", "line_aside"]


def test_a_line_has_an_owner(books: Books, at_desk: SignIn) -> None:
    books.told(total=None)
    support = at_desk(Role.SUPPORT)
    address = line_of(show(support))
    support.post(address, data={"did": "owned"})
    assert "Owner: support" in support.get(address).text
    assert ">support " in show(support)
    support.post(address, data={"did": "let_go"})
    assert "Owner: nobody" in support.get(address).text


def test_a_viewer_reads_a_line_and_changes_nothing(books: Books, at_desk: SignIn) -> None:
    books.told(books.there(meter_stop_wh=29_620, is_valid=False))
    viewer = at_desk(Role.VIEWER)
    address = line_of(show(viewer))
    page = viewer.get(address).text
    assert re.search("1000 . 29620 Wh", page)
    assert "28.620 kWh" in page
    assert 'method="post"' not in page
    assert viewer.post(address, data={"did": "owned"}).status_code == 403
    assert viewer.get("/desk/reconcile/line/t-99", query_string=SPAN).status_code == 404


def test_a_month_lists_its_days_and_each_leads_to_its_lines(books: Books, at_desk: SignIn) -> None:
    books.told(books.there(), books.there(2, connector_id=1, id_tag=None), total="37.24")
    failed = SiteDay(SITE, date(2026, 11, 19), tries=1, trouble=ListTrouble.CUT)
    books.kiosk.store.plan_days([failed])
    books.kiosk.store.keep_days([failed])
    page = show(at_desk(Role.VIEWER), month="2026-11")
    assert "Reconcile, 2026-11 " in page
    assert 'href="/desk/reconcile?site=marktplatz&amp;day=2026-11-20"' in page
    assert "not read: the list ended before its end" in page
    assert "19 days were not read yet, or are not over" in page
    assert sorted(states(page)) == ["Agrees", "Only there"]
    assert "Lines of unknown amount: 1" in head(page)
    assert "Lines: 1<" in show(at_desk(Role.VIEWER), month="2026-11", state="only_there")


@pytest.mark.parametrize(
    "query",
    [
        {"day": "never"},
        {"day": "9999-12-31"},
        {"day": "0001-01-01"},
        {"month": "2026-99"},
        {"month": "2099-01"},
        {"month": "0001-01"},
        {"state": "burning", "after": "nonsense"},
        {"after": "1_x_t-1"},
    ],
)
def test_what_makes_no_sense_in_the_address_is_as_if_it_were_not_there(
    books: Books, at_desk: SignIn, query: dict[str, str]
) -> None:
    books.told(books.there())
    page = at_desk(Role.VIEWER).get("/desk/reconcile", query_string=query).text
    assert "Reconcile, 2026-11-20" in page, "yesterday"
    assert states(page) == ["Agrees"]


def test_lines_come_in_pages_the_open_ones_first_and_each_once(
    books: Books, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.web.desk.reconcile.ROWS", 2)
    at = books.session.completed_at
    assert at is not None
    strangers = [
        books.there(
            number,
            connector_id=1,
            started_at=at - timedelta(hours=number, minutes=20),
            stopped_at=at - timedelta(hours=number),
            id_tag=None,
        )
        for number in range(2, 6)
    ]
    books.told(books.there(), *strangers)
    browser, seen = at_desk(Role.VIEWER), []
    address = f"/desk/reconcile?site={SITE}&day={DAY}"
    while address:
        page = browser.get(address).text
        seen.append(states(page))
        found = re.findall(r'href="([^"]*after=[^"]*)"', page)
        address = found[0].replace("&amp;", "&") if found else ""
    assert seen == [["Only there"] * 2, ["Only there"] * 2, ["Agrees"]]


@pytest.mark.parametrize("after", ["here", "0_x_s-1", "2_1.0_s-1", "0_1.0_"])
def test_a_place_among_the_lines_that_is_none_is_left_out_and_the_page_says_so(
    books: Books, at_desk: SignIn, after: str
) -> None:
    books.told(books.there())
    page = at_desk(Role.VIEWER).get(f"/desk/reconcile?site={SITE}&day={DAY}&after={after}").text
    assert f"It was left out: Where to go on “{after}”." in " ".join(page.split())
    assert states(page) == ["Agrees"]


def test_somebody_limited_to_other_sites_sees_none_of_it(books: Books, at_desk: SignIn) -> None:
    books.told(total=None)
    address = line_of(show(at_desk(Role.SUPPORT)))
    nobody = at_desk(Role.SUPPORT, ["elsewhere"], "ann")
    assert "no site that you may see" in nobody.get("/desk/reconcile").text
    for path in (address, "/desk/reconcile.csv"):
        assert nobody.get(path).status_code == 404
    assert nobody.post(address, data={"did": "owned"}).status_code == 404
    assert nobody.post("/desk/reconcile", data=SPAN).status_code == 404
    assert at_desk(Role.SUPPORT).get("/desk/reconcile?site=elsewhere").status_code == 404


def test_its_lines_are_taken_along_as_they_stand(books: Books, at_desk: SignIn) -> None:
    books.told(books.there(meter_stop_wh=20_620), books.there(2, connector_id=None, started_at=None, stopped_at=None))
    answer = at_desk(Role.VIEWER).get("/desk/reconcile.csv", query_string=SPAN)
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    assert [(one["State"], one["kWh there"], one["kWh here"], one["Unexplained"]) for one in rows] == [
        ("Differs", "19.620", "18.62", "0.49"),
        ("Only there", "18.620", "", ""),
    ] or [one["State"] for one in rows] == ["Differs", "Only there"]
    assert rows[0]["Ended, time zone"].startswith("Europe/Berlin")
    assert show(at_desk(Role.VIEWER)).count("no time") == 1


def test_many_days_with_many_rows_are_compared_one_by_one(
    books: Books, at_desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.told(books.there(meter_stop_wh=20_620), total=None)
    books.told(total=None, day=DAY - timedelta(days=1))
    page = show(at_desk(Role.VIEWER))
    assert "19 Nov</span>" in page
    assert page.count("0.00</span>") == 1
    assert re.search(r'aria-current="page">.*?differ.*?€0.49', page)
    monkeypatch.setattr("kiosk.web.desk.reconcile.MOST_FOR_STRIP", 0)
    page = show(at_desk(Role.VIEWER))
    assert states(page) == ["Differs"]
    assert "Unexplained €0.49" in head(page)
    assert "0.00</span>" not in page, "of the other days nobody has compared anything"
    assert ">read</span>" in page


def test_without_a_token_it_says_what_to_set(at_desk: SignIn) -> None:
    page = at_desk(Role.SUPPORT).get("/desk/reconcile").text
    assert "<code>KIOSK_PLUGCHOICE_TOKEN</code>" in page
    assert "Read again" not in page


def test_totals_that_do_not_add_up_say_where_the_difference_may_lie(books: Books, at_desk: SignIn) -> None:
    running = books.there(
        3, connector_id=1, active=True, meter_stop_wh=None, stopped_at=None, reported_kwh=None, stop_reason=None
    )
    invalid = books.there(2, connector_id=1, is_valid=False, reported_kwh=Decimal("7.00"))
    books.told(books.there(), invalid, running, total="12.00")
    store = books.kiosk.store
    (day,) = store.site_days(SITE, DAY, DAY)
    assert day.told is not None
    store.keep_days([replace(day, told=replace(day.told, rows_kwh=day.told.rows_kwh + 5, rows=4))])
    page = show(at_desk(Role.VIEWER))
    for words in (
        "its rows come to 30.620: 18.620 more.",
        "1 of them run on.",
        "1 it calls invalid: 7.000 kWh.",
        "Of 1 it told no total.",
        "5.000 kWh are of rows of the days before and after.",
    ):
        assert words in page, words


def test_a_page_is_small_on_the_wire(books: Books, at_desk: SignIn) -> None:
    at = books.session.completed_at
    assert at is not None
    rows = [
        books.there(number, connector_id=1, started_at=at - timedelta(minutes=number), stopped_at=at, id_tag=None)
        for number in range(2, 80)
    ]
    books.told(books.there(), *rows)
    browser = at_desk(Role.SUPPORT)
    answer = browser.get("/desk/reconcile", query_string=SPAN, headers={"Accept-Encoding": "br"})
    body = answer.get_data()
    assert len(brotli.decompress(body)) > len(body)
    with browser.get(re.findall(r'href="([^"]+desk[^"]*\.css)"', brotli.decompress(body).decode())[0]) as style:
        assert len(body) + len(style.get_data()) < 40_000


def test_midnight_and_the_change_of_the_clock_belong_to_one_day_each(kiosk: Kiosk, at_desk: SignIn) -> None:
    """The night of 25 hours: 02:30 comes twice, and both are of that day."""
    kiosk.set(plugchoice_token=SecretStr("operator-1"))
    night = date(2026, 10, 25)
    start, end = whole_day(night, BERLIN)
    assert end.astimezone(ZoneInfo("UTC")) - start.astimezone(ZoneInfo("UTC")) == timedelta(hours=25)
    store = kiosk.store
    rows = [
        _stranger(number, at)
        for number, at in enumerate(
            (
                datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0),
                datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
                end - timedelta(seconds=1),
                end,
            )
        )
    ]
    store.keep_transactions(SITE, rows, {}, kiosk.now)
    days = [SiteDay(SITE, day, read_at=kiosk.now) for day in (night, night + timedelta(days=1))]
    store.plan_days(days)
    store.keep_days(days)
    browser = at_desk(Role.VIEWER)
    counts = [
        len(states(browser.get("/desk/reconcile", query_string={"site": SITE, "day": str(one.day)}).text))
        for one in days
    ]
    assert counts == [3, 1]


def _stranger(number: int, at: datetime) -> SiteTransaction:
    begun = at.astimezone(ZoneInfo("UTC")) - timedelta(minutes=9)
    return SiteTransaction(
        number, None, None, 1, None, False, 0, 1000, Decimal(1), begun, at.astimezone(ZoneInfo("UTC")), None, True
    )
