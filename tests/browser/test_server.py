"""The real server: gunicorn with `wsgi:app`, a back office in another process behind an address, and kill -9."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from playwright.sync_api import Browser

from kiosk.sandbox.world.scene import FREE
from tests.browser.garage import EXAMPLE, PATIENCE, SECRET_KEY
from tests.browser.phone import GONE, Phone

pytestmark = pytest.mark.browser
HOME = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def process(*arguments: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of the project in a process group of its own, ended for certain."""
    with log.open("ab") as output:
        started = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", *arguments],
            cwd=HOME,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield started
        finally:
            kill(started)


def kill(started: subprocess.Popen[bytes]) -> None:
    """kill -9, the workers too."""
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(timeout=PATIENCE)


def answers(address: str, log: Path) -> None:
    end = monotonic() + PATIENCE
    while True:
        try:
            if httpx.get(address, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert monotonic() < end, log.read_text()
        sleep(0.1)


def test_a_killed_server_takes_up_the_charge_where_it_was(browser: Browser, tmp_path: Path) -> None:
    sandbox, kiosk = free_port(), free_port()
    address, there = f"http://127.0.0.1:{kiosk}", f"http://127.0.0.1:{sandbox}"
    log = tmp_path / "log"
    environment = {
        "KIOSK_SECRET_KEY": SECRET_KEY,
        "KIOSK_PLUGCHOICE_URL": f"{there}/plugchoice/api/v3",
        "KIOSK_STRIPE_JS_URL": f"{there}/stripe/endive/stripe.js",
        "KIOSK_STRIPE_API_URL": f"{there}/stripe",
        "KIOSK_STRIPE_API_KEY": "sk_test_sandbox",
        "KIOSK_PUBLIC_URL": address,
        "KIOSK_DATA_DIR": str(tmp_path / "data"),
        "KIOSK_CONFIG": str(EXAMPLE),
        "PORT": str(kiosk),
    }
    gunicorn = ("gunicorn", "--bind", f"127.0.0.1:{kiosk}", "wsgi:app")
    with ExitStack() as running:
        running.enter_context(process("kiosk.sandbox", "--port", str(sandbox), "--speed", "5", log=log))
        first = running.enter_context(process(*gunicorn, log=log, **environment))
        answers(f"{there}/", log)
        answers(f"{address}/healthz", log)
        phone = Phone(browser, address, None)
        running.callback(phone.close)
        phone.expects(GONE)
        key = phone.charge(FREE, 2)
        kill(first)
        running.enter_context(process(*gunicorn, log=log, **environment))
        answers(f"{address}/healthz", log)
        phone.wait_for_energy()
        phone.stop()
        phone.wait_for_screen("captured")
        assert phone.key == key
        assert phone.unexpected() == []
        assert "Traceback" not in log.read_text()
