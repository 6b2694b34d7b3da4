"""A site with its kiosk and a tablet, made from the chargers of a sandbox world. No engine runs, nobody is called.

Cards and fuses come into the store by the same calls as in production; only what the outside says is made up.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from benchmarks.scene import HOME, PUBLIC
from kiosk.app import create_app, running, stop
from kiosk.clock import Clock
from kiosk.config.settings import build_settings
from kiosk.config.sites import load_site
from kiosk.demo import MOUNT, Sandbox
from kiosk.domain.charger import Connector
from kiosk.domain.sighting import Price, Sighting
from kiosk.domain.tariff import Tariff
from kiosk.sandbox.chargepilot.gateway import SITE_ID, fuse_tree
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.chargers import ChargerView, ConnectorSpec
from kiosk.sandbox.world.scene import build_scene
from kiosk.sandbox.world.scene_large import large_scene
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.upstream.chargepilot.reading import read_tree

EXAMPLE = HOME / "docs" / "kiosk.example.toml"
_SECRET = "only-for-benchmarks-" + "b" * 32
_UPSTREAM = f"http://127.0.0.1:9{MOUNT}/plugchoice/api/v3"


class SiteScene:
    """`folder` holds the database; a server with `environment` works on the same one. Addresses of tablets differ.

    With `outside`, which are settings, the app's own clients call the stand-ins of the world.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        chargers: int | None,
        *,
        public: str = PUBLIC,
        outside: dict[str, Any] | None = None,
    ) -> None:
        """`chargers`: of the large site; None: the site of the demo, with its kiosk.toml."""
        self.clock = clock
        self.world = World(clock, StripeBook(clock), Switches(fuses_bind=True))
        if chargers is None:
            build_scene(self.world)
            config = EXAMPLE
        else:
            large_scene(self.world, chargers)
            config = folder / "kiosk.toml"
            config.write_text(kiosk_toml(self.world.chargers()), encoding="utf-8")
        book = load_site(config)
        (self.site,) = book.sites
        settings = build_settings(
            secret_key=_SECRET,
            data_dir=folder,
            public_url=public,
            plugchoice_url=_UPSTREAM,
            config=config,
            **(outside or {}),
        )
        self.environment = {
            "KIOSK_SECRET_KEY": _SECRET,
            "KIOSK_DATA_DIR": str(folder),
            "KIOSK_PUBLIC_URL": public,
            "KIOSK_PLUGCHOICE_URL": _UPSTREAM,
            "KIOSK_CONFIG": str(config),
        }
        if outside is None:
            self.app = create_app(settings, site=book, clock=clock)
        else:
            sandbox = Sandbox(self.world)
            self.app = create_app(settings, site=book, clock=clock, transports=sandbox.transports())
            sandbox.mount(self.app)
        self.store = running(self.app).store
        self._numbers = count(1)

    def close(self) -> None:
        stop(self.app)

    @property
    def bays(self) -> list[tuple[str, int]]:
        """Public code and connector number of every bay, in the order of the file."""
        return [(charger.code, number) for charger in self.site.chargers for number in charger.bays]

    def fill(self) -> None:
        """The fuses and every card, as read just now."""
        now, views = self.clock.now(), self.world.chargers()
        tree = read_tree([fuse_tree([view.spec for view in views], now)])
        if tree is None:
            raise RuntimeError("the stand-in's fuses could not be read")
        self.store.save_tree(self.site.id, tree, now)
        self.store.save_sightings([_sighting(view, self.clock) for view in views], now)

    def tablet(self) -> FlaskClient:
        """A screen that was paired with the site as an operator does it."""
        number = next(self._numbers)
        client = self.app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"127.0.{number // 250}.{1 + number % 250}"
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        now = self.clock.now()
        code = self.store.new_pairing(self.site.id, f"Tablet {number}", now, now.replace(year=now.year + 1))
        answer = client.post("/tablet/pair", data={"code": code})
        if answer.status_code != 303:
            raise RuntimeError(f"the pairing was answered with {answer.status_code}")
        return client

    def key_of(self, tablet: FlaskClient) -> tuple[str, str]:
        """Name and value of the cookie that makes a browser this tablet."""
        for name in ("__Host-tablet", "tablet"):
            cookie = tablet.get_cookie(name)
            if cookie is not None:
                return name, cookie.value
        raise RuntimeError("the pairing gave no cookie")


def kiosk_toml(views: tuple[ChargerView, ...]) -> str:
    """The operator of the example, and one site with these chargers. Bays are numbered through."""
    numbers = count(1)
    lines = [
        EXAMPLE.read_text(encoding="utf-8").partition("\n[[sites]]\n")[0],
        "[[sites]]",
        'id = "large"',
        'name = "Large garage"',
        'timezone = "Europe/Berlin"',
        f'plugchoice_site = "{SITE_UUID}"',
        f'chargepilot_site = "{SITE_ID}"',
    ]
    for view in views:
        lines += ["[[sites.chargers]]", f'code = "{view.spec.code}"', f'label = "{view.spec.name}"']
        lines += ["[sites.chargers.bays]"]
        for each in view.spec.connectors:
            plug = "ccs" if each.supply == "DC" else "type2"
            bay = f'label = "{next(numbers)}", connector = "{plug}", max_kw = {each.max_power_w / 1000:g}'
            lines.append(f"{each.connector_id} = {{ {bay} }}")
    return "\n".join(lines) + "\n"


def _sighting(view: ChargerView, clock: Clock) -> Sighting:
    now, pricing = clock.now(), view.pricing
    tariff = Tariff(pricing.currency, pricing.price_per_kwh, pricing.start_fee)
    connectors = tuple(_connector(each.spec, each.status) for each in view.connectors)
    return Sighting(view.spec.code, view.online, connectors, Price(tariff, view.spec.preauth_amount, now), now)


def _connector(spec: ConnectorSpec, status: str) -> Connector:
    if not spec.described:
        return Connector(spec.connector_id, status)
    return Connector(spec.connector_id, status, spec.standard, spec.format, spec.supply)
