"""The tables of each month reach their place once a night, whatever happens to the place, the kiosk or its leader."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.domain.attention import Attention, Level
from kiosk.domain.nightly import NotWritten, night_of
from kiosk.engine.engine import Engine
from kiosk.engine.sites.plan import SitePlan
from kiosk.upstream.shelf.folder import Folder
from kiosk.upstream.shelf.monthly import NightlyPlan
from kiosk.upstream.shelf.webdav import WebDav
from tests.engine.house import CODE, House
from tests.worlds.file_server import FileServer

BERLIN = ZoneInfo("Europe/Berlin")
SITE = "garage"
HOUR = 3600.0


class Killed(BaseException):
    """As kill -9: nothing of the kiosk's own catches it."""


class NightHouse(House):
    """`made` says what was made; `dies_at` kills the kiosk before it makes the file of that number."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.place = folder / "books"
        self.place.mkdir()
        self.workshop = folder / "workshop"
        self.workshop.mkdir()
        self.made: list[tuple[str, str]] = []
        self.dies_at: int | None = None
        self.cannot_make = False
        self.use(NightlyPlan(Folder(self.place), self.make, self.workshop))

    def use(self, plan: NightlyPlan | None) -> None:
        site = SitePlan(SITE, (CODE,), None, None, timezone="Europe/Berlin")
        self.context = replace(self.context, nightly=plan, sites=(site,))
        self.engine = Engine(self.context, inline=True)

    def make(self, site_id: str, month: date, now: datetime, folder: Path) -> Generator[tuple[str, Path], None, None]:
        if self.cannot_make:
            raise OSError("no room here")
        self.made.append((site_id, f"{month:%Y-%m}"))
        for number in range(3):
            if number == self.dies_at:
                raise Killed
            file = folder / f"{month:%Y-%m}-{number}.csv"
            file.write_text(f"{now.isoformat()}", encoding="utf-8")
            yield file.name, file

    def months(self) -> list[tuple[str, bool]]:
        return [(f"{one.month:%Y-%m}", one.written_at is not None) for one in self.store.nightly.months()]

    def until_night(self) -> None:
        """Let the clock go on to the next night."""
        now = self.clock.now()
        self.run((night_of(now, BERLIN) + timedelta(days=1) - now).total_seconds() + 60, every=600)

    def listed(self) -> list[tuple[str, Level]]:
        found = self.store.open_exceptions()
        return [(one.matter.subject, one.level) for one in found if one.matter.kind is Attention.TABLES_NOT_WRITTEN]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[NightHouse]:
    house = NightHouse(tmp_path)
    yield house
    house.close()


def this_month(house: NightHouse) -> str:
    return f"{night_of(house.clock.now(), BERLIN):%Y-%m}"


def test_a_month_is_written_at_once_and_then_once_a_night(house: NightHouse) -> None:
    house.run(3 * HOUR, every=60)
    due = len(house.made)
    assert house.made[-1] == (SITE, this_month(house))
    assert {one.name[:7] for one in house.place.iterdir()} == {month for _site, month in house.made}
    assert list(house.workshop.iterdir()) == []
    house.until_night()
    house.run(HOUR, every=60)
    assert len(house.made) in {2 * due, 2 * due + 1, 2 * due - 1}
    assert len(house.made) > due


def test_a_restart_writes_nothing_twice(house: NightHouse) -> None:
    house.run(HOUR, every=60)
    count = len(house.made)
    house.clock.advance(11)
    house.engine = Engine(house.context, inline=True)
    house.run(HOUR, every=60)
    assert len(house.made) == count


def test_without_a_place_nothing_is_made(house: NightHouse) -> None:
    house.use(None)
    house.run(HOUR, every=60)
    assert house.made == []


def test_a_kill_in_the_middle_begins_the_month_anew(house: NightHouse) -> None:
    house.dies_at = 1
    with pytest.raises(Killed):
        house.run(120, every=60)
    assert house.months() == []
    assert not any(one.name.startswith(".") for one in house.place.iterdir())
    house.dies_at = None
    house.clock.advance(11)
    house.engine = Engine(house.context, inline=True)
    house.run(HOUR, every=60)
    assert all(done for _month, done in house.months())
    assert sum(one.name.startswith(this_month(house)) for one in house.place.iterdir()) == 3


def test_only_the_one_that_leads_writes(house: NightHouse) -> None:
    other = Engine(house.context, inline=True)
    house.use(None)
    house.run(30)
    other.round()
    assert house.made == []
    house.clock.advance(11)
    other.round()
    assert house.made != []


def test_a_place_that_is_gone_is_tried_later_and_later_and_told_after_a_day(house: NightHouse) -> None:
    house.place.rmdir()
    house.run(2 * HOUR, every=60)
    newest = house.store.nightly.months()[0]
    assert (newest.trouble, newest.written_at) == (NotWritten.NO_PLACE, None)
    assert 6 <= newest.tries <= 9
    assert house.listed() == []
    house.run(23 * HOUR, every=600)
    assert house.listed() == [(CODE, Level.NOTED)]
    house.place.mkdir()
    house.run(2 * HOUR, every=60)
    assert all(done for _month, done in house.months())
    assert house.listed() == []


def test_what_is_listed_closes_when_no_place_is_set_any_more(house: NightHouse) -> None:
    house.place.rmdir()
    house.run(26 * HOUR, every=600)
    assert house.listed() != []
    house.clock.advance(11)
    house.use(None)
    house.run(60)
    assert house.listed() == []


def test_tables_that_cannot_be_made_here_are_told_so(house: NightHouse) -> None:
    house.cannot_make = True
    house.run(60)
    assert {one.trouble for one in house.store.nightly.months()} == {NotWritten.NOT_MADE}


def test_a_server_that_is_full_and_then_loses_an_answer_has_everything_in_the_end(house: NightHouse) -> None:
    server = FileServer()
    shelf = WebDav(f"{server.address}/dav", "kim", "hidden")
    house.use(NightlyPlan(shelf, house.make, house.workshop))
    server.answer = 507
    house.run(60)
    assert {one.trouble for one in house.store.nightly.months()} == {NotWritten.FULL}
    server.answer, server.hangs_up = None, True
    house.run(120, every=60)
    assert NotWritten.UNKNOWN in {one.trouble for one in house.store.nightly.months()}
    server.hangs_up = False
    house.run(HOUR, every=60)
    shelf.close()
    server.close()
    assert {one.trouble for one in house.store.nightly.months()} == {None}
    assert sum(this_month(house) in path and not path.endswith(".part") for path in server.files) == 3
