"""The kiosk's process: the code as it is now, in front of the world's process. Started again at every change."""

from __future__ import annotations

import sys
from pathlib import Path

from werkzeug.serving import make_server

from dev import child, timing
from dev.line import LINES, Line, Window
from kiosk.app import create_app, running, start, stop
from kiosk.clock import Clock
from kiosk.command.tablets import demo_code
from kiosk.command.users import demo_sign_in
from kiosk.config.logs import configure_logs
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook, load_site
from kiosk.demo import EXAMPLE, MOUNT, demo_settings, stripe_session
from kiosk.outside import Transports
from kiosk.sandbox.__main__ import QuietHandler
from kiosk.store import Cipher, Store

_CODES = """
  the driver       {here}/
  a free charger   {here}/c/7MK4T
  the tablet       {here}/tablet/     pairing code {code}
  the desk         {here}/desk/       name {name}, password {password}
  the sandbox      {here}{mount}/
"""


def codes(store: Store, site: SiteBook, clock: Clock, settings: Settings) -> str:
    """The addresses, a new pairing code for one tablet, and the sign-in of the desk."""
    name, password = demo_sign_in(store, settings.secret_keys[0], clock.now())
    code = demo_code(store, site, clock.now(), clock.rate)
    return _CODES.format(here=settings.public_url, mount=MOUNT, code=code, name=name, password=password)


def fresh_codes(folder: Path, port: int) -> str:
    """The same beside a kiosk that runs. Raises OSError when none has run in that folder."""
    run = timing.read(folder)
    settings = demo_settings(folder, port, run.speed)
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        return codes(store, load_site(EXAMPLE), run.clock(), settings)
    finally:
        store.close()


def transports(world: int) -> Transports:
    """Every outside call goes to the world on that port."""
    public, operator, pilot, lab = (Line(world, name) for name in LINES)
    stripe = stripe_session(Line(world, "stripe"))
    return Transports(public=public, operator=operator, pilot=pilot, lab=lab, stripe=stripe, pictures=False)


def main() -> None:
    options = child.arguments()
    child.obey()
    configure_logs("console")
    run = timing.read(options.folder)
    clock, site = run.clock(), load_site(EXAMPLE)
    settings: Settings = demo_settings(options.folder, options.port, run.speed)
    app = create_app(settings, site=site, clock=clock, transports=transports(options.world))
    app.jinja_env.globals["demo"] = True
    app.jinja_env.auto_reload = True  # a template that was changed is read again, without a restart
    window = Window(app.wsgi_app, options.world)
    app.wsgi_app = window  # type: ignore[method-assign]
    running(app).closers.append(window.close)
    server = make_server(options.host, options.port, app, threaded=True, fd=options.fd, request_handler=QuietHandler)
    start(app)
    app.jinja_env.globals["demo_sign_in"] = demo_sign_in(running(app).store, settings.secret_keys[0], clock.now())
    sys.stdout.write(codes(running(app).store, site, clock, settings))
    sys.stdout.flush()
    try:
        server.serve_forever()
    finally:
        server.server_close()
        stop(app)


if __name__ == "__main__":
    main()
