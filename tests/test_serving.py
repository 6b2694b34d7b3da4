"""How gunicorn is told to serve: where it listens, what others may read, and what it refuses."""

from __future__ import annotations

import os
import re
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk.config.settings import Settings, variable
from kiosk.serving import Deadlines

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


def test_a_connection_has_its_time_and_is_shut_once() -> None:
    now = 0.0
    deadlines = Deadlines(lambda: now)
    here, there = socket.socketpair()
    kept, other = socket.socketpair()
    late, punctual = SimpleNamespace(sock=here), SimpleNamespace(sock=kept)
    with here, there, kept, other:
        deadlines.give(late, 10)
        deadlines.give(punctual, 10)
        deadlines.forget(punctual)
        now = 9.9
        assert deadlines.shut_late_ones() == 0
        now = 10.0
        assert (deadlines.shut_late_ones(), deadlines.shut_late_ones()) == (1, 0)
        assert there.recv(1) == b""
        kept.send(b"1")
        assert other.recv(1) == b"1"


def test_one_whose_socket_became_another_one_is_still_the_same() -> None:
    """As when gunicorn itself speaks TLS."""
    deadlines = Deadlines(lambda: 0.0)
    here, there = socket.socketpair()
    connection = SimpleNamespace(sock=there)
    deadlines.give(connection, -1)
    connection.sock = here
    deadlines.forget(connection)
    with here, there:
        assert deadlines.shut_late_ones() == 0
        here.send(b"1")
        assert there.recv(1) == b"1"


def test_one_that_is_closed_already_disturbs_nobody() -> None:
    deadlines = Deadlines(lambda: 0.0)
    here, there = socket.socketpair()
    closed = SimpleNamespace(sock=here)
    deadlines.give(closed, -1)
    here.close()
    there.close()
    assert deadlines.shut_late_ones() == 1


_LISTENS = re.compile(r"Listening at: http://127.0.0.1:(\d+)")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[int]:
    """The port of a gunicorn whose clients have three seconds for the head and four for the whole."""
    (tmp_path / "slow.py").write_text(
        "from kiosk.serving import HurryingWorker\n"
        "class Worker(HurryingWorker):\n"
        "    head_seconds, whole_seconds = 3.0, 4.0\n"
        "def app(environ, start):\n"
        "    body = environ['wsgi.input'].read()\n"
        "    start('200 OK', [('Content-Type', 'text/plain')])\n"
        "    def stream():\n"
        "        import time\n"
        "        for _ in range(60):\n"
        "            time.sleep(0.1)\n"
        "            yield b'.'\n"
        "    return stream() if environ['PATH_INFO'] == '/stream' else [b'well ', body]\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-k", "slow.Worker", "--threads", "8", "-b", "127.0.0.1:0", "slow:app"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{HOME}{os.pathsep}{tmp_path}"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        port = next(
            int(found[1])
            for line in server.stderr
            if (found := re.search(r"Listening at: http://127.0.0.1:(\d+)", line))
        )
        yield port
    finally:
        server.terminate()
        server.wait(20)
        server.stderr.close()


def said_by(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """The whole answer to these parts, said one after the other."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        answer = b""
        try:
            for part in parts:
                line.sendall(part)
                time.sleep(pause)
            while some := line.recv(4096):
                answer += some
        except ConnectionError:
            pass
        return answer


@pytest.mark.slow
def test_whoever_dawdles_over_a_request_is_cut_off_and_nobody_else(served: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert said_by(served, head, b"\r\n").count(b"well ") == 1
    assert said_by(served, *[b"G", b"E", b"T"] * 10, pause=0.25) == b"", "a head that drips"
    post = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 30\r\n\r\n"
    assert said_by(served, post, b"x" * 30).count(b"x" * 30) == 1
    assert b"200 OK" not in said_by(served, post, *[b"x"] * 30, pause=0.25), "a body that drips"
    stream = said_by(served, b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert stream.count(b".\r\n") == 60, "an answer may last"
