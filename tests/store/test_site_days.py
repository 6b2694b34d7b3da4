"""What the back office told of a site's charges: kept as it was told last, forgotten in time; how each day goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from kiosk.domain.site_board import ChargerRef, SiteTransaction
from kiosk.domain.site_days import ListTrouble, SiteDay, ToldSum
from kiosk.store import Store, site_days
from kiosk.store.tables import site_transactions

from .build import NOW, later, opened, queued

SITE = "garage"
DAY = date(2026, 11, 20)
HOUR = 3600.0


def told(number: int = 7, **more: object) -> SiteTransaction:
    made = SiteTransaction(
        id=number,
        charger=ChargerRef("uuid-1", 596_411, "CP-1"),
        charger_connector_id=99,
        connector_id=1,
        id_tag="04A2B3C4",
        active=False,
        meter_start_wh=29_317,
        meter_stop_wh=37_253,
        reported_kwh=Decimal("7.00"),
        started_at=NOW,
        stopped_at=later(2400),
        stop_reason="Local",
        is_valid=True,
    )
    return replace(made, **more)  # type: ignore[arg-type]


RUNNING = told(active=True, meter_stop_wh=None, stopped_at=None, stop_reason=None, reported_kwh=None)


def keep(store: Store, *rows: SiteTransaction, codes: dict[str, str] | None = None, at: float = HOUR) -> None:
    store.keep_transactions(SITE, rows, {"uuid-1": "7MK4T"} if codes is None else codes, later(at))


def kept(store: Store, since: float = -HOUR, until: float = 9 * HOUR) -> list[SiteTransaction]:
    return store.transactions_over(SITE, later(since), later(until))[0]


def test_what_was_told_comes_back_with_the_code_of_its_charger(store: Store) -> None:
    keep(store, told())
    rows, codes = store.transactions_over(SITE, later(-HOUR), later(HOUR))
    (row,) = rows
    assert replace(row, id_tag=None) == replace(
        told(), id_tag=None, charger=ChargerRef("uuid-1", None, None), charger_connector_id=None
    )
    assert codes == {"uuid-1": "7MK4T"}


def test_whose_card_it_was_can_be_compared_and_not_be_read(store: Store) -> None:
    keep(store, told(1), told(2), told(3, id_tag="another"), told(4, id_tag=None))
    first, second, other, none = (row.id_tag for row in kept(store))
    assert first == second != other
    assert none is None
    assert "04A2B3C4" not in str(first)


def test_a_later_word_counts_and_an_end_is_never_taken_back(store: Store) -> None:
    keep(store, RUNNING)
    assert [row.active for row in kept(store)] == [True]
    keep(store, told(reported_kwh=Decimal("7.94")))
    keep(store, RUNNING)
    (row,) = kept(store)
    assert (row.active, row.reported_kwh) == (False, Decimal("7.94"))
    keep(store, told(is_valid=False))
    assert kept(store)[0].is_valid is False


def test_a_code_that_is_known_stays_when_nobody_tells_it_again(store: Store) -> None:
    keep(store, told())
    keep(store, told(), codes={})
    assert store.transactions_over(SITE, later(-HOUR), later(HOUR))[1] == {"uuid-1": "7MK4T"}
    keep(store, told(9, charger=ChargerRef("uuid-2", None, None)), codes={})
    store.own_list_was_read(["uuid-2"], NOW, whole=True)
    store.own_charger_told("uuid-2", "9QX6B", NOW)
    assert store.transactions_over(SITE, later(-HOUR), later(HOUR))[1]["uuid-2"] == "9QX6B"


def test_rows_are_of_their_site_and_time_and_those_of_no_time_or_without_an_end_of_every_time(store: Store) -> None:
    lost = told(3, started_at=None, stopped_at=None, charger=None, connector_id=None)
    before = replace(RUNNING, id=4, started_at=later(-90_000))
    keep(store, told(1), told(2, started_at=later(90_000), stopped_at=later(95_000)), lost, before)
    store.keep_transactions("other", [told(5)], {}, NOW)
    assert [row.id for row in kept(store)] == [1, 3, 4]
    assert [row.id for row in kept(store, 90_000, 99_000)] == [2, 3, 4]
    assert store.count_transactions(SITE, later(-HOUR), later(9 * HOUR)) == 1
    assert store.oldest_running(SITE) == later(-90_000)
    assert store.oldest_running("other") is None


def test_more_than_fit_in_one_go_come_each_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_days, "AT_ONCE", 2)
    rows = [told(number) for number in range(5)]
    keep(store, *rows, rows[0])
    keep(store, *rows)
    assert [row.id for row in kept(store)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("row", "is_open"),
    [
        (told(), False),
        (RUNNING, True),
        (told(meter_stop_wh=None), True),
        (told(reported_kwh=None), True),
        (told(stopped_at=later(90_000), reported_kwh=None), False),
    ],
)
def test_a_day_is_open_while_a_row_of_it_runs_or_lacks_figures(
    store: Store, row: SiteTransaction, is_open: bool
) -> None:
    keep(store, row)
    assert store.has_open_transactions(SITE, later(-HOUR), later(HOUR)) is is_open


def test_what_is_old_is_forgotten_and_what_runs_on_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_days, "AT_ONCE", 1)
    lost = told(3, started_at=None, stopped_at=None)
    keep(store, told(1), replace(RUNNING, id=2), lost)
    keep(store, told(4, stopped_at=later(40 * 86_400)), at=40 * 86_400.0)
    store.plan_days([SiteDay(SITE, DAY), SiteDay(SITE, DAY + timedelta(days=40))])
    assert store.forget_transactions(later(2)) == 0
    assert store.forget_transactions(later(30 * 86_400)) == 3
    with store._database.read() as connection:
        assert connection.execute(select(site_transactions.c.number)).scalars().all() == [4]
    assert [one.day for one in store.site_days(SITE, date(2026, 1, 1), date(2027, 12, 31))] == [
        DAY + timedelta(days=40)
    ]


def test_so_many_are_forgotten_in_one_run_and_the_rest_in_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_days, "AT_ONCE", 1)
    monkeypatch.setattr(site_days, "MOST_AT_A_TIME", 2)
    keep(store, told(1), told(2), told(3))
    assert store.forget_transactions(later(30 * 86_400)) == 2
    assert store.forget_transactions(later(30 * 86_400)) == 1


def test_a_day_that_is_known_is_not_planned_anew(store: Store) -> None:
    store.plan_days([SiteDay(SITE, DAY, next_at=NOW)])
    read = SiteDay(
        SITE,
        DAY,
        read_at=later(5),
        tried_at=later(5),
        told=ToldSum(DAY, DAY, Decimal("7.00"), Decimal("7.94"), 3),
    )
    store.keep_days([read])
    store.plan_days([SiteDay(SITE, DAY, next_at=NOW)])
    assert store.site_days(SITE, DAY, DAY) == [read]
    assert store.days_to_read(SITE, later(99)) == []


def test_somebodys_wish_stands_until_a_read_that_began_after_it(store: Store) -> None:
    store.ask_for_days(SITE, [DAY], later(10))
    (asked,) = store.days_to_read(SITE, later(11))
    assert asked.asked
    store.keep_days([replace(asked, tried_at=later(9), tries=1, trouble=ListTrouble.NO_ANSWER)])
    (still,) = store.days_to_read(SITE, later(11))
    assert (still.asked, still.trouble) == (True, ListTrouble.NO_ANSWER)
    store.keep_days([replace(asked, tried_at=None)])
    assert store.days_to_read(SITE, later(11))
    store.keep_days([replace(asked, tried_at=later(12))])
    assert store.days_to_read(SITE, later(13)) == []


def test_days_are_due_when_their_time_has_come_and_of_one_site(store: Store) -> None:
    store.plan_days([SiteDay(SITE, DAY, next_at=later(60)), SiteDay("other", DAY, next_at=NOW)])
    assert store.days_to_read(SITE, later(59)) == []
    assert [one.day for one in store.days_to_read(SITE, later(60))] == [DAY]


def test_the_first_session_of_chargers_is_told(store: Store) -> None:
    assert store.first_session_at(["ABC"]) is None
    opened(store, queued("key-1", code="ABC"), token="token-1")
    assert store.first_session_at(["ABC", "XYZ"]) is not None
    assert store.first_session_at(["XYZ"]) is None


def test_a_line_belongs_to_whoever_took_it_last(store: Store) -> None:
    store.own_line("t-7", "ada", NOW)
    store.own_line("t-8", "ada", NOW)
    store.own_line("t-7", "bob", later(1))
    store.own_line("t-8", None, later(1))
    assert store.line_owners() == {"t-7": "bob"}
