"""ChargePilot as a Flask app over the stand-in world: signed requests, sites, and a fuse tree for the world's chargers.

The tree is that of `fuse_plan`, which binds the world's cars when the world is told so. The roof with solar panels is
only told of: nobody counts on it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from kiosk.clock import Clock
from kiosk.sandbox.world.chargers import ChargerSpec
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.fuse_plan import LEAST_A, Fuse, Station, plan_fuses
from kiosk.sandbox.world.reception import ANYWHERE, Reception
from kiosk.sandbox.world.scene import SITE_NAME
from kiosk.sandbox.world.world import World

PREFIX = "/rest/v1"
SITE_ID = "site-7f3c"
ROOF_A = 45

Wrapper = Literal["data", "sites"] | None
Oddity = Literal["deep", "repeated", "strange"] | None


@dataclass(frozen=True)
class PilotSwitches:
    """Every question that the guide leaves open; a default is the assumption that is safe for a client.

    `oddity` makes the tree one that no client should believe: very deep, with the same ids again and again, or with
    strange types, nulls and texts for numbers.
    """

    # Open: whether the signed path has the prefix; "either" accepts both.
    signed_path: Literal["full", "short", "either"] = "full"
    # Open: how wrong the client's clock may be, in seconds.
    most_skew: int = 300
    # Open: whether the list of sites is wrapped, and in what.
    wrapper: Wrapper = None
    oddity: Oddity = None


def create_chargepilot_app(
    world: World,
    clock: Clock,
    key: str,
    secret: str,
    *,
    faults: Faults | None = None,
    switches: PilotSwitches | None = None,
) -> Flask:
    """Serves `/rest/v1/sites` and `/rest/v1/sites/{id}`. Every answer is counted in `world.traffic`.

    `faults` should be this app's own: a rule for every endpoint is played here, one for a named endpoint is not.
    """
    app = Flask(__name__, static_folder=None)
    chosen = switches or PilotSwitches()

    reception = Reception(world, faults, ANYWHERE, world.tick)

    def refuse() -> Response | None:
        return None if _signed(key, secret, clock.now(), chosen) else _problem(401, "Unauthorized")

    def site() -> dict[str, Any]:
        return site_data(
            [charger.spec for charger in world.chargers() if not charger.spec.anothers], clock.now(), chosen.oddity
        )

    @app.get(f"{PREFIX}/sites")
    def sites() -> Response:
        return reception.serve("chargepilot_sites", lambda: _json(_wrapped([site()], chosen.wrapper)), refuse=refuse)

    @app.get(f"{PREFIX}/sites/<site_id>")
    def one_site(site_id: str) -> Response:
        def work() -> Response:
            return _json(site()) if site_id == SITE_ID else _problem(404, "Not Found")

        return reception.serve("chargepilot_site", work, refuse=refuse)

    @app.errorhandler(HTTPException)
    def other(problem: HTTPException) -> Response:
        return _problem(problem.code or 500, problem.name)

    return app


# --- signatures


def signature(secret: str, method: str, path: str, seconds: str, body: str) -> str:
    """Hex of HMAC-SHA256 over METHOD:PATH:SECONDS:BODY; its key is the hex text of SHA-256(secret)."""
    key = hashlib.sha256(secret.encode()).hexdigest().encode()
    return hmac.new(key, f"{method}:{path}:{seconds}:{body}".encode(), hashlib.sha256).hexdigest()


def _signed(key: str, secret: str, now: datetime, switches: PilotSwitches) -> bool:
    told = request.headers.get("x-req-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", told, re.ASCII):
        return False
    if abs(int(now.timestamp()) - int(told)) > switches.most_skew:
        return False
    if not hmac.compare_digest(request.headers.get("x-api-key", "").encode(), key.encode()):
        return False
    given = request.headers.get("x-signature", "").encode()
    body = request.get_data(as_text=True)
    wanted = [signature(secret, request.method, path, told, body).encode() for path in _paths(switches)]
    return any(hmac.compare_digest(given, each) for each in wanted)


def _paths(switches: PilotSwitches) -> list[str]:
    """The paths that may have been signed, with the query. The full one begins where this app is mounted."""
    query = request.query_string.decode("latin-1")
    tail = f"?{query}" if query else ""
    short = quote(request.path.removeprefix(PREFIX)) + tail
    full = quote(request.root_path + PREFIX) + short
    return {"full": [full], "short": [short], "either": [full, short]}[switches.signed_path]


# --- what goes out


def _json(body: object) -> Response:
    return Response(json.dumps(body), mimetype="application/json")


def _problem(status: int, message: str) -> Response:
    answer = _json({"statusCode": status, "message": message})
    answer.status_code = status
    return answer


def _wrapped(sites: list[dict[str, Any]], wrapper: Wrapper) -> object:
    return sites if wrapper is None else {wrapper: sites}


def site_data(chargers: Sequence[ChargerSpec], now: datetime, oddity: Oddity = None) -> dict[str, Any]:
    tree = _odd(fuse_tree(chargers, now), oddity)
    return {
        "id": SITE_ID,
        "name": SITE_NAME,
        "timezone": "Europe/Berlin",
        "local_controller": {
            "id": "lc-12",
            "name": "Controller 1",
            "serial_no": "SBX-004512",
            "device_id": "sbx-004512",
        },
        "fuse_tree": [tree],
    }


def fuse_tree(chargers: Sequence[ChargerSpec], now: datetime) -> dict[str, Any]:
    """The fuses as they are planned, and a roof with solar panels at the main one."""
    main = _fuse(plan_fuses(chargers), 0, 0)
    main["children"].append(_roof(len(main["children"]), now))
    return main


def _fuse(fuse: Fuse, order: int, depth: int) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "name": fuse.name,
        "limit": fuse.limit_a,
        "order": order,
        "depth": str(depth),
        "fuse_id": fuse.id,
    }
    if fuse.building_a:
        parameters["meter"] = {
            "is_producer": False,
            "is_consumer": True,
            "consumer_name": "Building",
            "max_possible_current": 400,
            "fallback_value": fuse.building_a,
            "primary_transformer_ratio": 400,
            "secondary_transformer_ratio": 5,
        }
    parts = [_fuse(each, place, depth + 1) for place, each in enumerate(fuse.fuses)]
    stations = [_station(each, place, depth + 1) for place, each in enumerate(fuse.stations)]
    return {"type": "fuse", "parameters": parameters, "children": parts + stations}


def _roof(order: int, now: datetime) -> dict[str, Any]:
    """Solar panels: most at noon, nothing at night."""
    daylight = max(0, 7 - abs(now.hour - 12))
    meter = {
        "is_producer": True,
        "producer_name": "Roof",
        "producer_current": round(ROOF_A * daylight / 7, 1),
        "is_consumer": False,
    }
    return {
        "type": "meter",
        "parameters": {"name": "Roof", "order": order, "depth": "1", "outbound_limit": ROOF_A, "meter": meter},
        "children": [],
    }


def _station(station: Station, order: int, depth: int) -> dict[str, Any]:
    spec = station.spec
    identity = str(getattr(spec, "identity", None) or spec.code)
    connectors = [
        {
            "id": f"c-{identity}-{each.connector_id}",
            "name": f"{spec.name}, {each.connector_id}",
            "connector_id": str(each.connector_id),
            "charging_station_id": identity,
            "priority": 1,
            "charging_capability": [LEAST_A, most],
            "discharge_capability": [],
        }
        for each, most in zip(spec.connectors, station.amperes, strict=True)
    ]
    return {
        "type": "charging station",
        "parameters": {
            "name": spec.name,
            "limit": sum(station.amperes),
            "fallback": station.fallback_a,
            "fallback_status": "active",
            "order": order,
            "depth": str(depth),
            "firmware_version": "1.4.2",
            "connectors": connectors,
        },
        "children": [],
    }


# --- trees that nobody should believe


def _odd(tree: dict[str, Any], oddity: Oddity) -> dict[str, Any]:
    if oddity == "deep":
        for _ in range(200):
            tree = {"type": "fuse", "parameters": {"name": "Again", "limit": 400}, "children": [tree]}
    elif oddity == "repeated":
        again = json.loads(json.dumps(tree))
        tree["children"][0]["children"].append(again)  # the main fuse once more, under one of its cabinets
        tree["children"].append(json.loads(json.dumps(tree["children"][0])))
    elif oddity == "strange":
        tree["type"] = "FlüxCapacitor"
        tree["parameters"].update(limit=str(tree["parameters"]["limit"]), fuse_id=7, depth=0, order=None)
        cabinet = tree["children"][0]
        cabinet["parameters"].update(limit=None, meter="none")
        cabinet["children"][0].pop("children")
        cabinet["children"][0]["parameters"]["connectors"].extend([None, 5, {"connector_id": "one"}])
        cabinet["children"].extend([None, "station", {}, {"type": None, "parameters": None, "children": {}}])
    return tree
