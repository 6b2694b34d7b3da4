"""How gunicorn is told to serve: where it listens, what others may read, and what it refuses."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk.config.settings import Settings, variable

HOME = Path(__file__).parent.parent
Configured = Callable[..., dict[str, Any]]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Configured]:
    """The file's names, with these settings in the environment."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIOSK_SECRET_KEY", "k" * 40)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")

    def read(**given: str) -> dict[str, Any]:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(HOME / "gunicorn.conf.py"))

    before = os.umask(0o022)
    yield read
    os.umask(before)


def server(*listens: object) -> SimpleNamespace:
    return SimpleNamespace(cfg=SimpleNamespace(workers=1, worker_class_str="gthread", address=list(listens)))


def test_it_listens_on_this_machine_alone(configured: Configured) -> None:
    assert configured()["bind"] == "127.0.0.1:8000"
    assert configured(KIOSK_BIND="0.0.0.0", PORT="9000")["bind"] == "0.0.0.0:9000"  # noqa: S104


def test_what_it_writes_is_for_its_own_user_alone(configured: Configured) -> None:
    configured()
    assert os.umask(0o022) == 0o077


@pytest.mark.parametrize("listens", [("0.0.0.0", 8000), ("::", 8000), ("192.0.2.7", 80)])  # noqa: S104
def test_believing_a_proxy_on_a_public_address_is_refused_unless_it_was_meant(
    configured: Configured, listens: tuple[str, int]
) -> None:
    starting = configured(KIOSK_TRUSTED_PROXIES="1")["on_starting"]
    with pytest.raises(SystemExit, match="set KIOSK_BIND instead of --bind"):
        starting(server(("127.0.0.1", 8000), listens))
    starting(server(("127.0.0.1", 8000), ("::1", 8000), "/run/kiosk.sock"))
    configured(KIOSK_BIND="0.0.0.0")["on_starting"](server(listens))  # noqa: S104 - said, so meant


def test_without_a_proxy_it_may_listen_anywhere(configured: Configured) -> None:
    configured()["on_starting"](server(("0.0.0.0", 8000)))  # noqa: S104


def wrong_file(folder: Path) -> str:
    (folder / "kiosk.toml").write_text('[operator]\nname = "Depot"\nnme = "Depot"\n', encoding="utf-8")
    return "kiosk.toml"


def damaged_database(folder: Path) -> str:
    (folder / "kiosk.toml").write_text("", encoding="utf-8")
    (folder / "kiosk.db").write_text("no database at all, but a letter " * 200, encoding="utf-8")
    return "The database cannot be brought to the newest version"


@pytest.mark.parametrize("break_it", [wrong_file, damaged_database])
def test_a_server_that_cannot_start_ends_with_one_sentence_and_is_not_started_for_ever(
    tmp_path: Path, break_it: Callable[[Path], str]
) -> None:
    """The worker loads the kiosk. What it says there must end its master too, not only the worker."""
    words = break_it(tmp_path)
    environment = {
        "KIOSK_SECRET_KEY": "k" * 40,
        "KIOSK_PUBLIC_URL": "https://charge.example",
        "KIOSK_DATA_DIR": str(tmp_path),
        "KIOSK_CONFIG": str(tmp_path / "kiosk.toml"),
        "PORT": "0",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("kiosk: ")]
    assert done.returncode == 3, done.stderr
    assert len(said) == 1, done.stderr
    assert words in said[0]
    assert "Traceback" not in done.stderr
