"""How a fault looks on the wire of the Plugchoice stand-in: wrong statuses, spoiled bodies, cut connections."""

from __future__ import annotations

import json
import socket
from decimal import Decimal
from typing import Any

from flask import Response

from kiosk.sandbox.world.faults import CUTS, Kind, Rule

PAGE = "<!doctype html><html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
ABSURD_KWH = "4076.400"
ERRORS = frozenset(
    {
        Kind.SERVER_ERROR,
        Kind.BAD_GATEWAY,
        Kind.CHARGER_TIMEOUT,
        Kind.TOO_MANY,
        Kind.UNAUTHORIZED,
        Kind.TOKEN_EXPIRED,
    }
)


def playable(environ: dict[str, Any]) -> frozenset[Kind]:
    """Every kind on a real server; no cuts where no socket is at hand."""
    return frozenset(Kind) if _socket(environ) else frozenset(Kind) - CUTS


def cut(environ: dict[str, Any]) -> None:
    """Close the client's connection without an answer."""
    connection = _socket(environ)
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)


def error_answer(rule: Rule) -> Response:
    if rule.kind is Kind.BAD_GATEWAY:
        return Response(PAGE.format("502 Bad Gateway"), 502, mimetype="text/html")
    status, message = {
        Kind.SERVER_ERROR: (500, "Server Error"),
        Kind.CHARGER_TIMEOUT: (504, "The charger did not respond in time."),
        Kind.TOO_MANY: (429, "Too Many Attempts."),
        Kind.UNAUTHORIZED: (401, "Unauthenticated."),
        Kind.TOKEN_EXPIRED: (404, "Not Found."),
    }[rule.kind]
    answer = Response(json.dumps({"message": message}), status, mimetype="application/json")
    if rule.kind is Kind.TOO_MANY and rule.retry_after is not None:
        answer.headers["Retry-After"] = str(rule.retry_after)
    return answer


def spoil(rule: Rule, answer: Response) -> Response:
    """The answer with its body spoiled as the rule says; an answer that is an error already stays as it is."""
    if answer.status_code >= 400:
        return answer
    if rule.kind is Kind.TRUNCATED:
        body = answer.get_data()
        answer.set_data(body[: len(body) // 2])
    elif rule.kind is Kind.HTML:
        answer.set_data(PAGE.format("We will be right back"))
        answer.mimetype = "text/html"
    elif rule.kind is Kind.EMPTY:
        answer.set_data(b"")
    else:
        body = json.loads(answer.get_data())
        if rule.kind in (Kind.NULLS, Kind.MISSING):
            for name in rule.fields:
                _lose(rule, body, name)
        if isinstance(body.get("data"), dict):
            _spoil_data(rule, body["data"])
        answer.set_data(json.dumps(body))
    return answer


def _lose(rule: Rule, body: dict[str, Any], name: str) -> None:
    """Leave one field out, or leave it null, wherever it stands: in the data or beside it."""
    *way, last = name.split(".")
    for place in (body, body.get("data")):
        inner: Any = place
        for step in way:
            inner = inner.get(step) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and last in inner:
            if rule.kind is Kind.MISSING:
                del inner[last]
            else:
                inner[last] = None


def _spoil_data(rule: Rule, data: dict[str, Any]) -> None:
    if rule.kind is Kind.STRANGE_STATUS and "status" in data:
        data["status"] = rule.word
    elif rule.kind is Kind.STRANGE_CONNECTOR:
        if "connector_status" in data:
            data["connector_status"] = rule.word
        for connector in data.get("connectors", ()):
            connector["status"] = rule.word
    elif rule.kind is Kind.ENERGY_FALLS and data.get("energy_kwh") is not None:
        data["energy_kwh"] = f"{Decimal(data['energy_kwh']) / 2:.3f}"
        data["cost_amount"] //= 2
    elif rule.kind is Kind.ENERGY_ABSURD and data.get("energy_kwh") is not None:
        data["energy_kwh"] = ABSURD_KWH
        data["cost_amount"] = data.get("amount_authorized")
    elif rule.kind is Kind.CURRENCY_CASE:
        data["pricing"]["currency"] = data["pricing"]["currency"].swapcase()


def _socket(environ: dict[str, Any]) -> socket.socket | None:
    found = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    return found if isinstance(found, socket.socket) else None
