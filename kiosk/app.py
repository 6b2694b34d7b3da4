"""The only place where the parts of a kiosk are wired together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from kiosk.clock import Clock, SystemClock
from kiosk.config.places import PACKAGE, folder
from kiosk.config.settings import STRIPE_API_URL, Settings, SettingsError
from kiosk.config.sites import Site, SiteBook, load_site
from kiosk.doctor.at_desk import Checkup
from kiosk.doctor.lookout import Lookout
from kiosk.domain.attention import Level
from kiosk.domain.commands import Command, CommandState, Kind, Refusal
from kiosk.domain.session import Event, Session
from kiosk.domain.status import Group
from kiosk.engine.context import BackupPlan, Context
from kiosk.engine.engine import Engine
from kiosk.engine.lead import LEASE
from kiosk.engine.sites.plan import SitePlan
from kiosk.eyes.faults import faults_of
from kiosk.eyes.traces import Traces, traces_of
from kiosk.metrics import Metrics, OnCall
from kiosk.news.local import LocalNews
from kiosk.news.news import News
from kiosk.outside import (
    NETWORK,
    Outside,
    Transports,
    budgets_of,
    check_addresses,
    connect,
    limits_of,
    nightly,
    remembered_budgets,
)
from kiosk.service.crosswalk import Crosswalking, joined
from kiosk.service.deadlines import policy_of
from kiosk.service.desk_directory import grants_of
from kiosk.service.fast import broken_prices
from kiosk.service.month_tables import tables_of
from kiosk.service.notices import notice, receivers
from kiosk.service.parts import Parts
from kiosk.service.power_kept import Powers
from kiosk.service.selling import learns_own, selling_problem, sold_codes
from kiosk.service.systems import Systems
from kiosk.store import Cipher, Store
from kiosk.store.commands import ENDED
from kiosk.store.errors import CannotWrite
from kiosk.web.api import views as api_views
from kiosk.web.desk import account, directory, people, queue, refund, sign_in
from kiosk.web.desk import crosswalk as desk_crosswalk
from kiosk.web.desk import keys as desk_keys
from kiosk.web.desk import now as desk_now
from kiosk.web.desk import plots as desk_plots
from kiosk.web.desk import reconcile as desk_reconcile
from kiosk.web.desk import report as desk_report
from kiosk.web.desk import sessions as desk_sessions
from kiosk.web.desk import setup as desk_setup
from kiosk.web.desk import views as desk_views
from kiosk.web.desk.access import init_desk
from kiosk.web.desk.shell import init_shell
from kiosk.web.driver import accessibility, charger, claim, pictures
from kiosk.web.session import events, pages
from kiosk.web.shared import health, webhooks
from kiosk.web.shared.answers_kept import Front
from kiosk.web.shared.assets import init_assets
from kiosk.web.shared.devices import init_devices
from kiosk.web.shared.errors import init_errors
from kiosk.web.shared.formats import init_formats
from kiosk.web.shared.i18n import init_i18n
from kiosk.web.shared.limits import init_limits
from kiosk.web.shared.numbers import Number
from kiosk.web.shared.request_log import init_request_log
from kiosk.web.shared.security import init_security
from kiosk.web.tablet import pairing, screens, visit
from kiosk.web.tablet.pairing import init_tablets

ENGINE = LEASE
"""The lease that a kiosk holds while it works."""
log = logging.getLogger(__name__)

TEMPLATES = folder("templates")
STATIC = folder("static")


@dataclass(frozen=True)
class Running:
    """What must be started and ended with the process."""

    engine: Engine
    news: News
    store: Store
    outside: Outside
    closers: list[Callable[[], None]] = field(default_factory=list)
    """What else ends with the process: called after the engine has stopped."""


def create_app(
    settings: Settings,
    *,
    site: SiteBook | None = None,
    clock: Clock | None = None,
    transports: Transports = NETWORK,
) -> Flask:
    """A kiosk over one database, not running yet: see `start`. `transports` carry its calls to the systems outside.

    Raises SettingsError for a kiosk.toml that cannot be used.
    """
    configured = site or load_site(settings.config)
    check_addresses(receivers(configured, settings))
    clock = clock or SystemClock()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    store.leases_by_server = not store.is_file
    store.migrate()
    if store.is_file or not store.lease_lives(LEASE, clock.now()):  # else others are at work, and people wait for them
        with suppress(CannotWrite):  # a full disk keeps nobody from ending a charge; whoever leads pulls back again
            # Pages read before the engine leads, for as long as the lease of a killed one lasts.
            store.pull_back(clock.now())
            store.forget_wishes()
    known = joined(configured, store.crosswalk.entries())
    site = known.book
    problem = selling_problem(settings, site)
    if problem is not None:
        log.warning(problem)
    news = _news(settings)
    systems = Systems(clock.now, settings)
    metrics = Metrics(
        [event.value for event in Event],
        ["queued", *(group.value for group in Group)],
        commands=[(kind.value, end.value) for kind in Kind for end in ENDED],
        starts=[CommandState.DONE.value, CommandState.UNKNOWN.value, *(why.value for why in Refusal)],
        levels=[level.value for level in Level],
    )
    traces, faults = traces_of(settings), faults_of(settings)

    def heard(system: str) -> OnCall:
        both = _both(metrics.on_call(system), systems.on_call(system))
        return both if traces is None else _both(both, traces.on_call(system))

    outside = connect(
        settings,
        clock,
        remembered_budgets(store.note_call, store.note_closure, limits_of(settings)),
        transports,
        heard,
    )
    metrics.watch_store(store.tally, clock.now)
    metrics.watch_room(outside.room(clock))
    metrics.watch_limits(outside.limits())
    metrics.watch_streams(lambda: news.streams, settings.max_streams)
    powers = Powers(store, news, clock)
    engine = Engine(_context(settings, site, clock, store, news, outside, metrics, powers, traces))
    metrics.watch_work(engine, lambda: store.trouble, clock.now)

    app = Flask("kiosk", template_folder=str(TEMPLATES), static_folder=None, root_path=str(PACKAGE))
    app.extensions["kiosk"] = Parts(
        settings,
        site,
        clock,
        store,
        news,
        engine,
        powers,
        limits=budgets_of(settings),
        systems=systems.seen,
        checkup=Checkup(settings, site, clock, store, outside),
        directory=outside.directory,
        grants=grants_of(settings, site),
    )
    lookout = Lookout(configured, clock, store, outside)
    app.extensions["kiosk.crosswalk"] = Crosswalking(configured, known.used, lookout)
    app.extensions["kiosk.metrics"] = metrics
    closers = [one.close for one in (traces, faults) if one is not None]
    app.extensions["kiosk.running"] = Running(engine, news, store, outside, closers)
    _pages(app, settings, site, traces)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    app.wsgi_app = Front(app.wsgi_app, news, clock)  # type: ignore[method-assign]
    return app


def start(app: Flask) -> None:
    """Let the engine go round. Once per process, after a server's fork.

    Raises SettingsError while holds lie under a secret that is not set any more: nobody could end them.
    """
    parts = running(app)
    sealed_off = parts.store.sealed_off()
    if sealed_off:
        raise SettingsError(
            f"KIOSK_SECRET_KEY: {sealed_off} sessions that may still hold money are stored under a secret that is not "
            "set any more; put the old secret behind the new one until they have ended."
        )
    parts.news.start()
    parts.engine.start()


def stop(app: Flask) -> None:
    """End the streams, then the engine, then the connections."""
    parts = running(app)
    parts.news.close()
    parts.engine.stop()
    parts.outside.close()
    for close in parts.closers:
        close()
    parts.store.close()


def running(app: Flask) -> Running:
    found: Running = app.extensions["kiosk.running"]
    return found


def _both(one: OnCall, other: OnCall) -> OnCall:
    """Each hears of every call."""

    def note(endpoint: str, outcome: StrEnum, status: int | None, seconds: float) -> None:
        one(endpoint, outcome, status, seconds)
        other(endpoint, outcome, status, seconds)

    return note


def _news(settings: Settings) -> News:
    if settings.sqlite:
        return LocalNews(settings.max_streams)
    from kiosk.news.fleet import FleetNews

    return FleetNews(settings.database_url, settings.max_streams)


def _pages(app: Flask, settings: Settings, site: SiteBook, traces: Traces | None) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.url_map.converters["int"] = Number
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        operator=site.operator,
        public_host=settings.public_host,
        public_url=settings.public_url,
        demo=False,
        stripe_js_url=settings.stripe_js_url,
        stripe_js_origin=settings.stripe_js_origin,
        stripe_api=STRIPE_API_URL if settings.real_stripe_js else "",
    )
    # Answers pass through these in reverse order, so the request log sees them last and compression before that.
    init_request_log(app, settings, traces.record if traces is not None else None)
    init_assets(app, settings, STATIC, site.operator.hue)
    init_security(app, settings)
    init_limits(app)
    init_devices(app)
    init_tablets(app)
    init_desk(app)
    init_shell(app)
    init_i18n(app)
    init_formats(app)
    init_errors(app)
    for module in (charger, accessibility, pictures, pages, events, claim, pairing, screens, visit, webhooks, health):
        app.register_blueprint(module.bp)
    for module in (sign_in, account, desk_now, queue, desk_sessions, desk_reconcile, desk_report, desk_setup, people):
        app.register_blueprint(module.bp, url_prefix="/desk")
    for module in (refund, directory, desk_keys, desk_views, desk_crosswalk):
        app.register_blueprint(module.bp, url_prefix="/desk")
    app.register_blueprint(api_views.bp, url_prefix="/api/v1")
    app.register_blueprint(desk_plots.bp, url_prefix="/desk")
    for module in (pages, events):  # the same pages on the screen of a site
        app.register_blueprint(module.bp, url_prefix="/tablet", name=f"tablet_{module.bp.name}")


def _context(
    settings: Settings,
    site: SiteBook,
    clock: Clock,
    store: Store,
    news: News,
    outside: Outside,
    metrics: Metrics,
    powers: Powers,
    traces: Traces | None,
) -> Context:
    def fuse_kw(session: Session) -> Decimal | None:
        ceiling = powers.ceiling(session.code, session.connector_id, site)
        return ceiling.share.kw if ceiling is not None and not ceiling.share.pauses else None

    return Context(
        clock=clock,
        store=store,
        news=news,
        public=outside.public,
        budgets=outside.budgets,
        seller=lambda session: site.seller(session.code, session.connector_id),
        policy=policy_of(settings),
        proofs=outside.proofs,
        refunds=outside.refunds,
        personal_data_lives=timedelta(days=settings.personal_data_days),
        readings_live=timedelta(days=settings.readings_days),
        sites=tuple(_plan(each) for each in site.sites),
        operator=outside.operator,
        learns_own_chargers=learns_own(settings),
        pilot=outside.pilot,
        lab=outside.lab,
        pictures=outside.pictures,
        mailer=outside.mailer,
        herald=outside.herald,
        receivers=receivers(site, settings),
        notice=lambda rows, why, now: notice(rows, why, now, store, site, settings.public_url),
        backups=_backups(settings),
        nightly=nightly(outside, tables_of(store, site), settings.data_dir),
        fuse_kw=fuse_kw,
        on_event=lambda event, _session: metrics.on_event(event),
        on_command=partial(_count, metrics),
        spans=traces,
        breaks_price_rule=lambda: broken_prices(store, site, sold_codes(settings, site, store)),
    )


def _count(metrics: Metrics, command: Command) -> None:
    seconds = (command.ended_at - command.asked_at).total_seconds() if command.ended_at is not None else 0.0
    metrics.on_command(command.kind.value, command.state.value, seconds, command.refusal)


def _backups(settings: Settings) -> BackupPlan | None:
    if settings.backup_folder is None or settings.database_file is None:
        return None
    return BackupPlan(
        settings.database_file,
        settings.backup_folder,
        timedelta(minutes=settings.backup_minutes),
        settings.backup_keep,
        Cipher(settings.secret_keys),
    )


def _plan(site: Site) -> SitePlan:
    return SitePlan(
        id=site.id,
        codes=tuple(charger.code for charger in site.chargers),
        plugchoice_site=site.plugchoice_site,
        chargepilot_site=site.chargepilot_site,
        timezone=site.timezone,
        lab_ids={charger.code: charger.lab_id for charger in site.chargers if charger.lab_id is not None},
    )
