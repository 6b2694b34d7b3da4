"""The engine fetches each picture once, renews it seldom, and lets a host that fails alone for a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from kiosk.domain.lab import LabFacts
from kiosk.engine.engine import Engine
from kiosk.engine.sites.pictures import BETWEEN, LOOK_EVERY, PICTURE_AGAIN, PICTURE_EVERY, PictureWatch
from kiosk.engine.sites.plan import SitePlan
from kiosk.upstream.ocpplab.pictures import Pictures
from tests.engine.house import House

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
TOWER, POST = "https://cdn.example/tower.png", "https://cdn.example/post.png"


class Gallery:
    """A house with one site of three chargers, and the host of their pictures."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.asked: list[str] = []
        self.status = 200
        self.client = Pictures(transport=httpx.MockTransport(self._answer), resolve=lambda _host: ("93.184.215.14",))
        plan = SitePlan("garage", ("AAA", "BBB", "CCC"))
        self.context = replace(self.house.context, sites=(plan,), pictures=self.client)
        self.watch = PictureWatch(self.context, self.client)

    def named(self, **urls: str | None) -> None:
        for code, url in urls.items():
            self.house.store.save_lab_facts(code, LabFacts(image_url=url), self.house.clock.now())

    def wait(self, length: timedelta) -> None:
        """Let the time pass, looking whenever it is due."""
        end = self.house.clock.now() + length
        while (now := self.house.clock.now()) < end:
            due = self.watch.due_in(now)
            if due <= timedelta(0):
                self.watch.read()
                due = self.watch.due_in(now)
            self.house.clock.advance(min(due, end - now).total_seconds())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"https://{request.headers['Host']}{request.url.path}")
        return httpx.Response(self.status, content=PNG)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    made = Gallery(tmp_path)
    yield made
    made.client.close()
    made.house.close()


def test_each_address_is_asked_once_for_all_chargers_that_share_it(gallery: Gallery) -> None:
    gallery.named(AAA=TOWER, BBB=TOWER, CCC=POST)
    gallery.wait(timedelta(days=2))
    assert gallery.asked == [TOWER, POST]
    assert gallery.house.store.picture(POST) is not None


def test_pictures_come_one_after_the_other_and_then_seldom(gallery: Gallery) -> None:
    gallery.named(AAA=TOWER, BBB=POST)
    now = gallery.house.clock.now()
    gallery.watch.read()
    assert (gallery.asked, gallery.watch.due_in(now)) == ([TOWER], BETWEEN)
    gallery.watch.read()
    gallery.watch.read()
    assert (len(gallery.asked), gallery.watch.due_in(now)) == (2, LOOK_EVERY)


def test_a_picture_is_renewed_after_a_month(gallery: Gallery) -> None:
    gallery.named(AAA=TOWER)
    gallery.watch.read()
    gallery.house.clock.advance(PICTURE_EVERY.total_seconds() - 1)
    gallery.watch.read()
    assert len(gallery.asked) == 1
    gallery.house.clock.advance(1)
    gallery.watch.read()
    assert len(gallery.asked) == 2


def test_a_host_that_gives_none_is_left_alone_for_a_day(gallery: Gallery) -> None:
    gallery.named(AAA=TOWER)
    gallery.status = 404
    gallery.wait(PICTURE_AGAIN - timedelta(minutes=1))
    assert len(gallery.asked) == 1
    gallery.status = 200
    gallery.wait(timedelta(minutes=10))
    assert len(gallery.asked) == 2
    assert gallery.house.store.picture(TOWER) is not None


def test_a_picture_that_no_charger_names_any_more_is_forgotten(gallery: Gallery) -> None:
    gallery.named(AAA=TOWER)
    gallery.watch.read()
    gallery.named(AAA=POST)
    gallery.wait(LOOK_EVERY)
    assert gallery.house.store.picture(TOWER) is None
    assert gallery.house.store.picture(POST) is not None


def test_without_an_address_nobody_is_asked(gallery: Gallery) -> None:
    gallery.named(AAA=None)
    gallery.wait(timedelta(days=1))
    assert gallery.asked == []


def test_restarted_with_an_earlier_clock_an_attempt_is_repeated(gallery: Gallery) -> None:
    gallery.named(AAA=TOWER)
    gallery.watch.read()
    gallery.house.store.pull_back(gallery.house.clock.advance(-86_400))
    gallery.watch.read()
    assert len(gallery.asked) == 2


def test_the_engine_looks_for_pictures_on_its_rounds(gallery: Gallery) -> None:
    gallery.house.context = gallery.context
    gallery.house.engine = Engine(gallery.context, inline=True)
    gallery.house.run(1)
    gallery.named(AAA=TOWER)
    gallery.house.run(LOOK_EVERY.total_seconds() + 5)
    assert gallery.asked == [TOWER]
