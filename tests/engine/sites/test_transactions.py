"""The transactions of a site's days: read at night and on demand, kept page by page, tried again, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.desk_search import whole_day
from kiosk.domain.site_days import FIRST, ONCE_MORE, ListTrouble, SiteDay, ToldSum
from kiosk.engine.context import Context
from kiosk.engine.crew import Crew
from kiosk.engine.sites.codes import PublicCodes
from kiosk.engine.sites.plan import SitePlan
from kiosk.engine.sites.transactions import SiteTransactions
from kiosk.news.local import LocalNews
from kiosk.news.news import site_topic
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.upstream.plugchoice.budget import Budgets
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic
from tests.engine.house import CODE, SMALL
from tests.engine.site_house import TOKEN
from tests.engine.sites.test_stands import Metered
from tests.store.test_site_days import RUNNING
from tests.upstream.operator_wire import transaction
from tests.worlds.once import migrated_store

BERLIN = ZoneInfo("Europe/Berlin")
LIST = "operator_site_transactions"
PLAN = SitePlan("garage", (CODE, SMALL), SITE_UUID, timezone="Europe/Berlin")
FORM = "%Y-%m-%dT%H:%M:%SZ"


class Nightly(Metered):
    """A house whose site has a time zone."""

    per_minute = 500

    def made_context(self) -> Context:
        context = super().made_context()
        return replace(context, sites=(PLAN,)) if context.operator is not None else context

    @property
    def today(self) -> date:
        return self.clock.now().astimezone(BERLIN).date()

    def go_to(self, day: date, after_midnight: timedelta) -> None:
        """On to that long after the midnight with which the day ends."""
        at = whole_day(day, BERLIN)[1] + after_midnight
        self.run(max(0.0, (at - self.clock.now()).total_seconds()), every=1800)

    def day(self, day: date) -> SiteDay:
        (found,) = self.store.site_days("garage", day, day)
        return found


Make = Callable[..., Nightly]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Nightly] = []

    def build(token: str | None = TOKEN, switches: OperatorSwitches | None = None) -> Nightly:
        made.append(Nightly(tmp_path, token, switches))
        return made[-1]

    yield build
    for house in made:
        house.close()


def test_a_day_is_read_at_night_once_more_a_day_later_and_then_no_more(make: Make) -> None:
    house = make()
    house.charged()
    day = house.today
    house.go_to(day, FIRST - timedelta(minutes=10))
    assert (
        house.store.site_days("garage", day, day)[0].read_at is None
        if house.store.site_days("garage", day, day)
        else True
    )
    version = house.news.version(site_topic("garage"))
    house.go_to(day, FIRST + timedelta(minutes=80))
    read = house.day(day)
    assert read.read_at is not None
    assert (read.trouble, read.tries) == (None, 0)
    assert read.told is not None
    assert (read.told.first, read.told.last, read.told.rows) == (day, day, 1)
    assert read.next_at == whole_day(day, BERLIN)[1] + ONCE_MORE
    assert house.news.version(site_topic("garage")) > version
    rows, codes = house.store.transactions_over("garage", *whole_day(day, BERLIN))
    (theirs,) = house.world.transactions()
    assert [(one.id, one.meter_stop_wh) for one in rows] == [(theirs.id, theirs.meter_start_wh + theirs.reported_wh)]
    assert set(codes.values()) == {CODE}
    house.go_to(day, ONCE_MORE + timedelta(minutes=80))
    again = house.day(day)
    assert again.read_at is not None
    assert again.read_at > read.read_at
    assert again.next_at is None


def test_without_a_session_or_a_token_nothing_is_asked(make: Make) -> None:
    house = make()
    house.go_to(house.today, FIRST + timedelta(minutes=80))
    assert house.asked(LIST) == 0


def test_what_somebody_asks_for_is_read_at_once_also_today(make: Make) -> None:
    house = make()
    house.charged()
    house.run(60)
    before = house.asked(LIST)
    house.store.ask_for_days("garage", [house.today], house.clock.now())
    house.run(30)
    read = house.day(house.today)
    assert house.asked(LIST) - before == 2
    assert read.read_at is not None
    assert not read.asked
    assert read.next_at == whole_day(house.today, BERLIN)[1] + FIRST


# --- the duty alone, before a back office of our own making


class Night:
    """A store and the duty on a clock that stands still; the back office answers from `rows`, `size` to a page."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]], per_minute: int = 500) -> None:
        self.rows, self.size = rows, 10_000
        self.asked: list[dict[str, str]] = []
        self.fails: Callable[[dict[str, str]], int | None] = lambda _query: None
        self.further = True
        self.clock = ManualClock(whole_day(MONTH[-1], BERLIN)[1] + FIRST)
        self.store = migrated_store(folder / "kiosk.db")
        operator = PlugchoiceOperator(
            "http://up/api/v3",
            TOKEN,
            clock=self.clock,
            transport=httpx.MockTransport(self._answer),
            per_minute=per_minute,
        )
        budgets = Budgets()
        context = Context(
            clock=self.clock,
            store=self.store,
            news=LocalNews(),
            public=PlugchoicePublic("http://up/api/v3", clock=self.clock, budgets=budgets),
            budgets=budgets,
            seller=lambda _session: {},
            sites=(SitePlan("elsewhere", ("ELSE",)), PLAN),
            operator=operator,
        )
        crew = Crew(budgets, lambda: None, inline=True)
        self.duty = SiteTransactions(context, crew, PublicCodes(self.store, self.clock))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        if not request.url.path.endswith("/transactions"):
            return httpx.Response(200, json={"enabled": True, "public_code": CODE})
        self.asked.append(query)
        status = self.fails(query)
        if status is not None:
            return httpx.Response(status, json={"message": "no"})
        if query["filter[status]"] == "active":
            return httpx.Response(200, json={"data": [], "links": {"next": None}})
        since, until = query["filter[started_from]"], query["filter[stopped_until]"]
        found = [row for row in self.rows if since <= row["started_at"] and row["stopped_at"] <= until]
        number = int(query.get("page", "1"))
        more = f"http://up{request.url.path}?page={number + 1}" if len(found) > number * self.size else None
        page = found[(number - 1) * self.size : number * self.size]
        if not self.further and more is not None:
            more = "https://elsewhere.example/other"
        return httpx.Response(200, json={"data": page, "links": {"next": more}, "total_kwh": 7 * len(found)})

    def look(self, times: int = 1, every: float = 10) -> None:
        """The duty looks so often, and does what it finds."""
        for number in range(times):
            if number:
                self.clock.advance(every)
            for job in self.duty.jobs(self.clock.now()).now:
                job.run()

    def ask(self, *days: date) -> None:
        self.store.ask_for_days("garage", days, self.clock.now())

    def day(self, day: date) -> SiteDay:
        (found,) = self.store.site_days("garage", day, day)
        return found

    def days(self) -> list[SiteDay]:
        return self.store.site_days("garage", MONTH[0], MONTH[-1])

    @property
    def read(self) -> list[date]:
        return [one.day for one in self.days() if one.read_at is not None]

    @property
    def kept(self) -> int:
        since, until = whole_day(MONTH[0], BERLIN)[0], whole_day(MONTH[-1], BERLIN)[1]
        return len(self.store.transactions_over("garage", since, until)[0])


MONTH = [date(2026, 11, day) for day in range(1, 20)]
LAST = MONTH[-1]


def a_row(number: int, at: datetime) -> dict[str, Any]:
    at = at.astimezone(UTC)
    return transaction(id=number, started_at=at.strftime(FORM), stopped_at=(at + timedelta(minutes=30)).strftime(FORM))


def a_month(count: int) -> list[dict[str, Any]]:
    """So many rows, spread evenly over the days."""
    start = whole_day(MONTH[0], BERLIN)[0]
    step = (whole_day(LAST, BERLIN)[1] - timedelta(hours=1) - start) / count
    return [a_row(number, start + number * step) for number in range(count)]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Callable[..., Night]]:
    made: list[Night] = []

    def build(rows: list[dict[str, Any]] | None = None, **more: int) -> Night:
        made.append(Night(tmp_path, rows or [], **more))
        return made[-1]

    yield build
    for one in made:
        one.store.close()


Build = Callable[..., Night]


def test_a_month_over_4_pages_of_which_one_fails_keeps_what_was_read_says_what_is_missing_and_tries_again(
    night: Build,
) -> None:
    made = night(a_month(3_100))
    made.size = 1000
    made.fails = lambda query: 500 if query.get("page") == "3" else None
    made.ask(*MONTH)
    made.look()
    assert [query.get("page", "1") for query in made.asked] == ["1", "2", "3"]
    assert made.read == []
    assert made.kept == 2000
    assert {(one.trouble, one.tries) for one in made.days()} == {(ListTrouble.NO_ANSWER, 1)}
    # Now each day is read by itself, so that the broken one keeps no other away.
    broken = (whole_day(MONTH[11], BERLIN)[1] + FIRST).astimezone(UTC).strftime(FORM)
    made.fails = lambda query: 500 if query.get("filter[stopped_until]") == broken else None
    made.clock.advance(60)
    made.look(times=60, every=20)
    assert made.read == [day for day in MONTH if day != MONTH[11]]
    made.fails = lambda _query: None
    made.clock.advance(3600)
    made.look()
    assert made.read == MONTH
    assert made.kept == 3100


def test_a_month_that_was_never_read_is_one_list_with_one_sum(night: Build) -> None:
    made = night(a_month(300))
    made.ask(*MONTH)
    made.look()
    assert len(made.asked) == 2
    assert made.read == MONTH
    (only,) = {one.told for one in made.days()}
    assert only == ToldSum(MONTH[0], LAST, Decimal(2100), Decimal("2100.00"), 300)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(401, ListTrouble.TOKEN), (403, ListTrouble.NOT_ALLOWED), (404, ListTrouble.NO_SITE), (429, ListTrouble.TOO_MANY)],
)
def test_a_refusal_has_its_word_and_is_tried_ever_more_seldom_until_somebody_asks(
    night: Build, status: int, trouble: ListTrouble
) -> None:
    made = night()
    made.fails = lambda _query: status
    made.ask(LAST)
    made.look(times=24 * 40, every=900)
    failed = made.day(LAST)
    assert (failed.trouble, failed.read_at, failed.next_at) == (trouble, None, None)
    assert 9 <= failed.tries == len(made.asked) <= 12
    made.fails = lambda _query: None
    made.ask(LAST)
    made.look()
    assert made.day(LAST).read_at is not None


def test_a_list_that_ends_before_its_end_is_told_as_cut(night: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.upstream.plugchoice.period.SHORTEST", timedelta(days=40))
    made = night(a_month(300))
    made.size, made.further = 10, False
    made.ask(LAST)
    made.look()
    assert (made.day(LAST).trouble, made.day(LAST).read_at) == (ListTrouble.CUT, None)
    assert len(made.asked) == 2


def test_it_waits_while_others_need_the_minute_and_leaves_a_quarter_of_it(night: Build) -> None:
    made = night(a_month(300), per_minute=12)
    made.size = 20
    made.ask(*MONTH)
    made.look()
    assert len(made.asked) + 1 == 10, "with the one for a code three of twelve are left, less than a quarter after it"
    assert made.kept == 9 * 20
    made.look()
    assert len(made.asked) == 9, "half of the minute is spent"
    assert {one.tries for one in made.days()} == {0}
    assert made.read == []


def test_a_charge_that_runs_for_days_is_in_the_list_of_the_day_on_which_it_ends(night: Build) -> None:
    began = whole_day(MONTH[-5], BERLIN)[0]
    made = night()
    made.store.keep_transactions("garage", [replace(RUNNING, started_at=began)], {}, began)
    made.ask(LAST)
    made.look()
    assert made.asked[0]["filter[started_from]"] == began.astimezone(UTC).strftime(FORM)


def test_a_day_in_which_something_has_no_end_is_read_again_for_a_week(night: Build) -> None:
    made = night([{**a_row(1, whole_day(LAST, BERLIN)[0]), "meter_stop": None}])
    made.ask(LAST)
    made.look(times=24 * 9, every=3600)
    assert len(made.asked) == 2 * 4
    assert made.day(LAST).next_at is None


def test_what_is_logged_names_no_row(night: Build, caplog: pytest.LogCaptureFixture) -> None:
    made = night([a_row(1, whole_day(LAST, BERLIN)[0])])
    made.ask(LAST)
    with caplog.at_level("INFO"):
        made.look()
    (said,) = [record for record in caplog.records if record.getMessage() == "the transactions of a site were read"]
    told = {name: vars(said)[name] for name in ("site", "first", "last", "rows")}
    assert told == {"site": "garage", "first": "2026-11-19", "last": "2026-11-19", "rows": 1}
