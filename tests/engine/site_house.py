"""An engine that minds the boards of sites, with all the stand-ins behind it, on one clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from flask import Flask

from kiosk.domain.charger import ChargerCard
from kiosk.engine.context import Context
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import charger_topic, site_topic
from kiosk.sandbox.chargepilot.gateway import SITE_ID, PilotSwitches, create_chargepilot_app
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Faults, FaultyTransport
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from tests.sound import assert_nothing_broken
from tests.worlds.engine import EngineWorld, Gate

Answer = Callable[[httpx.Request], httpx.Response | None]
TOKEN = "operator-1"
SITE = "garage"
PUBLIC, STATES, PRICE, TREE, MAKES, DRAWN = (
    "charger",
    "operator_site_connectors",
    "operator_public_charging",
    "chargepilot_site",
    "ocpplab_chargers",
    "operator_power_usage",
)
"""The names under which the stand-ins count what they are asked."""


def code(number: int) -> str:
    """Public codes without letters and digits that look alike: A2222, A2223 …"""
    return "A" + "".join("23456789"[number >> shift & 7] for shift in (9, 6, 3, 0))


class Wire(httpx.BaseTransport):
    """The way to a stand-in, on which `instead` may answer in its place."""

    def __init__(self, inner: httpx.BaseTransport, house: SiteHouse) -> None:
        self._inner = inner
        self._house = house

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._house.instead(request)
        return answer if answer is not None else self._inner.handle_request(request)


class SiteHouse(EngineWorld):
    """A site of `chargers` with two bays each. `operator`, `pilot` and `lab` say which of the systems are set."""

    def __init__(
        self,
        folder: Path,
        chargers: int = 3,
        *,
        operator: bool = True,
        pilot: bool = False,
        lab: bool = False,
        bays: int = 2,
        switches: OperatorSwitches | None = None,
        pilot_switches: PilotSwitches | None = None,
        extra: Sequence[ChargerSpec] = (),
        plans: Sequence[SitePlan] | None = None,
    ) -> None:
        super().__init__(folder)
        for number in range(chargers):
            plugs = tuple(ConnectorSpec(bay, "AC_3_PHASE", 22_000) for bay in range(1, bays + 1))
            self.world.add_charger(ChargerSpec(code(number), f"Charger {number}", plugs, Pricing("EUR", 49, 35)))
        for spec in extra:
            self.world.add_charger(spec)
        self.codes = tuple(code(number) for number in range(chargers))
        self.plans = tuple(plans) if plans is not None else (SitePlan(SITE, self.codes, SITE_UUID, SITE_ID),)
        self.faults = {name: Faults() for name in ("public", "operator", "pilot", "lab")}
        self.gates: dict[str, Gate] = {}
        self.instead: Answer = lambda _request: None
        self._has = {"operator": operator, "pilot": pilot, "lab": lab}
        self.apps = {
            "public": create_plugchoice_app(self.world, self.faults["public"]),
            "operator": create_operator_app(self.world, TOKEN, faults=self.faults["operator"], switches=switches),
            "pilot": create_chargepilot_app(
                self.world, self.clock, "key", "secret", faults=self.faults["pilot"], switches=pilot_switches
            ),
            "lab": create_ocpplab_app(self.world, "lab-1", faults=self.faults["lab"]),
        }
        self.token, self.per_minute, self.pilot_clock = TOKEN, 500, self.clock
        self.engine = self.new_engine()

    def made_context(self) -> Context:
        has = self._has
        return Context(
            clock=self.clock,
            store=self.store,
            news=self.news,
            public=self.public_client("http://up/api/v3", self._transport("public")),
            budgets=self.budgets,
            seller=lambda _session: {"name": "Stadtwerke Lindenau GmbH"},
            sites=self.plans,
            operator=PlugchoiceOperator(
                "http://up/api/v3",
                self.token,
                clock=self.clock,
                transport=self._transport("operator"),
                per_minute=self.per_minute,
            )
            if has["operator"]
            else None,
            pilot=ChargePilot(
                "http://pilot/rest/v1", "key", "secret", clock=self.pilot_clock, transport=self._transport("pilot")
            )
            if has["pilot"]
            else None,
            lab=Ocpplab("http://lab", "lab-1", clock=self.clock, transport=self._transport("lab"))
            if has["lab"]
            else None,
        )

    def _transport(self, name: str) -> httpx.BaseTransport:
        app: Flask = self.apps[name]
        inner = FaultyTransport(httpx.WSGITransport(app), self.faults[name], lambda method, path: f"{method} {path}")
        self.gates[name] = Gate(Wire(inner, self))
        return self.gates[name]

    def watch(self, site: str = SITE) -> None:
        """Somebody stands in front of the board of that site."""
        self.open_page(site_topic(site))

    def asked(self, route: str) -> int:
        """How often the outside was asked for that."""
        return self.world.traffic.total(route=route)

    @contextmanager
    def count(self, route: str) -> Iterator[list[int]]:
        """How often it is asked for that in the block: the one number of the list, afterwards."""
        before, found = self.asked(route), [0]
        yield found
        found[0] = self.asked(route) - before

    def close(self) -> None:
        """Nobody charges here, and reading a site breaks no invariant."""
        assert_nothing_broken(self.store, self.clock.now())
        super().close()

    def all_asked(self) -> int:
        return self.world.traffic.total()

    def card(self, number: int = 0) -> ChargerCard:
        card = self.store.card(code(number))
        assert card is not None
        return card

    def ages(self) -> list[float]:
        """How old the states on the board are, in seconds; a day for a card that is not there."""
        cards, now = self.store.cards(self.codes), self.clock.now()
        return [
            (now - cards[each].seen_at).total_seconds() if each in cards else timedelta(days=1).total_seconds()
            for each in self.codes
        ]

    def version_of(self, topic: str) -> int:
        return self.news.version(topic)

    def news_of(self, number: int = 0) -> int:
        return self.version_of(charger_topic(code(number)))


Build = Callable[..., SiteHouse]


def settings_say(body: dict[str, Any]) -> Answer:
    """Instead of every charger's settings for public charging."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=body) if request.url.path.endswith("/settings/public-charging") else None

    return answer


def listing_says(change: Callable[[list[dict[str, Any]]], None], house: SiteHouse, **meta: Any) -> None:
    """From now on the listing of connectors is as it was, and changed so; `meta` are links and the like."""
    inner = httpx.WSGITransport(house.apps["operator"])

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/connectors"):
            return None
        body = json.loads(inner.handle_request(request).read())
        change(body["data"])
        return httpx.Response(200, json=body | meta)

    house.instead = answer
