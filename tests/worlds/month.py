"""The demo's month as a night has read it: the engine's own duty over a sandbox that knows what was charged."""

from __future__ import annotations

import httpx

from kiosk.clock import Clock
from kiosk.command.demo_month import Past, make_month
from kiosk.config.sites import Site
from kiosk.engine.context import Context
from kiosk.engine.crew import Crew
from kiosk.engine.sites.codes import PublicCodes
from kiosk.engine.sites.plan import SitePlan
from kiosk.engine.sites.transactions import SiteTransactions
from kiosk.news.local import LocalNews
from kiosk.sandbox.plugchoice.office import SITE_UUID, PastCharge
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.scene import CHARGERS
from kiosk.sandbox.world.world import World
from kiosk.store import Store
from kiosk.upstream.plugchoice.budget import Budgets
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic

TOKEN = "operator-1"


def read_month(store: Store, site: Site, clock: Clock) -> Past:
    """Make the month before that clock's time, and read it as the engine does at night."""
    now = clock.now()
    world = World(clock, StripeBook(clock))
    for spec in CHARGERS:
        world.add_charger(spec)
    app = create_operator_app(world, TOKEN)
    past = make_month(store, site, now)
    app.extensions["office"].past.extend(PastCharge(**each) for each in past.facts)
    budgets, address = Budgets(), "http://up/api/v3"
    wire = httpx.WSGITransport(app)
    context = Context(
        clock=clock,
        store=store,
        news=LocalNews(),
        public=PlugchoicePublic(address, clock=clock, budgets=budgets),
        budgets=budgets,
        seller=lambda _session: {},
        sites=(SitePlan(site.id, tuple(one.code for one in site.chargers), SITE_UUID, timezone=site.timezone),),
        operator=PlugchoiceOperator(address, TOKEN, clock=clock, transport=wire),
    )
    duty = SiteTransactions(context, Crew(budgets, lambda: None, inline=True), PublicCodes(store, clock))
    for job in duty.jobs(now).now:
        job.run()
    return past
