"""One charge before a real gunicorn that is killed, or frozen, at one of its points: what stands around it.

Outside    chargers, back office and bank behind a socket of this process, which survives
Servers    the kiosks over one database, each in a process group of its own
Driver     who scans, pays, charges, stops and wants a receipt; and presses again only what was not answered
wrong      what is not as it has to be, once all of it is over
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from werkzeug.serving import make_server

from benchmarks.points import DIES_AT, LOG, SIGNAL, Point
from benchmarks.shared_clock import begin, clock_from
from benchmarks.stem import Stem
from kiosk.domain.commands import Kind
from kiosk.sandbox.__main__ import QuietHandler, create_server_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world import sessions as states
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.store import Cipher, Store
from kiosk.store.tables import leases

RATE = 8.0
"""Seconds of the kiosk's and the world's clock in one of the wall: both share it."""
CODE, BAYS = "7MK4T", (1, 2)
SECRET = "only-for-benchmarks-" + "k" * 32
LOOKS_EVERY = 0.15
"""Seconds of the wall between two looks of the driver at the page."""
TRIES_AGAIN = 1.0
"""Seconds of the wall until a driver whose start came to nothing starts again."""
PATIENCE = 90.0
"""Seconds of the wall in which everything has to be over."""
BOOTS_IN = 40.0
CARD = "4242424242424242"


class Late(Exception):
    """It is not over, and should be. The text says what the driver saw last."""


class Outside:
    """What goes on whatever becomes of the kiosk. Its address is for the kiosk alone."""

    def __init__(self) -> None:
        self.environment = begin(RATE)
        self.clock = clock_from(self.environment)
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, Switches(settle=4, stop=2, webhook_delay=1, auto_plug=2))
        bays = tuple(ConnectorSpec(bay, "AC_3_PHASE", 22_000) for bay in BAYS)
        self.world.add_charger(ChargerSpec(CODE, "Charger 2", bays, Pricing("EUR", 49, 35)))
        app = create_server_app(self.world, Faults())
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Servers:
    """`folder` has the database, the logs and the points that were reached."""

    def __init__(self, folder: Path, stem: Stem, outside: Outside, database: str | None = None) -> None:
        self._folder, self._stem, self._outside = folder, stem, outside
        self._database = database or f"sqlite:///{folder / 'data' / 'kiosk.db'}"
        self._groups: list[int] = []
        self.log, self.points = folder / "log", folder / "points"
        self.port = free_port()
        """Where drivers are sent now."""

    def start(
        self, dies_at: Point | None = None, number: signal.Signals = signal.SIGKILL, *, count: bool = False
    ) -> int:
        """A kiosk at `port`; its process group. `dies_at`: it sends itself that signal there."""
        environment = {
            **self._outside.environment,
            "PATH": os.environ["PATH"],
            "KIOSK_SECRET_KEY": SECRET,
            "KIOSK_DATABASE_URL": self._database,
            "KIOSK_DATA_DIR": str(self._folder / "data"),
            "KIOSK_PLUGCHOICE_URL": f"{self._outside.address}/plugchoice/api/v3",
            "KIOSK_STRIPE_JS_URL": f"{self._outside.address}/stripe/endive/stripe.js",
            "KIOSK_STRIPE_API_URL": f"{self._outside.address}/stripe",
            "KIOSK_STRIPE_API_KEY": "sk_test_sandbox",
            "KIOSK_PUBLIC_URL": "http://localhost",
            "KIOSK_SELL_UNLISTED": "true",
            "PORT": str(self.port),
        }
        if count or dies_at is not None:
            environment |= {LOG: str(self.points), SIGNAL: str(int(number))}
        if dies_at is not None:
            environment[DIES_AT] = str(dies_at)
        group = self._stem.grow(["-c", "gunicorn.conf.py", "benchmarks.points_app:app"], environment, self.log)
        self._groups.append(group)
        return group

    def store(self) -> Store:
        return Store(self._database, Cipher([SECRET]))

    def leader(self) -> str:
        """Who has the lease; empty while nobody can tell."""
        store = self.store()
        try:
            with store._database.read() as connection:
                return str(connection.execute(leases.select()).one().holder)
        except Exception:  # noqa: BLE001 - there may be no table yet
            return ""
        finally:
            store.close()

    def end(self) -> None:
        """kill -9 for all that are left."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for group in self._groups:
            while alive(group):
                time.sleep(0.01)


def alive(group: int) -> bool:
    """Some process of that group is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Driver:
    """Looks at the page, and does what a person would do. Only what was not answered is done a second time."""

    def __init__(self, outside: Outside, servers: Servers) -> None:
        self._outside, self._servers = outside, servers
        self._client = httpx.Client(timeout=8, trust_env=False, headers={"Sec-Fetch-Site": "same-origin"})
        self._starts = 0
        self._paid: set[str] = set()
        self._confirmed: set[str] = set()
        self._stopped: set[str] = set()
        self.key: str | None = None
        self.keys: list[str] = []
        self.saw = "nothing"
        self.steps: list[str] = []

    def play(self, end: float) -> str:
        """Until there is a receipt: the key of its session. Raises Late."""
        while time.monotonic() < end:
            try:
                if self.key is None:
                    self._scan()
                elif self._look(self.key):
                    return self.key
            except httpx.TransportError as error:
                self._note(f"{type(error).__name__}")
            time.sleep(LOOKS_EVERY)
        raise Late(f"the driver has no receipt; saw {self.saw}; did {', '.join(self.steps)}")

    def close(self) -> None:
        self._client.close()

    def _note(self, saw: str) -> None:
        if saw != self.saw:
            self.saw = saw
            self.steps.append(saw)

    def _look(self, key: str) -> bool:
        """Whether the receipt is there."""
        answer = self._client.get(self._at(f"/s/{key}.json"))
        if answer.status_code != HTTPStatus.OK:
            self._note(f"page {answer.status_code}")
            return False
        page = answer.json()
        screen = page["screen"]
        self._note(screen)
        match screen:
            case "created":
                self._pay(key)
            case "charging" if (page["values"]["energy_kwh"] or "0") not in {"0", "0.000"}:
                self._stop(key)
            case "refused" | "no_answer" | "left" | "failed" | "expired" | "abandoned" | "no_charge" | "gone":
                self.key = None
                time.sleep(TRIES_AGAIN)
            case "captured":
                return self._client.get(self._at(f"/r/{key}.json")).status_code == HTTPStatus.OK
        return False

    def _scan(self) -> None:
        """Who has begun something here is led to it; else a bay is tried, and where it is not free the other one."""
        page = self._client.get(self._at(f"/c/{CODE}"))
        if page.status_code == HTTPStatus.SEE_OTHER:
            self._follow(page)
            return
        if page.status_code != HTTPStatus.OK:
            self._note(f"card {page.status_code}")
            return
        form = {"connector": str(BAYS[self._starts % len(BAYS)])}
        answer = self._client.post(self._at(f"/c/{CODE}/start"), data=form)
        if answer.status_code == HTTPStatus.TEMPORARY_REDIRECT:
            answer = self._client.post(self._at(answer.headers["Location"]), data=form)
        if answer.status_code == HTTPStatus.SEE_OTHER:
            self._starts += 1
            self._follow(answer)
            return
        self._note(f"start {answer.status_code}")
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
            self._starts += 1
        time.sleep(TRIES_AGAIN)

    def _follow(self, answer: httpx.Response) -> None:
        self.key = answer.headers["Location"].rpartition("/")[2].partition("?")[0]
        if self.key not in self.keys:
            self.keys.append(self.key)

    def _pay(self, key: str) -> None:
        if key not in self._paid:
            form = self._client.get(self._at(f"/s/{key}/payment"))
            if form.status_code != HTTPStatus.OK:
                self._note(f"payment {form.status_code}")
                return
            intent = form.json()["client_secret"].partition("_secret_")[0]
            now = self._outside.clock.now()
            self._outside.book.confirm(ACCOUNT, intent, card_method(CARD, 12, now.year % 100 + 2, "123", now))
            self._paid.add(key)
        if key not in self._confirmed and self._post(key, "confirm"):
            self._confirmed.add(key)

    def _stop(self, key: str) -> None:
        if key not in self._stopped and self._post(key, "stop"):
            self._stopped.add(key)

    def _post(self, key: str, what: str) -> bool:
        status = self._client.post(self._at(f"/s/{key}/{what}")).status_code
        self._note(f"{what} {status}")
        return status < HTTPStatus.BAD_REQUEST

    def _at(self, path: str) -> str:
        return path if path.startswith("http") else f"http://127.0.0.1:{self._servers.port}{path}"


def wait_until_over(store: Store, end: float) -> None:
    """Until nothing that the kiosk watches can change any more. Raises Late."""
    while time.monotonic() < end:
        with suppress(Exception):
            if not store.sessions_to_watch() and not store.queue():
                return
        time.sleep(0.2)
    left = [f"{one.code}/{one.connector_id} {one.phase.value} {one.status}" for one in store.sessions_to_watch()]
    raise Late(f"the kiosk still watches {', '.join(left)}")


def wrong(store: Store, outside: Outside, key: str) -> list[str]:
    """One sentence for each thing that is not as it has to be."""
    found: list[str] = []
    session, receipt, payment = store.session(key), store.receipt(key), store.payment(key)
    if session is None or receipt is None or payment is None or payment.intent_id is None:
        return ["there is no session, no receipt or no payment"]
    intent = outside.book.get_intent(ACCOUNT, payment.intent_id)
    received, document = intent["amount_received"], receipt.document
    taken, held, back = (_minor(document[name]) for name in ("taken", "held", "given_back"))
    if intent["status"] != "succeeded" or received <= 0:
        found.append(f"the bank has {intent['status']} and {received}")
    if not taken == session.captured_minor == received:
        found.append(f"the receipt says {taken}, the session {session.captured_minor}, the bank took {received}")
    if held is None or taken is None or back != held - taken:
        found.append(f"held {held} is not taken {taken} and given back {back}")
    found += _holds(outside, payment.intent_id)
    found += _starts(store, outside)
    refused = outside.world.traffic.total(status=429)
    if refused:
        found.append(f"{refused} requests were too many")
    found += [f"{one.check}: {one.text}" for one in store.offences(outside.clock.now())]
    return found


def _holds(outside: Outside, paid: str) -> list[str]:
    """No other payment of a start holds or took anything."""
    intents = {each.intent_id: outside.book.get_intent(ACCOUNT, each.intent_id) for each in outside.world.sessions()}
    return [
        f"another payment is {intent['status']}"
        for name, intent in intents.items()
        if name != paid and intent["status"] in {"requires_capture", "succeeded", "processing"}
    ]


def _starts(store: Store, outside: Outside) -> list[str]:
    """The back office heard at most one start for each wish, and every wish was one of the driver's."""
    found: list[str] = []
    commands = [one for session in store.latest_at(CODE, 100) for one in store.commands(session.key)]
    starts = [one for one in commands if one.kind is Kind.START]
    sent = sum(one.sent_at is not None for one in starts)
    traffic = outside.world.traffic
    heard = traffic.total(route="start") - traffic.total(route="start", status=429)
    if heard > sent or any(one.attempts > 1 for one in starts):
        found.append(f"{heard} starts were heard, and {sent} sent")
    charged = [one for one in outside.world.sessions() if one.status in {states.CAPTURED, states.SETTLING}]
    if len(charged) != 1:
        found.append(f"{len(charged)} charges were made")
    return found


def _minor(amount: Any) -> int | None:
    return amount["minor"] if amount is not None else None
