"""The demo: a kiosk in front of the sandbox, in one process, without sockets between them.

The only module outside the sandbox that imports it.
"""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from kiosk.clock import Clock, SystemClock
from kiosk.places import folder
from kiosk.sandbox.faults import Faults, FaultyTransport
from kiosk.sandbox.panel import create_panel
from kiosk.sandbox.plugchoice import create_plugchoice_app
from kiosk.sandbox.scene import build_scene
from kiosk.sandbox.stripe_api import create_stripe_app
from kiosk.sandbox.stripe_book import StripeBook
from kiosk.sandbox.world import World
from kiosk.settings import Settings, build_settings
from kiosk.site import SiteBook, load_site

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOUNT = "/sandbox"
EXAMPLE = folder("docs") / "kiosk.example.toml"


class Sandbox:
    """The world's web apps under `/sandbox`, for browsers, and for the kiosk's own calls without a socket."""

    def __init__(self, world: World) -> None:
        self._faults = faults = Faults()
        panel = Flask("sandbox", static_folder=None)
        panel.register_blueprint(create_panel(world, faults, kiosk_path="/"))
        self._apps: dict[str, WSGIApplication] = {
            f"{MOUNT}/plugchoice": create_plugchoice_app(world, faults),
            f"{MOUNT}/stripe": create_stripe_app(world.book),
            MOUNT: panel,
        }

    def mount(self, app: Flask) -> None:
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, self._apps)  # type: ignore[method-assign]

    def transport(self) -> httpx.BaseTransport:
        """For the calls to Plugchoice: into the sandbox, with the faults that were asked for on its panel."""
        return FaultyTransport(self._wire(), self._faults)

    def stripe_session(self) -> requests.Session:
        """For Stripe's library, which speaks requests."""
        session = requests.Session()
        session.trust_env = False
        session.adapters.clear()
        session.mount("", _InProcess(self._wire()))
        return session

    def _wire(self) -> httpx.WSGITransport:
        return httpx.WSGITransport(app=DispatcherMiddleware(NotFound(), self._apps))


class Factory(Protocol):
    """`kiosk.app.create_app`, passed in so that the arrow between the two modules points one way."""

    def __call__(
        self, settings: Settings, *, site: SiteBook, clock: Clock, start_engine: bool, world: World
    ) -> Flask: ...


def create(factory: Factory, speed: int, port: int, data_dir: Path | None) -> Flask:
    """The running demo. The world is new each time, so its store is too; only the secret key stays."""
    folder = (data_dir or Path("data") / f"demo-{port}").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("demo.db*"):
        old.unlink()
    here = f"http://127.0.0.1:{port}"
    settings = build_settings(
        secret_key=_secret(folder / "secret-key"),
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'demo.db'}",
        port=port,
        public_url=here,
        config=EXAMPLE,
        plugchoice_url=f"{here}{MOUNT}/plugchoice/api/v3",
        stripe_js_url=f"{MOUNT}/stripe/endive/stripe.js",
        stripe_api_url=f"{here}{MOUNT}/stripe",
        stripe_api_key="sk_test_sandbox",
        log_format="console",
        demo_speed=speed,
    )
    clock = SystemClock(speed)
    world = World(clock, StripeBook(clock))
    build_scene(world)
    app = factory(settings, site=load_site(EXAMPLE), clock=clock, start_engine=True, world=world)
    app.extensions["kiosk.running"].closers.append(_keep_up(world))
    return app


def _keep_up(world: World) -> Callable[[], None]:
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
