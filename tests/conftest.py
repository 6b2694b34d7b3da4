"""Settings for every test: how many examples a property gets, which process gets which file, and what is measured."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from coverage import Coverage
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


def pytest_collection_finish() -> None:
    """What all tests share lives until the end: nobody looks through it again and again for what is left over, which
    was a fifth of the time of the tests that need no page. What a test leaves behind is still collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


UNMEASURED = "browser"
"""These tests count for no gate of coverage, and to follow every line would cost half as much again as they do."""
POSTGRES = "tests/postgres"
"""Tests that need the one server of a run: on every kind of store, and in files with its name."""
LONGEST = ("install", "browser")
"""What waits most begins first, so that at the end no process waits when the others have nothing left."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Coverage follows no test that drives a browser, and no thread that begins in one."""
    measuring = Coverage.current() if item.get_closest_marker(UNMEASURED) is not None else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several processes take first the files whose tests wait, then those of the engine, the largest before others."""
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(scope_of(item.nodeid) for item in items)

    def turn(item: pytest.Item) -> tuple[int, str, int, str]:
        scope = scope_of(item.nodeid)
        folder = "/".join(scope.split("/")[:2])
        ranks = [rank for rank, marker in enumerate(LONGEST) if item.get_closest_marker(marker) is not None]
        if ranks or folder == "tests/engine":
            return min(ranks, default=len(LONGEST)), folder, -sizes[scope], scope
        return len(LONGEST) + 1, "", 0, ""

    items.sort(key=turn)


def scope_of(nodeid: str) -> str:
    """What one process runs from beginning to end: a file, or all that needs the one PostgreSQL server of the run."""
    file, _, test = nodeid.partition("::")
    return POSTGRES if "[postgres" in test or "postgres" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """When the tests run in several processes, each takes the next scope when it is through with one."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = scope_of
    return scheduler
