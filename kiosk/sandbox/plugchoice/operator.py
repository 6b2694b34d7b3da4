"""Plugchoice's operator endpoints as a Flask app over the stand-in world: who may ask, how often, what goes wrong."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from kiosk.sandbox.plugchoice.office import Office
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world import faulty_answers
from kiosk.sandbox.world.faults import CUTS, Faults, Kind
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.traffic import Request
from kiosk.sandbox.world.world import World

PREFIX = "/api/v3"
PLAYABLE = frozenset(
    {
        Kind.LATENCY,
        Kind.SERVER_ERROR,
        Kind.BAD_GATEWAY,
        Kind.CHARGER_TIMEOUT,
        Kind.TOO_MANY,
        Kind.UNAUTHORIZED,
        Kind.TRUNCATED,
        Kind.HTML,
        Kind.EMPTY,
        *CUTS,
    }
)
"""The faults that fit; those of sessions and prices do not."""


def create_operator_app(
    world: World, token: str, *, faults: Faults | None = None, switches: OperatorSwitches | None = None
) -> Flask:
    """Serves `/api/v3/sites...` and `/api/v3/chargers...` to the bearer of `token`. Answers count in `world.traffic`.

    `faults` should be this app's own: a rule for every endpoint is played here, one for a named endpoint is not.
    """
    app = Flask(__name__, static_folder=None)
    office = Office(world, switches or OperatorSwitches())
    desk = _Desk(world, token, faults, office.switches)

    def endpoint(rule: str, name: str, work: Callable[..., object]) -> None:
        def answer(**path: Any) -> Response:
            return desk.served(name, lambda: jsonify(work(**path)))

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


class _Desk:
    """Fault, token, limit, work, fault: in the order in which a real server would meet them."""

    def __init__(self, world: World, token: str, faults: Faults | None, switches: OperatorSwitches) -> None:
        self._world = world
        self._wanted = f"Bearer {token}".encode()
        self._faults = faults
        self._switches = switches

    def served(self, name: str, work: Callable[[], Response]) -> Response:
        world = self._world
        now, address = world.tick(), request.remote_addr or ""
        kinds = faulty_answers.playable(request.environ) & PLAYABLE
        rule = self._faults.take(name, kinds) if self._faults else None
        played = rule.kind if rule else None
        if rule is not None and rule.kind in CUTS:
            world.traffic.record(Request(now, name, 0, address, played))
            faulty_answers.cut(request.environ)
            return Response(status=500)  # never leaves: the connection is gone
        if rule is not None and rule.kind is Kind.LATENCY:
            world.clock.wait(threading.Event(), rule.seconds)
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._wanted):
            answer = _message(401, "Unauthenticated.")
        else:
            verdict = world.limits.spend("operator", "user", self._switches.requests_per_minute, world.tick())
            if verdict.retry_after is not None:
                answer = _message(429, "Too Many Attempts.")
                answer.headers["Retry-After"] = str(verdict.retry_after)
            elif rule is not None and rule.kind in faulty_answers.ERRORS:
                answer = faulty_answers.error_answer(rule)
            else:
                answer = self._worked(work)
                if rule is not None and rule.kind is not Kind.LATENCY:
                    answer = faulty_answers.spoil(rule, answer)
            answer.headers["X-RateLimit-Limit"] = str(verdict.limit)
            answer.headers["X-RateLimit-Remaining"] = str(verdict.remaining)
        world.traffic.record(Request(now, name, answer.status_code, address, played))
        return answer

    def _worked(self, work: Callable[[], Response]) -> Response:
        if not self._switches.permitted:
            return _message(403, "This action is unauthorized.")
        try:
            return work()
        except Refusal as refusal:
            return _message(refusal.status, refusal.message, refusal.errors)


def _message(status: int, message: str, errors: dict[str, list[str]] | None = None) -> Response:
    answer = jsonify({"message": message} if errors is None else {"message": message, "errors": errors})
    answer.status_code = status
    return answer
