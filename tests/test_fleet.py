"""Two instances of the real server over one PostgreSQL: whoever dies or is frozen, the other one goes on.

The back office, its chargers and the bank live in the test's own process, so that it can count what they were asked.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from kiosk.clock import SystemClock
from kiosk.domain.commands import Kind
from kiosk.domain.session import Session
from kiosk.engine.lead import LEASE, LEASE_TTL
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.faults import Faults, endpoint_of
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.scene import FREE, build_scene
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.store import Cipher, Store
from kiosk.store.checks import Promise
from kiosk.store.tables import leases
from tests.sound import assert_nothing_broken
from tests.worlds.postgres import Server, programs

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
HOME = Path(__file__).parent.parent
SECRET = "a secret that is long enough for the instances of a fleet"
PATIENCE = 90.0
"""Seconds until something has to have happened, on a machine that does other things as well."""


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_said: object) -> None:
        """Nothing."""


class Outside:
    """The back office behind a socket. It counts its calls and what it answered them with."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, Switches(settle=3))
        build_scene(self.world)
        self.calls: Counter[str | None] = Counter()
        self.refused = 0
        self._app = create_plugchoice_app(self.world, Faults())
        self._server = make_server("127.0.0.1", 0, self._count, threaded=True, request_handler=_Quiet)
        self.address = f"http://127.0.0.1:{self._server.server_port}/api/v3"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _count(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.calls[endpoint_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])] += 1

        def answer(status: str, *rest: Any) -> Any:
            self.refused += status.startswith("429")
            return start_response(status, *rest)

        return self._app(environ, answer)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Fleet:
    """Instances over one database. One is stopped and let go, or killed, with all of its processes."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.outside = Outside()
        stack.callback(self.outside.close)
        (folder / "postgres").mkdir()
        self.server = Server(folder / "postgres")
        self.server.start(fsync="on", synchronous_commit="on")
        stack.callback(self.server.stop)
        self.server.run("CREATE DATABASE kiosk")
        self.store = Store(self.server.url("kiosk"), Cipher([SECRET]))
        self.store.migrate()
        stack.callback(self.store.close)
        self._ports: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        port = self._ports.setdefault(name, _free_port())
        environment = {
            "KIOSK_SECRET_KEY": SECRET,
            "KIOSK_DATABASE_URL": self.server.url("kiosk"),
            "KIOSK_DATA_DIR": str(self._folder / name),
            "KIOSK_PLUGCHOICE_URL": self.outside.address,
            "KIOSK_PUBLIC_URL": "http://localhost",
            "KIOSK_TRUSTED_HOSTS": "*",
            "KIOSK_SELL_UNLISTED": "true",
            "PORT": str(port),
            "PATH": os.environ["PATH"],
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
                cwd=HOME,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._stack.callback(self.kill, name)
        self.until(lambda: self.ready(name), f"{name} is ready")

    def ready(self, name: str) -> bool:
        try:
            return httpx.get(f"{self.address(name)}/readyz", timeout=3, trust_env=False).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def send(self, name: str, what: signal.Signals) -> None:
        os.killpg(self._running[name].pid, what)

    def kill(self, name: str) -> None:
        """kill -9, of the workers too."""
        if self._running[name].poll() is None:
            self.send(name, signal.SIGKILL)
        self._running[name].wait(30)

    def leader(self) -> tuple[str, int]:
        """Who has the lease, and its number."""
        with self.store._database.read() as connection:
            row = connection.execute(leases.select().where(leases.c.name == LEASE)).one()
        return row.holder, row.number

    def until(self, true: Callable[[], bool], what: str) -> float:
        """Wait for it; after how many seconds it came."""
        began = monotonic()
        while not true():
            logs = "\n".join(log.read_text()[-3000:] for log in self._folder.glob("*.log"))
            assert monotonic() - began < PATIENCE, f"did not come: {what}\n{logs}"
            sleep(0.1)
        return monotonic() - began

    def session(self, key: str) -> Session:
        found = self.store.session(key)
        assert found is not None
        return found


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: on Debian and Ubuntu, apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-fleet-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        Path(folder).chmod(0o711)
        yield Fleet(Path(folder), stack)


class Driver:
    """A phone at one instance, with a page whose stream is read all the time."""

    def __init__(self, address: str, stack: ExitStack) -> None:
        self._client = stack.enter_context(
            httpx.Client(base_url=address, timeout=30, trust_env=False, headers={"Sec-Fetch-Site": "same-origin"})
        )
        self._stack = stack
        self.heard = 0
        self._over = threading.Event()

    def hears(self, more_than: int) -> bool:
        """Another state of the session came by the stream."""
        return self.heard > more_than

    def start(self) -> str:
        self._client.get(f"/c/{FREE}")
        for _ in range(2):
            answer = self._client.post(f"/c/{FREE}/start", data={"connector": "1"})
            if answer.status_code != HTTPStatus.TEMPORARY_REDIRECT:
                break
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
        key = answer.headers["Location"].rpartition("/")[2].partition("?")[0]
        threading.Thread(target=self._watch, args=(key,), daemon=True).start()
        self._stack.callback(self._leave)
        return str(key)

    def post(self, key: str, what: str) -> int:
        return self._client.post(f"/s/{key}/{what}").status_code

    def _watch(self, key: str) -> None:
        while not self._over.is_set():
            try:
                with self._client.stream("GET", f"/s/{key}/events", timeout=30) as stream:
                    for line in stream.iter_lines():
                        self.heard += line.startswith("data:")
                        if self._over.is_set():
                            return
            except (httpx.HTTPError, RuntimeError):
                sleep(0.5)

    def _leave(self) -> None:
        self._over.set()


@contextmanager
def on(fleet: Fleet, name: str) -> Iterator[Driver]:
    with ExitStack() as stack:
        yield Driver(fleet.address(name), stack)


def test_a_driver_at_one_instance_goes_on_when_the_other_one_is_frozen_comes_back_and_is_killed(
    fleet: Fleet, record_property: Callable[[str, object], None]
) -> None:
    fleet.start("b")
    fleet.until(lambda: fleet.leader()[0] != "", "b leads")
    first, _ = fleet.leader()
    fleet.start("a")
    with on(fleet, "a") as driver:
        key = driver.start()
        fleet.until(lambda: fleet.session(key).status == "created", "the start that was asked for at a was sent by b")
        payment = fleet.store.payment(key)
        assert payment is not None
        assert payment.intent_id is not None
        card = card_method("4242424242424242", 12, 99, "123", fleet.outside.clock.now())
        fleet.outside.book.confirm(ACCOUNT, payment.intent_id, card)
        assert driver.post(key, "confirm") < HTTPStatus.BAD_REQUEST
        fleet.until(lambda: fleet.session(key).status == "charging", "it charges")
        assert fleet.leader()[0] == first
        heard = driver.heard
        fleet.until(lambda: driver.hears(heard), "the page at a hears what b has read")

        # The leader is frozen for longer than its lease lives, and comes back.
        fleet.send("b", signal.SIGSTOP)
        seconds = fleet.until(lambda: fleet.leader()[0] not in {"", first}, "a leads")
        record_property("take_over_after_a_freeze_seconds", round(seconds, 1))
        assert seconds < LEASE_TTL * 3
        second, number = fleet.leader()
        heard = driver.heard
        fleet.until(lambda: driver.hears(heard), "the page goes on while b is frozen")
        fleet.send("b", signal.SIGCONT)
        fleet.until(lambda: fleet.ready("b"), "b is there again")
        assert fleet.leader() == (second, number)

        # It leads again, and is killed.
        while fleet.leader()[0] != first:
            fleet.store.release_lease(LEASE, second)
            sleep(0.3)
        fleet.kill("b")
        seconds = fleet.until(lambda: fleet.leader()[0] == second, "a leads again")
        record_property("take_over_after_a_kill_seconds", round(seconds, 1))
        assert seconds < LEASE_TTL * 3
        assert fleet.leader()[1] > number

        # The database goes away for a moment, under way.
        fleet.server.stop(signal.SIGQUIT)
        sleep(2)
        fleet.server.start(fsync="on", synchronous_commit="on")
        fleet.until(lambda: fleet.ready("a"), "a finds the database again")

        assert driver.post(key, "stop") < HTTPStatus.BAD_REQUEST
        fleet.until(lambda: fleet.session(key).final, "it is taken")
        fleet.until(lambda: fleet.store.receipt(key) is not None, "there is a receipt")

    session = fleet.session(key)
    receipt = fleet.store.receipt(key)
    assert receipt is not None
    assert session.captured_minor is not None
    intent = fleet.outside.book.get_intent(ACCOUNT, payment.intent_id)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", session.captured_minor)
    assert fleet.outside.calls["start"] == 1
    assert len([one for one in fleet.store.commands(key) if one.kind is Kind.START]) == 1
    assert fleet.outside.refused == 0
    assert_nothing_broken(fleet.store, fleet.outside.clock.now(), [Promise.STORE])
