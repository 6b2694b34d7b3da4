"""`python -m kiosk.sandbox`: the stand-in world as a server of its own, with its panel, for loopback use."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from kiosk.clock import SystemClock
from kiosk.sandbox.panel import create_panel
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.scene import build_scene
from kiosk.sandbox.world.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class QuietHandler(WSGIRequestHandler):
    """Writes no request log: the paths of the public endpoints contain session tokens. The panel shows the requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def create_server_app(world: World, faults: Faults, *, kiosk_path: str = "/", hosts: list[str] | None = None) -> Flask:
    """The panel at `/`, Plugchoice at `/plugchoice`, Stripe at `/stripe`. `hosts` are the names that it answers to."""
    app = Flask(__name__, static_folder=None)
    app.config["TRUSTED_HOSTS"] = hosts
    app.register_blueprint(create_panel(world, faults, kiosk_path=kiosk_path))
    mounts: dict[str, WSGIApplication] = {
        "/plugchoice": create_plugchoice_app(world, faults),
        "/stripe": create_stripe_app(world.book),
    }
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts)  # type: ignore[method-assign]
    return app


def settings_for(here: str) -> list[str]:
    """What a kiosk in front of the sandbox at that address is started with, a line each."""
    return [
        "A kiosk in front of it needs:",
        f"  KIOSK_PLUGCHOICE_URL={here}/plugchoice/api/v3",
        f"  KIOSK_STRIPE_JS_URL={here}/stripe/endive/stripe.js",
        f"  KIOSK_STRIPE_API_URL={here}/stripe",
        "  KIOSK_STRIPE_API_KEY=sk_test_sandbox",
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m kiosk.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; loopback only by default")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast as the wall clock")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cars and drivers")
    parser.add_argument("--kiosk", default="http://127.0.0.1:8000/", help="the kiosk's address, for the panel's links")
    parser.add_argument("--rough", action="store_true", help="a rough site, dealt out by the seed")
    chosen = parser.parse_args(arguments)
    if chosen.speed <= 0:
        parser.error("--speed must be above 0")
    clock = SystemClock(chosen.speed)
    world = World(clock, StripeBook(clock), seed=chosen.seed)
    build_scene(world)
    loopback = chosen.host in LOOPBACK
    faults = Faults(chosen.seed)
    if chosen.rough:
        world.make_rough(faults)
    app = create_server_app(
        world,
        faults,
        kiosk_path=chosen.kiosk,
        hosts=["127.0.0.1", "localhost", "[::1]"] if loopback else None,
    )
    server = make_server(chosen.host, chosen.port, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=_keep_up, args=(world,), name="sandbox-time", daemon=True).start()
    here = f"http://{chosen.host}:{chosen.port}"
    print(f"Sandbox: no real chargers, no real money. {here}/", "", *settings_for(here), sep="\n", flush=True)  # noqa: T201
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _keep_up(world: World) -> None:
    """Bring the world up to the present about once a second, also while nobody looks."""
    never = threading.Event()
    while not never.wait(1.0):
        world.tick()


if __name__ == "__main__":
    main()
