"""Plugchoice's operator endpoints as a Flask app over the stand-in world: who may ask, how often, what goes wrong."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from kiosk.sandbox.plugchoice.office import Office
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world.faults import Faults, Kind
from kiosk.sandbox.world.reception import ANYWHERE, Reception
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.traffic import Verdict
from kiosk.sandbox.world.world import World

PREFIX = "/api/v3"
KINDS = ANYWHERE | {Kind.CHARGER_TIMEOUT}


def create_operator_app(
    world: World,
    token: str,
    *,
    faults: Faults | None = None,
    switches: OperatorSwitches | None = None,
    sites: Mapping[str, Collection[str]] | None = None,
) -> Flask:
    """Serves `/api/v3/sites...` and `/api/v3/chargers...` to the bearer of `token`. Answers count in `world.traffic`.

    `faults` should be this app's own: a rule for every endpoint is played here, one for a named endpoint is not.
    `sites`: by uuid the codes of the chargers that stand there; without it all stand at one site.
    """
    app = Flask(__name__, static_folder=None)
    office = app.extensions["office"] = Office(world, switches or OperatorSwitches(), sites)
    reception = Reception(world, faults, KINDS, world.tick, world.line)
    wanted = f"Bearer {token}".encode()

    def refuse() -> Response | None:
        given = request.headers.get("Authorization", "").encode()
        return None if hmac.compare_digest(given, wanted) else _message(401, "Unauthenticated.")

    def spend(now: datetime) -> Verdict:
        return world.limits.spend("operator", "user", office.switches.requests_per_minute, now)

    def endpoint(rule: str, name: str, work: Callable[..., object]) -> None:
        def answer(**path: Any) -> Response:
            return reception.serve(
                name, lambda: _worked(office.switches, lambda: jsonify(work(**path))), refuse=refuse, spend=spend
            )

        app.add_url_rule(PREFIX + rule, endpoint=name, view_func=answer, methods=["GET"])

    endpoint("/sites", "operator_sites", office.sites)
    endpoint("/sites/<site>", "operator_site", office.site)
    endpoint("/sites/<site>/chargers", "operator_site_chargers", office.site_chargers)
    endpoint("/sites/<site>/connectors", "operator_site_connectors", office.site_connectors)
    endpoint("/sites/<site>/transactions", "operator_site_transactions", office.site_transactions)
    endpoint("/chargers", "operator_chargers", office.chargers)
    endpoint("/chargers/<charger>", "operator_charger", office.charger)
    endpoint("/chargers/<charger>/transactions", "operator_charger_transactions", office.charger_transactions)
    endpoint("/chargers/<charger>/settings/public-charging", "operator_public_charging", office.public_charging)
    bay = "/chargers/<charger>/connectors/<int:number>"
    endpoint(f"{bay}/power-usage", "operator_power_usage", office.power_usage)
    endpoint(f"{bay}/latest-metervalue", "operator_latest_meter", office.latest_meter)

    @app.errorhandler(HTTPException)
    def other(problem: HTTPException) -> Response:
        return _message(problem.code or 500, f"{problem.name}.")

    return app


def _worked(switches: OperatorSwitches, work: Callable[[], Response]) -> Response:
    if not switches.permitted:
        return _message(403, "This action is unauthorized.")
    try:
        return work()
    except Refusal as refusal:
        return _message(refusal.status, refusal.message, refusal.errors)


def _message(status: int, message: str, errors: dict[str, list[str]] | None = None) -> Response:
    answer = jsonify({"message": message} if errors is None else {"message": message, "errors": errors})
    answer.status_code = status
    return answer
