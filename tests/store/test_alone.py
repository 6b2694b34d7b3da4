"""One process of a machine goes on alone while the store takes no write, and what it sends is known to the next one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.store.alone import COUNTS_FOR, PLACES, Alone

from .build import NOW, later


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.db-alone"


def test_one_has_it_until_it_lets_go(file: Path) -> None:
    one, two = Alone(file, whoever_asks=True), Alone(file, whoever_asks=True)
    assert (one.take(), two.take(), one.take()) == (True, False, True)
    one.let_go()
    assert (two.take(), one.take()) == (True, False)
    two.close()
    assert one.take()
    one.close()


def test_a_process_that_was_killed_has_it_no_more(file: Path) -> None:
    ours = Alone(file, whoever_asks=True)
    code = (
        "import sys; from pathlib import Path; from kiosk.store.alone import Alone;"
        "print(Alone(Path(sys.argv[1]), whoever_asks=True).take(), flush=True); sys.stdin.read()"
    )
    theirs = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert theirs.stdout is not None
    assert theirs.stdout.readline() == b"True\n"
    assert not ours.take()
    theirs.kill()
    theirs.communicate()
    assert ours.take()
    ours.close()


def test_calls_are_known_to_whoever_asks(file: Path) -> None:
    one, two = Alone(file, whoever_asks=True), Alone(file, whoever_asks=True)
    one.prepare()
    size = file.stat().st_size
    assert one.note("stop", later(2))
    assert one.note("get_session", later(1))
    assert two.calls_since(NOW) == [("get_session", later(1)), ("stop", later(2))]
    assert two.calls_since(later(2)) == [("stop", later(2))]
    assert file.stat().st_size == size  # what is noted takes no room
    one.close()
    two.close()


def test_the_oldest_call_makes_room_when_it_counts_no_more(file: Path) -> None:
    alone = Alone(file, whoever_asks=True)
    for place in range(PLACES):
        assert alone.note("get_session", NOW + timedelta(milliseconds=place))
    assert not alone.note("get_session", later(60))
    assert alone.note("get_session", NOW + COUNTS_FOR)
    assert len(alone.calls_since(NOW)) == PLACES
    alone.close()


def test_a_place_that_makes_no_sense_is_an_empty_one(file: Path) -> None:
    alone = Alone(file, whoever_asks=True)
    alone.note("stop", NOW)
    with file.open("r+b") as raw:
        raw.seek(64)
        raw.write(b"\xff\x00 nonsense, and no time")
    assert alone.calls_since(NOW) == [("stop", NOW)]
    assert alone.note("cancel", NOW)
    assert len(alone.calls_since(NOW)) == 2
    alone.close()


def test_only_this_user_may_read_it(file: Path) -> None:
    Alone(file, whoever_asks=True).prepare()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_where_it_can_only_be_read_one_goes_on_and_remembers_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that was taken for broken is mounted again for reading only."""
    made = Alone(file, whoever_asks=True)
    made.prepare()
    assert made.remembers
    made.close()
    truly = os.open

    def only_to_read(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise OSError("a read-only file system")
        return truly(path, flags, mode)

    monkeypatch.setattr(os, "open", only_to_read)
    one, two = Alone(file, whoever_asks=True), Alone(file, whoever_asks=True)
    assert (one.take(), two.take()) == (True, False)
    assert not one.remembers
    assert not one.note("stop", NOW)
    one.close()
    two.close()


@pytest.mark.parametrize("whoever", [True, False])
def test_without_a_file_the_kind_of_database_says_it(whoever: bool) -> None:
    alone = Alone(None, whoever_asks=whoever)
    alone.prepare()
    assert (alone.take(), alone.remembers) == (whoever, whoever)
    assert not alone.note("stop", NOW)
    assert alone.calls_since(NOW) == []
    alone.let_go()
    alone.close()


def test_a_file_that_lacks_places_and_can_only_be_read_tells_no_calls(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(b"cut off")
    truly = os.open
    monkeypatch.setattr(os, "open", lambda path, _flags, _mode=0: truly(path, os.O_RDONLY))
    alone = Alone(file, whoever_asks=True)
    assert alone.calls_since(NOW) == []
    assert not alone.remembers
    alone.close()


def test_without_a_file_no_call_can_be_remembered() -> None:
    alone = Alone(None, whoever_asks=True)
    assert not alone.note("stop", NOW)
    assert alone.calls_since(NOW) == []
    alone.close()
