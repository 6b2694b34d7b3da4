"""One gunicorn worker on 127.0.0.1 as in production, ended by its id; and connections to it from many addresses."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import children

HOME = Path(__file__).parent.parent
CONFIG = Path(__file__).with_name("gunicorn_conf.py")
READY_WITHIN = 30.0
ENDS_WITHIN = 10.0


class DidNotStart(Exception):
    """The server under test did not come up."""


@dataclass(frozen=True)
class Server:
    port: int
    worker: int
    """The process whose time and memory are measured."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def serve(app: str, environment: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """Serve `module:app` for the length of the block. Its log is in `folder`."""
    port = _free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-m", "gunicorn", "-c", str(CONFIG), "-b", f"127.0.0.1:{port}", app]
    with (folder / f"{app.partition(':')[0]}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
            command, cwd=HOME, env={**kept, **environment}, stdout=log, stderr=log
        )
        try:
            yield Server(port, _worker(process, port, Path(log.name)))
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                for each in children(process.pid):
                    os.kill(each, 9)
                process.kill()
                process.wait(ENDS_WITHIN)


class Visitor:
    """One keep-alive connection. Each visitor has a loopback address of its own, so that the kiosk's limits for one
    address stay on and are not met.
    """

    _made = 0

    def __init__(self, port: int) -> None:
        Visitor._made += 1
        number = Visitor._made
        source = f"127.{1 + number // 62_500 % 250}.{1 + number // 250 % 250}.{1 + number % 250}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        self._connection.request("GET", path, headers={"Accept-Encoding": "br", **(headers or {})})
        answer = self._connection.getresponse()
        return Answer(answer.status, dict(answer.headers), answer.read())

    def close(self) -> None:
        self._connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _worker(process: subprocess.Popen[bytes], port: int, log: Path) -> int:
    """Wait for the one worker, and for its first answer."""
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        workers = children(process.pid)
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
                probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if workers and probe.recv(12).startswith(b"HTTP/1.1 "):
                    return workers[0]
        except OSError:
            pass
        time.sleep(0.1)
    raise DidNotStart(log.read_text(errors="replace")[-2000:])
