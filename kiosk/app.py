"""The only place where the parts are wired together: `create_app` for a real kiosk, `create_demo_app` for the demo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import requests
from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from kiosk.clock import Clock, SystemClock
from kiosk.config.places import PACKAGE, folder
from kiosk.config.settings import STRIPE_API_URL, Settings
from kiosk.config.sites import Site, SiteBook, load_site
from kiosk.domain.limits import Policy
from kiosk.engine.context import Context, Proofs
from kiosk.engine.engine import Engine
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.live import Live
from kiosk.news.news import News
from kiosk.service.parts import Parts
from kiosk.store import Cipher, Store
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.pictures import Pictures
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint, OnTake
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic
from kiosk.upstream.stripe.client import StripeProofs
from kiosk.web.driver import charger, claim, pictures
from kiosk.web.session import events, pages
from kiosk.web.shared import health, webhooks
from kiosk.web.shared.assets import init_assets
from kiosk.web.shared.devices import init_devices
from kiosk.web.shared.errors import init_errors
from kiosk.web.shared.formats import init_formats
from kiosk.web.shared.front import Front
from kiosk.web.shared.i18n import init_i18n
from kiosk.web.shared.limits import init_limits
from kiosk.web.shared.request_log import init_request_log
from kiosk.web.shared.security import init_security
from kiosk.web.tablet import pairing, screens, visit
from kiosk.web.tablet.pairing import init_tablets

if TYPE_CHECKING:
    from kiosk.demo import Sandbox
    from kiosk.sandbox.world.world import World

TEMPLATES = folder("templates")
STATIC = folder("static")


@dataclass(frozen=True)
class Outside:
    """The systems that are asked about sites, each None when it is not set."""

    operator: PlugchoiceOperator | None
    pilot: ChargePilot | None
    lab: Ocpplab | None
    pictures: Pictures | None

    def closers(self) -> list[Callable[[], None]]:
        return [client.close for client in vars(self).values() if client is not None]


@dataclass(frozen=True)
class Running:
    """What must be started and ended with the process."""

    engine: Engine
    live: News
    store: Store
    public: PlugchoicePublic
    proofs: StripeProofs | None
    closers: list[Callable[[], None]] = field(default_factory=list)


def create_app(
    settings: Settings,
    *,
    site: SiteBook | None = None,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    start_engine: bool = False,
    world: World | None = None,
) -> Flask:
    """A kiosk over one database. `transport` carries the calls to Plugchoice; `world` puts the sandbox under `/sandbox`
    and sends all outside calls there, in-process. Raises SettingsError for a kiosk.toml that cannot be used.
    """
    site = site or load_site(settings.config)
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    store.migrate()
    stripe_session: requests.Session | None = None
    sandbox = None
    if world is not None:
        from kiosk.demo import Sandbox

        sandbox = Sandbox(world)
        transport, stripe_session = transport or sandbox.transport(), sandbox.stripe_session()
    budgets = Budgets(on_take=_remembers(store))
    public = PlugchoicePublic(settings.plugchoice_url, clock=clock, budgets=budgets, transport=transport)
    proofs = _proofs(settings, clock, stripe_session)
    live = Live(settings.max_streams)
    outside = _outside(settings, clock, sandbox, transport)
    engine = Engine(_context(settings, site, clock, store, live, public, budgets, proofs, outside))

    app = Flask("kiosk", template_folder=str(TEMPLATES), static_folder=None, root_path=str(PACKAGE))
    app.extensions["kiosk"] = Parts(settings, site, clock, store, live, engine)
    app.extensions["kiosk.running"] = Running(engine, live, store, public, proofs, outside.closers())
    _pages(app, settings, site, demo=world is not None)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    if sandbox is not None:
        sandbox.mount(app)
    app.wsgi_app = Front(app.wsgi_app, live, clock)  # type: ignore[method-assign]
    if start_engine:
        start(app)
    return app


def create_demo_app(speed: int = 10, port: int = 8000, data_dir: Path | None = None) -> Flask:
    """The kiosk in front of a world of its own: chargers, cars, back office and Stripe, all made up, in this process.
    Running when it is returned; end it with `stop(app)`.
    """
    from kiosk.demo import create

    return create(create_app, speed, port, data_dir)


def start(app: Flask) -> None:
    """Let the engine go round. Once per process, after a server's fork."""
    running(app).engine.start()


def stop(app: Flask) -> None:
    """End the streams, then the engine, then the connections."""
    parts = running(app)
    parts.live.close()
    parts.engine.stop()
    parts.public.close()
    if parts.proofs is not None:
        parts.proofs.close()
    for close in parts.closers:
        close()
    parts.store.close()


def running(app: Flask) -> Running:
    found: Running = app.extensions["kiosk.running"]
    return found


def _pages(app: Flask, settings: Settings, site: SiteBook, *, demo: bool) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        operator=site.operator, public_host=settings.public_host, demo=demo, stripe_js_url=settings.stripe_js_url
    )
    # Answers pass through these in reverse order, so the request log sees them last and compression before that.
    init_request_log(app, settings)
    init_assets(app, settings, STATIC, site.operator.hue)
    init_security(app)
    init_limits(app)
    init_devices(app)
    init_tablets(app)
    init_i18n(app)
    init_formats(app)
    init_errors(app)
    for module in (charger, pictures, pages, events, claim, pairing, screens, visit, webhooks, health):
        app.register_blueprint(module.bp)
    for module in (pages, events):  # the same pages on the screen of a site
        app.register_blueprint(module.bp, url_prefix="/tablet", name=f"tablet_{module.bp.name}")


def _context(
    settings: Settings,
    site: SiteBook,
    clock: Clock,
    store: Store,
    live: News,
    public: PlugchoicePublic,
    budgets: Budgets,
    proofs: Proofs | None,
    outside: Outside,
) -> Context:
    policy = Policy(
        start=timedelta(seconds=settings.start_deadline_seconds),
        power=timedelta(seconds=settings.power_deadline_seconds),
    )
    return Context(
        clock=clock,
        store=store,
        live=live,
        public=public,
        budgets=budgets,
        seller=lambda session: site.seller(session.code, session.connector_id),
        policy=policy,
        proofs=proofs,
        personal_data_lives=timedelta(days=settings.personal_data_days),
        sites=tuple(_plan(each) for each in site.sites),
        operator=outside.operator,
        pilot=outside.pilot,
        lab=outside.lab,
        pictures=outside.pictures,
    )


def _outside(
    settings: Settings, clock: Clock, sandbox: Sandbox | None, transport: httpx.BaseTransport | None
) -> Outside:
    """Clients of the systems that are set. Plugchoice's operator endpoints have the address of its public ones."""
    operator = pilot = lab = None
    if settings.plugchoice_token is not None:
        operator = PlugchoiceOperator(
            settings.plugchoice_url,
            settings.plugchoice_token.get_secret_value(),
            clock=clock,
            transport=sandbox.operator_transport() if sandbox is not None else transport,
        )
    key, secret = settings.chargepilot_key, settings.chargepilot_secret
    if settings.chargepilot_url is not None and key is not None and secret is not None:
        pilot = ChargePilot(
            settings.chargepilot_url,
            key.get_secret_value(),
            secret.get_secret_value(),
            clock=clock,
            full_path=settings.chargepilot_path == "full",
            transport=sandbox.chargepilot_transport() if sandbox is not None else None,
        )
    if settings.ocpplab_url is not None and settings.ocpplab_token is not None:
        lab = Ocpplab(
            settings.ocpplab_url,
            settings.ocpplab_token.get_secret_value(),
            clock=clock,
            prefix=settings.ocpplab_prefix,
            transport=sandbox.ocpplab_transport() if sandbox is not None else None,
        )
    # The stand-in's pictures lie nowhere: the demo asks nobody outside.
    pictures = Pictures() if lab is not None and sandbox is None else None
    return Outside(operator, pilot, lab, pictures)


def _plan(site: Site) -> SitePlan:
    return SitePlan(
        id=site.id,
        codes=tuple(charger.code for charger in site.chargers),
        plugchoice_site=site.plugchoice_site,
        chargepilot_site=site.chargepilot_site,
        lab_ids={charger.code: charger.lab_id for charger in site.chargers if charger.lab_id is not None},
    )


def _proofs(settings: Settings, clock: Clock, session: requests.Session | None) -> StripeProofs | None:
    if settings.stripe_api_key is None:
        return None
    base = None if settings.stripe_api_url == STRIPE_API_URL else settings.stripe_api_url
    return StripeProofs(settings.stripe_api_key.get_secret_value(), base, clock=clock, http_session=session)


def _remembers(store: Store) -> OnTake:
    def note(endpoint: Endpoint, at: datetime) -> None:
        store.note_call(endpoint.value, at)

    return note
