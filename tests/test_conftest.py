"""Which tests are measured, and in which order several processes take them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from coverage import Coverage

from tests.conftest import pytest_collection_modifyitems, pytest_runtest_protocol


def item(nodeid: str, *marks: str) -> pytest.Item:
    """A collected test of which only its name and its marks are asked for."""
    made = SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda name: name if name in marks else None)
    return cast("pytest.Item", made)


def measured(one: pytest.Item, monkeypatch: pytest.MonkeyPatch, *, running: bool = True) -> list[str]:
    """What is done to a running measurement around a test, and the test itself."""
    done: list[str] = []
    fake = SimpleNamespace(stop=lambda: done.append("stop"), start=lambda: done.append("start"))
    monkeypatch.setattr(Coverage, "current", lambda: fake if running else None)
    around = pytest_runtest_protocol(one)
    next(around)
    done.append("test")
    with pytest.raises(StopIteration):
        around.send(None)
    return done


def test_a_test_that_drives_a_browser_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(item("tests/browser/test_a.py::b", "browser"), monkeypatch) == ["stop", "test", "start"]


def test_every_other_test_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(item("tests/web/test_a.py::b", "durable"), monkeypatch) == ["test"]


def test_without_coverage_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(item("tests/browser/test_a.py::b", "browser"), monkeypatch, running=False) == ["test"]


def ordered(items: list[pytest.Item], *, several: bool) -> list[str]:
    config = SimpleNamespace(workerinput={}) if several else SimpleNamespace()
    given = [*items]
    pytest_collection_modifyitems(cast("pytest.Config", config), given)
    return [one.nodeid for one in given]


COLLECTED = [
    item("tests/browser/test_few.py::a", "browser"),
    item("tests/browser/test_many.py::a", "browser"),
    item("tests/browser/test_many.py::b", "browser"),
    item("tests/domain/test_money.py::a"),
    item("tests/domain/test_money.py::b"),
    item("tests/engine/test_few.py::a"),
    item("tests/engine/test_many.py::a"),
    item("tests/engine/test_many.py::b"),
    item("tests/install/test_install.py::a", "install"),
    item("tests/sandbox/test_script.py::a", "browser"),
    item("tests/sandbox/test_world.py::a"),
]


def test_several_processes_begin_with_what_waits_and_what_is_long() -> None:
    assert ordered(COLLECTED, several=True) == [
        "tests/install/test_install.py::a",
        "tests/browser/test_many.py::a",
        "tests/browser/test_many.py::b",
        "tests/browser/test_few.py::a",
        "tests/sandbox/test_script.py::a",
        "tests/engine/test_many.py::a",
        "tests/engine/test_many.py::b",
        "tests/engine/test_few.py::a",
        "tests/domain/test_money.py::a",
        "tests/domain/test_money.py::b",
        "tests/sandbox/test_world.py::a",
    ]


def test_one_process_keeps_the_order_in_which_the_tests_stand() -> None:
    assert ordered(COLLECTED, several=False) == [one.nodeid for one in COLLECTED]
