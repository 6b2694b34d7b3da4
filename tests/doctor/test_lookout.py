"""A look at both systems for the desk: it proposes what it finds, once, and what fails takes nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from kiosk.config.settings import build_settings
from kiosk.config.sites import SiteBook
from kiosk.doctor import lookout
from kiosk.doctor.by_listing import Listed
from kiosk.doctor.lookout import AGAIN, Lookout
from kiosk.domain.crosswalk import Kind, Verdict
from kiosk.outside import connect
from kiosk.sandbox.chargepilot.gateway import SITE_ID
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.service.crosswalk import Looked
from kiosk.upstream.plugchoice.budget import Budgets, Limits
from tests.worlds.once import migrated_store

from .test_at_desk import SECONDS
from .test_doctor import ALL, BARE, StandIns

BOOK = SiteBook.model_validate(
    {
        "sites": [
            {
                "id": "garage",
                "name": "Garage",
                "timezone": "Europe/Berlin",
                "chargers": [{"code": "7MK4T"}, {"code": "3HW9P"}],
            }
        ]
    }
)


class Eye:
    def __init__(self, folder: Path) -> None:
        self.outside, self.counter = StandIns(), 0.0
        settings = build_settings(**(BARE | ALL | {"plugchoice_url": "https://up/api/v3"}))
        self.store = migrated_store(folder / "kiosk.db")
        self.clients = connect(settings, self.outside.clock, Budgets(Limits()), self.outside.transports)
        self.lookout = Lookout(BOOK, self.outside.clock, self.store, self.clients, monotonic=lambda: self.counter)

    def looked(self) -> Looked:
        """Once it has ended."""
        waits = Event()
        for _ in range(int(SECONDS / 0.01)):
            last = self.lookout.last()
            if last is not None and last.ended_at is not None:
                return last
            waits.wait(0.01)
        raise AssertionError("it has not ended")

    def look(self) -> Looked:
        assert self.lookout.begin()
        last = self.looked()
        self.counter += AGAIN
        return last

    def proposed(self) -> set[tuple[Kind, str, str]]:
        return {one.joint for one in self.store.crosswalk.entries() if one.verdict is Verdict.OPEN}


@pytest.fixture
def eye(tmp_path: Path) -> Iterator[Eye]:
    one = Eye(tmp_path)
    yield one
    one.clients.close()
    one.store.close()


BOTH = {(Kind.PLUGCHOICE_SITE, "garage", SITE_UUID), (Kind.CHARGEPILOT_SITE, "garage", SITE_ID)}


def test_it_proposes_the_ids_that_the_file_leaves_out(eye: Eye) -> None:
    assert eye.lookout.last() is None
    assert (eye.look().troubles, eye.proposed()) == ((), BOTH)


def test_what_was_rejected_or_confirmed_is_not_proposed_again(eye: Eye) -> None:
    eye.look()
    verdicts = {Kind.PLUGCHOICE_SITE: Verdict.CONFIRMED, Kind.CHARGEPILOT_SITE: Verdict.REJECTED}
    for one in eye.store.crosswalk.entries():
        assert eye.store.crosswalk.decide(one.id, verdicts[one.proposal.kind], "kim", eye.outside.clock.now())
    eye.look()
    assert eye.proposed() == set()
    assert len(eye.store.crosswalk.entries()) == 2


def test_where_nobody_answers_what_was_proposed_stays(eye: Eye) -> None:
    eye.look()
    eye.outside.instead = lambda _request: httpx.Response(500)
    assert len(eye.look().troubles) == 2
    assert eye.proposed() == BOTH


def test_it_is_begun_once_at_a_time_and_not_again_at_once(eye: Eye, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = Event()

    def slow(*_: Any) -> Listed:
        goes_on.wait(SECONDS)
        return Listed(None, None, {}, ("nobody answers",))

    monkeypatch.setattr(lookout, "listed", slow)
    assert eye.lookout.begin()
    assert not eye.lookout.begin()
    goes_on.set()
    assert eye.looked().troubles == ("nobody answers",)
    assert not eye.lookout.begin()
    eye.counter += AGAIN
    assert eye.lookout.begin()
    eye.looked()


def test_a_look_that_breaks_says_so(
    eye: Eye, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Listed:
        raise RuntimeError("secret")

    monkeypatch.setattr(lookout, "listed", broken)
    assert eye.look().troubles == ("It was not finished (RuntimeError): see the log.",)
    assert "were not looked at to the end" in caplog.text
