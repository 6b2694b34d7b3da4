"""Settings for every test: how many examples a property gets, and which process gets which file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.worlds.once import hurry, wait_for_the_disk

settings.register_profile("kiosk", deadline=None, print_blob=True)
settings.register_profile("quick", settings.get_profile("kiosk"), max_examples=10)
settings.load_profile("kiosk")
hurry()
for setting in [name for name in os.environ if name.startswith("KIOSK_")]:
    del os.environ[setting]  # a test has the settings that it names, not those of the shell that runs it


@pytest.fixture(autouse=True)
def _disk(request: pytest.FixtureRequest) -> Iterator[None]:
    """Only tests marked `durable` wait until the disk has what a store wrote."""
    wait_for_the_disk(request.node.get_closest_marker("durable") is not None)
    yield
    wait_for_the_disk(False)


def scope_of(nodeid: str) -> str:
    """What one process runs from beginning to end: a file."""
    return nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """When the tests run in several processes, each takes the next scope when it is through with one."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = scope_of
    return scheduler
