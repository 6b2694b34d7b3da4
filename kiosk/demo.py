"""The demo: a kiosk in front of the sandbox, in one process, without sockets between them."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from kiosk.app import create_app, running, start
from kiosk.clock import Clock, SystemClock
from kiosk.config.places import folder
from kiosk.config.settings import Settings, build_settings
from kiosk.config.sites import load_site
from kiosk.outside import Transports
from kiosk.sandbox.chargepilot.gateway import PREFIX as PILOT_PREFIX
from kiosk.sandbox.chargepilot.gateway import create_chargepilot_app
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.panel import create_panel
from kiosk.sandbox.plugchoice.office import Office, PastCharge
from kiosk.sandbox.plugchoice.operator import PREFIX as OFFICE_PREFIX
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.faults import Faults, FaultyTransport
from kiosk.sandbox.world.luck import System
from kiosk.sandbox.world.scene import NEXT_DOOR, build_scene
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOUNT = "/sandbox"
OPERATOR_TOKEN = "sandbox-operator"  # noqa: S105 - the world behind it is invented, like the two below
PILOT_KEY = "sandbox-pilot"
PILOT_SECRET = "sandbox-pilot-secret"  # noqa: S105
LAB_TOKEN = "sandbox-lab"  # noqa: S105
EXAMPLE = folder("docs") / "kiosk.example.toml"


class Sandbox:
    """The world's web apps: under `/sandbox` for browsers, and without a socket for the kiosk's own calls.

    A kiosk made with `transports()` calls nobody else; `mount` puts the apps in front of it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = faults = Faults()
        self._operator_faults, self._pilot_faults, self._lab_faults = Faults(), Faults(), Faults()
        systems = (
            System("operator", "Plugchoice for operators", "States of the whole site at once.", self._operator_faults),
            System("chargepilot", "ChargePilot", "The fuses that the bays share.", self._pilot_faults),
            System("ocpplab", "OCPPLAB", "Make and model of the chargers.", self._lab_faults),
        )
        panel = Flask("sandbox", static_folder=None)
        panel.register_blueprint(create_panel(world, faults, kiosk_path="/", systems=systems))
        public = create_plugchoice_app(world, faults)
        office = create_operator_app(world, OPERATOR_TOKEN, faults=self._operator_faults)
        self._apps: dict[str, WSGIApplication] = {
            f"{MOUNT}/plugchoice": _plugchoice(public, office),
            f"{MOUNT}/stripe": create_stripe_app(world.book),
            f"{MOUNT}/chargepilot": create_chargepilot_app(
                world, world.clock, PILOT_KEY, PILOT_SECRET, faults=self._pilot_faults
            ),
            f"{MOUNT}/ocpplab": create_ocpplab_app(world, LAB_TOKEN, faults=self._lab_faults),
            MOUNT: panel,
        }
        self._office: Office = office.extensions["office"]

    def mount(self, app: Flask) -> None:
        """Put the apps in front of this kiosk, whose pages say from now on that nothing is real."""
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, self._apps)  # type: ignore[method-assign]
        app.jinja_env.globals["demo"] = True
        app.extensions["kiosk.sandbox"] = self

    def tell_past(self, charges: Iterable[Mapping[str, Any]]) -> None:
        """What was charged before the world began, by the fields of `PastCharge`."""
        self._office.past.extend(PastCharge(**each) for each in charges)

    def transports(self) -> Transports:
        """Into the sandbox, each with the faults that were asked for on its panel."""
        return Transports(
            public=FaultyTransport(self._wire(), self.faults),
            operator=FaultyTransport(self._wire(), self._operator_faults, _any_endpoint),
            pilot=FaultyTransport(self._wire(), self._pilot_faults, _any_endpoint),
            lab=FaultyTransport(self._wire(), self._lab_faults, _any_endpoint),
            stripe=stripe_session(self._wire()),
            pictures=False,
        )

    def apps(self) -> WSGIApplication:
        """All of them under `/sandbox`, and nothing elsewhere."""
        return DispatcherMiddleware(NotFound(), self._apps)

    def _wire(self) -> httpx.WSGITransport:
        return httpx.WSGITransport(app=self.apps())


def stripe_session(transport: httpx.BaseTransport) -> requests.Session:
    """Carries the calls of Stripe's library, which speaks requests, over a transport."""
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("", _InProcess(transport))
    return session


def _any_endpoint(method: str, path: str) -> str:
    """The name under which the faults of a whole system are played."""
    return f"{method} {path}"


def _plugchoice(public: WSGIApplication, office: WSGIApplication) -> WSGIApplication:
    """Both halves of Plugchoice under one address, as they are in the world."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        ours = path.startswith((f"{OFFICE_PREFIX}/sites", f"{OFFICE_PREFIX}/chargers"))
        return (office if ours else public)(environ, start_response)

    return serve


History = Callable[[Flask], Iterable[Mapping[str, Any]]]
"""Stores sessions of before, and gives what the back office knows of their charges: see `Sandbox.tell_past`."""


def create_demo_app(
    speed: int = 10,
    port: int = 8000,
    data_dir: Path | None = None,
    rough: int | None = None,
    history: History | None = None,
) -> Flask:
    """The kiosk in front of a world of its own: chargers, cars, back office and Stripe, all made up, in this process.
    `rough` is the seed of a rough site; None: a gentle one. `history` makes what was before, while nothing runs yet.

    Running when it is returned; end it with `kiosk.app.stop`. The world is new each time, so its store is too; only the
    secret key stays.
    """
    folder = (data_dir or Path("data") / f"demo-{port}").absolute()
    for old in folder.glob("demo.db*"):
        old.unlink()
    settings = demo_settings(folder, port, speed)
    clock = SystemClock(speed)
    sandbox = Sandbox(new_world(clock, rough=rough))
    if rough is not None:
        sandbox.world.make_rough(sandbox.faults, seed=rough)
    app = create_app(settings, site=load_site(EXAMPLE), clock=clock, transports=sandbox.transports())
    sandbox.mount(app)
    if history is not None:
        sandbox.tell_past(history(app))
    running(app).closers.append(keep_up(sandbox.world))
    start(app)
    return app


def new_world(clock: Clock, seed: int = 1, rough: int | None = None) -> World:
    """The demo's site with its history up to now. Another seed: other cars, other drivers, other tokens.

    The seed of a rough site settles what is open for as long as the world lasts: how a stop that is ignored is
    answered, and whether a full hour says when it ends. What a meter said wrongly is billed as it ends, unreviewed.
    """
    switches = Switches(fuses_bind=True, fuses_shared="needed")
    if rough is not None:
        switches = replace(
            switches,
            rollback_needs_review=False,
            ignored_stop_is_stopping=rough % 2 == 0,
            hourly_limit_sends_retry_after=rough // 2 % 2 == 0,
        )
    world = World(clock, StripeBook(clock), switches, seed)
    build_scene(world)
    world.add_charger(NEXT_DOOR)
    return world


def rough_words(app: Flask) -> list[str]:
    """What may be rough in this demo, a line each; nothing in a gentle one."""
    sandbox: Sandbox = app.extensions["kiosk.sandbox"]
    return [f"  {trouble.words}" for trouble, on, _times in sandbox.world.troubles() if on]


def demo_settings(folder: Path, port: int, speed: int) -> Settings:
    """The demo's settings: database and secret key in `folder`, which is made, and everything outside under `MOUNT`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    here = f"http://127.0.0.1:{port}"
    return build_settings(
        secret_key=_secret(folder / "secret-key"),
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'demo.db'}",
        port=port,
        public_url=here,
        trusted_hosts="*",  # a phone in the same network knows this machine by its address
        config=EXAMPLE,
        plugchoice_url=f"{here}{MOUNT}/plugchoice/api/v3",
        stripe_js_url=f"{MOUNT}/stripe/endive/stripe.js",
        stripe_api_url=f"{here}{MOUNT}/stripe",
        stripe_api_key="sk_test_sandbox",
        stripe_refund_key="rk_test_sandbox",
        log_format="console",
        demo_speed=speed,
        **_systems(here),
    )


def _systems(here: str) -> dict[str, Any]:
    """The settings that turn on every system of the sandbox, and all that a tablet can do."""
    return {
        "plugchoice_token": OPERATOR_TOKEN,
        "chargepilot_url": f"{here}{MOUNT}/chargepilot{PILOT_PREFIX}",
        "chargepilot_key": PILOT_KEY,
        "chargepilot_secret": PILOT_SECRET,
        "ocpplab_url": f"{here}{MOUNT}/ocpplab",
        "ocpplab_token": LAB_TOKEN,
        "tablet_card_entry": True,
    }


def keep_up(world: World) -> Callable[[], None]:
    """Bring the world up to the present once a second, also while nobody looks. Returns the way to end that."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(1.0):
            world.tick()

    thread = threading.Thread(target=run, name="sandbox-time", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join(timeout=5)

    return end


def _secret(path: Path) -> str:
    """A key that stays over restarts of the demo, so that browsers keep their cookie."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


class _InProcess(HTTPAdapter):
    """Carries a call of the requests library over an httpx transport."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        super().__init__()
        self._client = httpx.Client(transport=transport)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        del args, kwargs
        body = request.body
        if body is not None and not isinstance(body, bytes | str):
            raise TypeError("only whole bodies are carried")
        headers = {name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
        try:
            answer = self._client.request(str(request.method), str(request.url), content=body, headers=headers)
        except httpx.HTTPError as error:
            raise requests.ConnectionError(str(error), request=request) from None
        raw = HTTPResponse(
            body=io.BytesIO(answer.content),
            headers=dict(answer.headers),
            status=answer.status_code,
            reason=answer.reason_phrase,
            preload_content=False,
        )
        return self.build_response(request, raw)

    def close(self) -> None:
        self._client.close()
        super().close()
