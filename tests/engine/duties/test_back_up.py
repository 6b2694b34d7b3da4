"""Backups are made in their rhythm by whoever leads, and one that fails is told and keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from kiosk.domain.backup import made_at
from kiosk.domain.session import Phase
from kiosk.engine.context import BackupPlan
from kiosk.engine.duty import Pool
from kiosk.engine.engine import Engine
from kiosk.store import Cipher
from tests.engine.house import House
from tests.worlds.once import SECRET

HOURLY = timedelta(hours=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    plan = BackupPlan(tmp_path / "kiosk.db", tmp_path / "backups", HOURLY, 100, Cipher([SECRET]))
    house.context = replace(house.context, backups=plan)
    house.engine = Engine(house.context, inline=True)
    yield house
    house.close()


def folder(house: House) -> Path:
    assert house.context.backups is not None
    return house.context.backups.folder


def times(house: House) -> list[float]:
    """Minutes between one backup and the next."""
    made = sorted(at for one in folder(house).iterdir() if (at := made_at(one.name)) is not None)
    return [(later - one).total_seconds() / 60 for one, later in pairwise(made)]


def test_the_first_one_is_made_at_once_and_then_one_every_hour(house: House) -> None:
    house.run(4 * 3600, every=60)
    assert len(times(house)) == 4
    assert all(60 <= minutes <= 62 for minutes in times(house))


def test_after_a_restart_the_rhythm_goes_on(house: House) -> None:
    house.run(1800, every=60)
    house.clock.advance(11)
    house.engine = Engine(house.context, inline=True)
    house.run(3600, every=60)
    assert len(times(house)) == 1


def test_without_a_folder_none_is_made(tmp_path: Path) -> None:
    plain = House(tmp_path)
    plain.run(7200, every=60)
    plain.close()
    assert [one.name for one in tmp_path.iterdir() if "backup" in one.name] == []


def test_one_that_fails_is_told_and_tried_again_and_charges_go_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    folder(house).write_text("a file is in the way")
    key = house.charging()
    house.run(600, every=30)
    assert house.session(key).phase is Phase.OPEN
    (state,) = [one for one in house.engine.duties() if one["name"] == "backups"]
    assert state["aside"] == 1
    assert any("backups" in str(vars(record).get("duty")) for record in caplog.records)
    folder(house).unlink()
    house.run(3600, every=30)
    assert len(list(folder(house).iterdir())) == 1


def test_no_proof_and_no_command_waits_for_a_backup(house: House) -> None:
    (post,) = [one for one in house.engine._posts if one.state()["name"] == "backups"]
    (job,) = post._duty.jobs(house.kiosk_clock.now()).now
    assert job.pool is Pool.BACKUPS
