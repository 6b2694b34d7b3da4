"""`kiosk export`: a month is written now, or the place is tried, and what is wrong is said in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.command.cli import main
from tests.worlds.file_server import SECRET, USER, FileServer
from tests.worlds.once import migrated_store

KEY = "Zq7-secret_key.with+many/different=characters"
Run = Callable[..., tuple[int, str]]
TOML = """
[[sites]]
id = "garage"
name = "Garage"
timezone = "Europe/Berlin"
chargers = [{ code = "ABC" }]
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "kiosk.toml"
    file.write_text(TOML, encoding="utf-8")
    given = {"SECRET_KEY": KEY, "PUBLIC_URL": "https://charge.example", "CONFIG": str(file)}
    for name, value in {**given, "DATA_DIR": str(tmp_path / "data")}.items():
        monkeypatch.setenv(f"KIOSK_{name}", value)
    store = migrated_store(tmp_path / "data" / "kiosk.db", KEY)

    def command(*words: str, **more: str) -> tuple[int, str]:
        for name, value in more.items():
            monkeypatch.setenv(f"KIOSK_{name}", value)
        code = main(["export", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    yield command
    store.close()


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


def test_a_month_is_written_to_a_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    code, said = run("--month", "2026-01", EXPORT_TO=str(tmp_path / "books"))
    assert (code, "6 files of 2026-01 of Garage" in said) == (0, True)
    assert len(list((tmp_path / "books").glob("garage-2026-01-*"))) == 6
    assert run()[0] == 0
    assert len(list((tmp_path / "books").iterdir())) == 12


def test_a_place_that_works_is_tried_and_left_empty(run: Run, server: FileServer) -> None:
    server.signed = True
    code, said = run(
        "--test",
        EXPORT_TO="s3://books/kiosk",
        EXPORT_S3_URL=server.address,
        EXPORT_USER=USER,
        EXPORT_PASSWORD=SECRET,
    )
    assert (code, "Tables can go there" in said, SECRET in said) == (0, True, False)
    assert server.files == {}


def test_a_place_that_refuses_says_which_step_and_why(run: Run, server: FileServer) -> None:
    server.answer = 403
    code, said = run("--test", EXPORT_TO=f"{server.address}/dav", EXPORT_USER="kim", EXPORT_PASSWORD="hidden")
    assert (code, "could not be written" in said, "rights" in said, "hidden" in said) == (2, True, True, False)
    assert "were not written" in run("--month", "2026-01")[1]


def test_a_place_that_gives_back_something_else_is_not_trusted(run: Run, server: FileServer) -> None:
    done = server.done

    def other(asked: object, body: bytes) -> tuple[int, bytes]:
        status, out = done(asked, body)  # type: ignore[arg-type]
        return (status, b"{}") if getattr(asked, "command", "") == "GET" else (status, out)

    server.done = other  # type: ignore[method-assign]
    code, said = run("--test", EXPORT_TO=f"{server.address}/dav")
    assert (code, "holds something else" in said) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--test",), "KIOSK_EXPORT_TO"),
        (("--month", "2026-01"), "KIOSK_EXPORT_TO"),
        (("--month", "next"), "no month"),
        (("--month", "2999-01"), "still to come"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    code, told = run(*words)
    assert (code, said in told) == (2, True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"EXPORT_TO": "books"}, "a folder that begins with /"),
        ({"EXPORT_TO": "https://kim:hidden@cloud.example/"}, "without user and password"),
        ({"EXPORT_TO": "http://cloud.example/"}, "https://"),
        ({"EXPORT_TO": "s3://B"}, "s3://bucket"),
        ({"EXPORT_TO": "s3://books"}, "KIOSK_EXPORT_USER and KIOSK_EXPORT_PASSWORD"),
        ({"EXPORT_TO": "/b", "EXPORT_USER": "kim"}, "belong together"),
        ({"EXPORT_USER": "kim", "EXPORT_PASSWORD": "hidden"}, "KIOSK_EXPORT_TO is missing"),
        ({"EXPORT_S3_URL": "https://s3.example"}, "KIOSK_EXPORT_TO is missing"),
        ({"EXPORT_TO": "/b", "EXPORT_REGION": "Frankfurt am Main"}, "KIOSK_EXPORT_REGION"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(run: Run, more: dict[str, str], said: str) -> None:
    code, told = run("--test", **more)
    assert (code, said in told, "hidden" in told) == (2, True, False)


def test_amazon_is_asked_where_no_other_service_is_named(run: Run) -> None:
    from kiosk.clock import ManualClock
    from kiosk.config.settings import load_settings
    from kiosk.outside import connect
    from kiosk.upstream.plugchoice.budget import Budgets

    del run
    place = {"KIOSK_EXPORT_TO": "s3://books/kiosk/", "KIOSK_EXPORT_REGION": "eu-west-1"}
    signs = {"KIOSK_EXPORT_USER": USER, "KIOSK_EXPORT_PASSWORD": SECRET}
    base = {"KIOSK_SECRET_KEY": KEY, "KIOSK_PUBLIC_URL": "https://charge.example"}
    outside = connect(load_settings({**base, **place, **signs}), ManualClock(), Budgets())
    assert outside.shelf is not None
    assert outside.shelf.said == "s3://books/kiosk at s3.eu-west-1.amazonaws.com"
    outside.close()
