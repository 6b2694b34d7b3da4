"""`scripts/dev`: what is stored and what charges outlive a restart of the kiosk, and what is said in a sentence."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, Queue

import httpx
import pytest
from werkzeug.serving import make_server

import dev.__main__ as parent
from dev import timing
from dev.__main__ import changed, concerns_the_world, stamps
from dev.line import Line, Window, world_end
from kiosk.clock import ManualClock
from kiosk.demo import Sandbox, new_world
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.sandbox.world.scene import FREE

HOME = Path(__file__).parent.parent
PATIENCE = 120.0
"""Seconds for a process to start on a busy machine. No test waits for it when all is well."""


class Run:
    """A running `python -m dev`, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "dev", "--port", "0", "--data", str(folder)],
            cwd=HOME,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.address, self.code = self.welcome()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def welcome(self) -> tuple[str, str]:
        """The address and the pairing code that are printed next."""
        seen = []
        while True:
            try:
                seen.append(self._lines.get(timeout=PATIENCE))
            except Empty:
                raise AssertionError("".join(seen)) from None
            found = re.search(r"(http://127\.0\.0\.1:\d+)/tablet/ +pairing code (\S+)", seen[-1])
            if found:
                return found[1], found[2]

    def type(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def end(self) -> int:
        self.type("q")
        return self.process.wait(PATIENCE)


@contextmanager
def running(folder: Path) -> Iterator[Run]:
    run = Run(folder)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(PATIENCE)
        for pipe in (run.process.stdin, run.process.stdout):
            assert pipe is not None
            pipe.close()


def driver(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"Sec-Fetch-Site": "same-origin"}, trust_env=False, timeout=PATIENCE)


def test_a_session_outlives_the_kiosk_that_began_it(tmp_path: Path) -> None:
    with running(tmp_path) as run, driver(run.address) as browser:
        first = browser.post(f"/c/{FREE}/start", data={"connector": "1"})
        assert first.status_code == 307, "a browser gets its cookie before anything begins"
        begun = browser.post(first.headers["Location"], data={"connector": "1"})
        assert begun.status_code == 303, begun.text
        page = begun.headers["Location"]
        before = browser.get(page).text
        run.type("r")
        address, code = run.welcome()
        assert address == run.address
        assert code != run.code, "each start prints a code of its own"
        assert browser.get(page).status_code == 200
        assert browser.post(f"{page}/cancel").status_code == 303, "its owner is still its owner"
        assert browser.get("/sandbox/").status_code == 200, "the world goes on"
        assert "Demo" in before
        run.type("c")
        assert run.welcome()[1] not in {run.code, code}
        assert run.end() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(run.address, trust_env=False)
    with running(tmp_path) as again, driver(again.address) as browser:
        assert browser.get(page).status_code == 200, "what was stored is there in the next run"


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "dev", "--port", port, "--data", str(tmp_path)],
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stdout
    assert "choose another --port" in ended.stdout


def test_codes_of_a_run_that_never_was_are_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dev", "--codes", "--data", str(tmp_path)])
    assert parent.main() == 1
    assert "start scripts/dev first" in capsys.readouterr().out


def test_a_file_that_is_saved_added_or_removed_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "HOME", tmp_path)
    (tmp_path / "kiosk" / "__pycache__").mkdir(parents=True)
    kept, old = tmp_path / "kiosk" / "kept.py", tmp_path / "kiosk" / "old.py"
    kept.write_text("1")
    old.write_text("1")
    before = stamps()
    kept.write_text("22")
    old.unlink()
    (tmp_path / "kiosk" / "new.py").write_text("1")
    (tmp_path / "kiosk" / "__pycache__" / "kept.pyc").write_text("1")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("read again by itself")
    assert changed(before, stamps()) == ["kiosk/kept.py", "kiosk/new.py", "kiosk/old.py"]


def test_only_what_the_world_is_made_of_begins_it_anew() -> None:
    assert concerns_the_world(["kiosk/sandbox/world/cars.py"])
    assert not concerns_the_world(["kiosk/web/driver/charger.py", "static/driver/live.js"])


def test_a_run_goes_on_where_the_last_one_ended_when_that_ran_ahead(tmp_path: Path) -> None:
    first = timing.begin(tmp_path, 10)
    ahead = timing.Timing(first.began + timedelta(hours=9), first.since, 10)
    ahead.write(tmp_path)
    assert timing.begin(tmp_path, 10).began >= ahead.began
    assert timing.read(tmp_path) == ahead


def test_a_run_after_a_pause_begins_at_the_present(tmp_path: Path) -> None:
    timing.Timing(datetime(2020, 1, 1, tzinfo=UTC), timing.begin(tmp_path, 10).since, 10).write(tmp_path)
    assert timing.begin(tmp_path, 10).began > datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def world_on_a_port(sandbox: Sandbox) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, world_end(sandbox), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (Kind.UNREACHABLE, httpx.ConnectError),
        (Kind.TIMEOUT, httpx.ReadTimeout),
        (Kind.DROPPED, httpx.RemoteProtocolError),
    ],
)
def test_a_fault_of_the_panel_happens_at_the_kiosks_end_of_the_line(
    kind: Kind, raised: type[httpx.TransportError]
) -> None:
    sandbox = Sandbox(new_world(ManualClock()))
    sandbox.faults.add(Rule(kind))
    address = f"http://127.0.0.1:8000/sandbox/plugchoice/api/v3/public-charging/chargers/{FREE}"
    with world_on_a_port(sandbox) as port, httpx.Client(transport=Line(port, "public")) as client:
        with pytest.raises(raised):
            client.get(address)
        assert client.get(address).json()["data"]["name"] == "Charger 2"


def test_a_browser_that_asks_while_the_world_is_away_is_told_to_try_again() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        window = Window(world_end(Sandbox(new_world(ManualClock()))), nobody.getsockname()[1])
        with httpx.Client(transport=httpx.WSGITransport(app=_with_address(window)), base_url="http://kiosk") as browser:
            assert browser.get("/sandbox/").status_code == 503
            assert browser.get("/elsewhere").status_code == 404
        window.close()


def _with_address(window: Window):  # type: ignore[no-untyped-def]
    """The in-process transport leaves out the address as it was sent, which servers give."""

    def serve(environ, start_response):  # type: ignore[no-untyped-def]
        return window({**environ, "REQUEST_URI": environ["PATH_INFO"]}, start_response)

    return serve
