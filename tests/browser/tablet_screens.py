"""Every screen of a site's tablet, by name, on a garage of fifteen bays in every state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page

from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind
from kiosk.domain.tariff import Tariff
from kiosk.service.parts import Parts
from tests.browser.stage import Show, Stage
from tests.worlds.by_hand import CODE, HOLD, TARIFF

SITE = "marktplatz"
BAY = f"/tablet/bay/{CODE}/2"
IN_USE = "/tablet/bay/3HW9P/1"
ORDER = "/tablet/bay/5RT2C/1"
FAST = Tariff("EUR", 69)

STATES: dict[str, tuple[tuple[str, ...], bool, Tariff]] = {
    "3HW9P": (("Charging", "Charging"), True, TARIFF),
    CODE: (("Charging", "Available"), True, TARIFF),
    "5RT2C": (("Faulted",), True, TARIFF),
    "9QX6B": (("Available", "Charging"), False, TARIFF),
    "2PL7S": (("Preparing", "Available"), True, TARIFF),
    "6JN3A": (("Available",), True, Tariff("EUR", 52, 0)),
    "8YE5G": (("Available",), True, TARIFF),
    "DCF4N": (("Available",), True, FAST),
    "4KD8V": (("Charging",), True, Tariff("EUR", 59, 50)),
    "XC3ZU": (("Available", "Charging"), True, FAST),
}
"""What each connector says, whether the charger is in contact, and its price."""


def _save(stage: Stage, before: bool) -> None:
    """The cards of all chargers; `before`: as they were a while ago, so that every state has its time."""
    for facts in stage.book.sites[0].chargers:
        words, online, tariff = STATES[facts.code]
        connectors = tuple(
            Connector(
                number,
                "Available" if before else words[number - 1],
                "IEC 62196",
                "Cable" if bay.connector == "ccs" else "Socket",
                "DC" if bay.connector == "ccs" else "AC_3_PHASE",
            )
            for number, bay in facts.bays.items()
        )
        hold = HOLD if tariff is not FAST else 7500
        card = ChargerCard(facts.code, facts.label, online or before, connectors, tariff, hold, stage.now)
        stage.store.save_card(card)


def _fuses(stage: Stage) -> FuseTree:
    """Three cabinets of 63 A and one of 160 A under a main fuse that also feeds a building."""
    cabinets: list[list[str]] = [["3HW9P", CODE, "5RT2C"], ["9QX6B", "2PL7S", "6JN3A", "8YE5G"]]
    fast = ["DCF4N", "4KD8V", "XC3ZU"]

    def station(code: str) -> Node:
        facts = next(one for one in stage.book.sites[0].chargers if one.code == code)
        return Node(
            NodeKind.STATION,
            facts.label,
            connectors=tuple(FuseConnector(code, number, phases=3) for number in facts.bays),
            fallback=Decimal(6),
        )

    def cabinet(name: str, amperes: int, codes: list[str]) -> Node:
        return Node(NodeKind.FUSE, name, Decimal(amperes), children=tuple(station(code) for code in codes))

    children = [cabinet(f"Cabinet {n}", 63, codes) for n, codes in enumerate(cabinets, start=1)]
    building = Meter(consumer=True, consumer_name="Building", fallback_amperes=Decimal(50))
    main = Node(
        NodeKind.FUSE,
        "Main fuse",
        Decimal(250),
        meter=building,
        children=(*children, cabinet("Fast cabinet", 160, fast)),
    )
    return FuseTree((main,))


def _site(stage: Stage) -> None:
    stage.store.save_tree(SITE, _fuses(stage), stage.now)
    stage.clock.advance(-2520)
    _save(stage, before=True)
    stage.clock.advance(900)
    _save(stage, before=False)
    stage.clock.advance(1617)
    _save(stage, before=False)
    stage.clock.advance(3)


def paired(stage: Stage, client: FlaskClient) -> None:
    """The browser becomes a tablet of the site, where cards are taken as well."""
    parts: Parts = stage.app.extensions["kiosk"]
    settings = parts.settings.model_copy(update={"tablet_card_entry": True})
    stage.app.extensions["kiosk"] = replace(parts, settings=settings)
    code = stage.store.new_pairing(SITE, "Entrance", stage.now, stage.now + timedelta(minutes=10))
    answer = client.post("/tablet/pair", data={"code": code})
    assert answer.status_code == 303, answer.get_data(as_text=True)


def hand_over(stage: Stage, client: FlaskClient, context: BrowserContext) -> None:
    """The real browser becomes that tablet, with the visit that was begun there."""
    secure = stage.address.replace("http:", "https:")
    for name in ("__Host-tablet", "__Host-visit"):
        cookie = client.get_cookie(name, domain="localhost")
        if cookie is not None:
            context.add_cookies([{"name": name, "value": cookie.value, "url": secure, "sameSite": "Lax"}])


def _at(path: str) -> Show:
    def show(stage: Stage, client: FlaskClient) -> str:
        paired(stage, client)
        _site(stage)
        return path

    return show


def _unpaired(stage: Stage, client: FlaskClient) -> str:
    del stage, client
    return "/tablet/"


def _visit(make: Callable[[Stage, FlaskClient, str], None]) -> Show:
    """A session that was begun at the screen."""

    def show(stage: Stage, client: FlaskClient) -> str:
        paired(stage, client)
        _site(stage)
        answer = client.post(f"{BAY}/start", data={})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        key = str(answer.headers["Location"]).removeprefix("/tablet/s/")
        make(stage, client, key)
        return f"/tablet/s/{key}"

    return show


def _payable(stage: Stage, client: FlaskClient, key: str) -> None:
    del client
    stage.answer_start(key)


def _running(stage: Stage, client: FlaskClient, key: str) -> None:
    _payable(stage, client, key)
    stage.run(stage.begin(stage.hold(key)))


def _over(stage: Stage, client: FlaskClient, key: str) -> None:
    _payable(stage, client, key)
    stage.back(stage.capture(stage.run(stage.begin(stage.hold(key)), "18.60", 946)))


def _moving(stage: Stage, client: FlaskClient) -> str:
    return f"{_visit(_running)(stage, client)}/move"


def _owner(stage: Stage, client: FlaskClient) -> str:
    """The bay of a charge that a phone has started."""
    paired(stage, client)
    stage.charging(stage.driver())
    _save(stage, before=False)
    stage.card("Charging", "Charging")
    return BAY


def _find(stage: Stage, client: FlaskClient) -> str:
    return f"{_owner(stage, client)}/owner"


TABLET_SCREENS: dict[str, Show] = {
    "tablet-pair": _unpaired,
    "tablet-board": _at("/tablet/"),
    "tablet-bay": _at(BAY),
    "tablet-bay-in-use": _at(IN_USE),
    "tablet-bay-fault": _at(ORDER),
    "tablet-bay-owner": _owner,
    "tablet-find": _find,
    "tablet-continue": _at(f"/tablet/continue?bay={CODE}-2"),
    "tablet-idle": _at(BAY),
    "tablet-offline": _at(BAY),
    "tablet-pay": _visit(_payable),
    "tablet-charging": _visit(_running),
    "tablet-move": _moving,
    "tablet-receipt": _visit(_over),
}


def settle(name: str, page: Page) -> None:
    """What happens on the screen after it was opened. The page's clock is Playwright's."""
    if name == "tablet-idle":
        page.clock.fast_forward(121_000)
        page.locator("dialog#idle").wait_for()
        page.clock.fast_forward(6_000)
    elif name == "tablet-offline":
        page.context.set_offline(True)
        for _ in range(8):
            page.clock.fast_forward(15_000)
        page.locator(".outage").wait_for()
    elif name == "tablet-pay":
        page.clock.resume()
        page.locator("#paybtn:enabled").wait_for()
