"""The doctor of a running kiosk: what it says at once, and a round of questions that is begun, goes on and ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from kiosk.clock import ManualClock
from kiosk.config.settings import build_settings
from kiosk.config.sites import SiteBook
from kiosk.doctor import at_desk
from kiosk.doctor.at_desk import AGAIN, LONGEST, Checkup
from kiosk.doctor.by_asking import MUST_ARRIVE
from kiosk.doctor.front import HTTP_2
from kiosk.domain.finding import Finding, note
from kiosk.outside import connect, limits_of
from kiosk.store import Store
from kiosk.upstream.plugchoice.budget import Budgets
from tests.worlds.once import migrated_store

SECONDS = 20.0
"""Longer than any machine needs for what happens at once."""


class Desk:
    def __init__(self, folder: Path, **more: Any) -> None:
        self.clock, self.counter = ManualClock(), 0.0
        settings = build_settings(
            secret_key="Zq7-secret_key.with+many/different=characters",
            public_url="https://charge.example",
            data_dir=folder,
            plugchoice_url="http://127.0.0.1:9/api/v3",
            **more,
        )
        self.store: Store = migrated_store(folder / "kiosk.db")
        self.outside = connect(settings, self.clock, Budgets(limits_of(settings)))
        self.checkup = Checkup(
            settings,
            SiteBook(),
            self.clock,
            self.store,
            self.outside,
            protocol=lambda _: HTTP_2,
            headers=lambda _: dict.fromkeys(MUST_ARRIVE, ""),
            monotonic=lambda: self.counter,
        )

    def close(self) -> None:
        self.outside.close()
        self.store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.close()


def ended(desk: Desk, over: Event) -> list[str]:
    """What a round has brought when it is over."""
    assert over.wait(SECONDS)
    for _ in range(2000):
        asked = desk.checkup.asked()
        if asked is not None and asked.ended_at is not None:
            return [one.text for one in asked.findings]
        over.clear()
        over.wait(0.01)
    raise AssertionError("it did not end")


def questions(monkeypatch: pytest.MonkeyPatch, *found: Finding | Exception, hold: Event | None = None) -> Event:
    """A round brings these; the event says that the last of it was given."""
    over = Event()

    def asked(_self: Checkup) -> Iterator[Finding]:
        try:
            for one in found:
                if isinstance(one, Exception):
                    raise one
                yield one
            if hold is not None:
                hold.wait(SECONDS)
        finally:
            over.set()

    monkeypatch.setattr(Checkup, "_questions", asked)
    return over


def test_at_once_it_says_what_needs_no_question(desk: Desk) -> None:
    said = {one.text for one in desk.checkup.now()}
    assert "Drivers see charge.example." in said
    assert any(text.startswith("No session waits") for text in said)
    assert desk.checkup.asked() is None


def test_a_store_without_an_answer_is_said_and_nothing_is_read_from_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.store, "answers", lambda: False)
    said = [one.text for one in desk.checkup.now()]
    assert any("does not answer" in text for text in said)
    assert not any("session" in text for text in said)


def test_a_round_asks_everybody_and_looks_at_every_row(desk: Desk) -> None:
    assert desk.checkup.ask()
    said = ended(desk, _now())
    assert "charge.example speaks HTTP/2." in said
    assert "Pages of charge.example arrive with their headers for safety." in said
    assert any(text.startswith("The books are in order") for text in said)


def _now() -> Event:
    over = Event()
    over.set()
    return over


def test_one_round_at_a_time_and_not_at_once_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Event()
    over = questions(monkeypatch, note("one"), hold=hold)
    assert desk.checkup.ask()
    assert not desk.checkup.ask()
    hold.set()
    ended(desk, over)
    assert not desk.checkup.ask()
    desk.counter += AGAIN
    over.clear()
    assert desk.checkup.ask()
    ended(desk, over)


def test_a_round_that_takes_too_long_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.0, LONGEST + 1])
    desk.checkup._monotonic = lambda: next(times, LONGEST + 1)
    over = questions(monkeypatch, note("one"), note("two"), note("three"))
    assert desk.checkup.ask()
    said = ended(desk, over)
    assert said[-1].startswith("That took too long")
    assert "three" not in said


def test_a_fault_in_it_is_said_without_what_broke(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = questions(monkeypatch, note("one"), RuntimeError("with a secret"))
    assert desk.checkup.ask()
    assert ended(desk, over) == ["one", "The questions were not finished (RuntimeError): see the log."]
    assert [record.name for record in caplog.records] == [at_desk.__name__]
