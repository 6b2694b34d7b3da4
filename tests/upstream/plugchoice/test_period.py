"""All transactions of a time: halved when a list is cut off, whole or an error, each row once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.plugchoice import operator as client
from kiosk.upstream.plugchoice import period
from kiosk.upstream.plugchoice.period import Period, read_period
from tests.upstream.operator_wire import SITE, Wire, transaction, wire

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=8)
LONGEST = timedelta(days=1)
FORM = "%Y-%m-%dT%H:%M:%SZ"


class Office:
    """Answers as the back office does: by status, begin and end, at most `limit`, with the sum of all that it has."""

    def __init__(self, rows: list[dict[str, Any]], cut: int, total: object = None) -> None:
        self.rows, self.cut, self.total = rows, cut, total
        self.asked: list[dict[str, str]] = []
        self.fails_at = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.asked.append(query)
        if len(self.asked) == self.fails_at:
            return httpx.Response(500)
        active = query["filter[status]"] == "active"
        found = [row for row in self.rows if (row["stopped_at"] is None) is active]
        if not active:
            since, until = query["filter[started_from]"], query["filter[stopped_until]"]
            found = [row for row in found if since <= row["started_at"] and row["stopped_at"] <= until]
        body: dict[str, Any] = {"data": found[: self.cut], "links": {"next": None}}
        if len(found) > self.cut:
            body = {"data": found[: self.cut], "links": {"next": "https://elsewhere.example/other"}}
        if self.total is not None:
            body["total_kwh"] = self.total
        return httpx.Response(200, json=body)


def row(number: int, hours: float, lasts: float = 1, **more: Any) -> dict[str, Any]:
    began = SINCE + timedelta(hours=hours)
    times = {"started_at": began.strftime(FORM), "stopped_at": (began + timedelta(hours=lasts)).strftime(FORM)}
    return transaction(id=number, **(times | more))


def read(office: Office) -> Period:
    with wire(office) as w:
        return read_period(w.api, SITE, SINCE, UNTIL, LONGEST)


def test_a_list_that_fits_is_one_read_and_one_more_for_those_that_run() -> None:
    office = Office([row(1, 5), row(2, 9, stopped_at=None, meter_stop=None, stop_reason=None)], 100, "14.00")
    found = read(office)
    assert sorted(one.id for one in found.transactions) == [1, 2]
    assert (found.complete, found.total_kwh, found.reported_kwh, found.lists) == (
        True,
        Decimal(14),
        Decimal("14.00"),
        2,
    )
    assert office.asked[0] == {
        "filter[status]": "finished",
        "filter[started_from]": "2026-10-31T00:00:00Z",
        "filter[stopped_until]": "2026-11-09T00:00:00Z",
        "limit": "10000",
    }
    assert office.asked[1]["filter[status]"] == "active"


def test_a_list_that_was_cut_off_is_read_in_halves_and_each_row_comes_once() -> None:
    rows = [row(number, number * 4.0) for number in range(47)]
    found = read(Office(rows, 20, 329))
    assert sorted(one.id for one in found.transactions) == list(range(47))
    assert found.complete
    assert found.total_kwh is None  # sums of parts that overlap are no sum
    assert found.reported_kwh == 7 * 47
    assert found.lists > 3


def test_what_cannot_be_had_whole_in_the_shortest_time_is_told_as_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(period, "SHORTEST", timedelta(days=2))
    found = read(Office([row(number, number * 0.1) for number in range(30)], 20))
    assert not found.complete
    assert len({one.id for one in found.transactions}) == len(found.transactions) == 20


def test_when_any_list_fails_there_is_nothing_at_all() -> None:
    office = Office([row(number, number * 4.0) for number in range(47)], 20)
    office.fails_at = 4
    with pytest.raises(NoAnswer):
        read(office)


@pytest.mark.parametrize(("told", "total"), [("7.936", Decimal("7.936")), (7, 7), (None, None), ("much", None)])
def test_the_back_offices_own_sum_is_read_as_far_as_it_is_one(told: object, total: object) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [transaction()], "links": {"next": None}, "total_kwh": told})

    with wire(answer) as w:
        listing = w.api.site_transactions(SITE)
    assert listing.total_kwh == total


def test_of_several_pages_the_last_sum_that_was_told_counts() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(dict(request.url.params).get("page", "1"))
        body = {"data": [transaction(id=number)], "meta": {"current_page": number, "last_page": 2}}
        return httpx.Response(200, json=body | ({"total_kwh": 14} if number == 1 else {}))

    with wire(answer) as w:
        assert w.api.site_transactions(SITE).total_kwh == 14
    assert isinstance(w, Wire)
    assert client.MOST_TRANSACTIONS == 10_000


def test_a_page_of_as_many_rows_as_may_be_asked_for_is_not_too_large() -> None:
    rows = [row(number, number / 1000) for number in range(client.MOST_TRANSACTIONS)]
    assert len(json.dumps(rows)) > 4_000_000
    pages: list[int] = []
    with wire(Office(rows, len(rows))) as w:
        found = read_period(w.api, SITE, SINCE, UNTIL, LONGEST, lambda page: pages.append(len(page)))
    assert (len(found.transactions), found.complete) == (client.MOST_TRANSACTIONS, True)
    assert pages == [client.MOST_TRANSACTIONS, 0]
