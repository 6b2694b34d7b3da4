"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.house import House
from tests.engine.site_house import Build, SiteHouse
from tests.sound import assert_sound


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    assert_sound(request, house.store, house.kiosk_clock.now())
    house.close()


@pytest.fixture
def house_with_proofs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    house = House(tmp_path, proofs=True)
    yield house
    assert_sound(request, house.store, house.kiosk_clock.now())
    house.close()


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    made: list[SiteHouse] = []

    def house(chargers: int = 3, **more: Any) -> SiteHouse:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(SiteHouse(folder, chargers, **more))
        return made[-1]

    yield house
    for each in made:
        each.close()
