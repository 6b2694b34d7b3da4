"""What the JSON interface says of itself, in OpenAPI 3.1. Every answer is tested against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiosk.domain.attention import Act, Attention, Level
from kiosk.domain.session import Phase
from kiosk.service.api_keys import Scope
from kiosk.service.desk_sessions import Group
from kiosk.store.handlings import State

MOST_ROWS = 200
"""Of one page."""
VERSION = "1"

Json = Mapping[str, Any]


def description(address: str) -> dict[str, Any]:
    """The whole description; `address` is that of the kiosk."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Charge kiosk",
            "version": VERSION,
            "summary": "Sessions, receipts and what needs a person, for reading.",
            "description": (
                "Only reading. Amounts are whole minor units with their currency, energy is decimal text in kWh, times "
                "are UTC. null means not known, never zero. New fields may be added; none is taken away or changes its "
                "meaning within /api/v1. Lists go on with `next`, given as `cursor`, until it is null."
            ),
        },
        "servers": [{"url": f"{address}/api/v1"}],
        "security": [{"key": []}],
        "paths": {
            "/sessions": _get(
                Scope.SESSIONS,
                "sessions",
                "Sessions, the newest first",
                _ref("SessionPage"),
                [
                    _query("view", "A group of sessions", {"type": "string", "enum": [each.value for each in Group]}),
                    _query("site", "The id of a site", {"type": "string"}),
                    _query("from", "Asked for on this day or later, by the site's clock", _DAY),
                    _query("to", "Asked for on this day or earlier", _DAY),
                    *_PAGED,
                ],
            ),
            "/sessions/{number}": _get(
                Scope.SESSIONS, "session", "One session with its story", _ref("Session"), [_NUMBER], missing=True
            ),
            "/sessions/{number}/receipt": _get(
                Scope.RECEIPTS,
                "receipt",
                "Its receipt, and what that said before each revision",
                _ref("Receipt"),
                [_NUMBER],
                missing=True,
            ),
            "/queue": _get(
                Scope.QUEUE,
                "queue",
                "What needs a person, the loudest and oldest first",
                _ref("QueuePage"),
                [
                    _query("state", "Those that wait, unless another is named", _words(State)),
                    _query("kind", "One kind alone", _words(Attention)),
                    _query("site", "The id of a site", {"type": "string"}),
                    *_PAGED,
                ],
            ),
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key that was made at the desk."}
            },
            "schemas": _SCHEMAS,
        },
    }


_DAY: Json = {"type": "string", "format": "date"}


def _words(words: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [each.value for each in words]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _query(name: str, text: str, schema: Json) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


_PAGED = [
    _query("limit", "Rows of one page", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 50}),
    _query("cursor", "`next` of the page before", {"type": "string"}),
]
_NUMBER: Json = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "The number of the session, as at the desk",
    "schema": {"type": "integer", "minimum": 0},
}


def _json(text: str, schema: Json) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _get(
    scope: Scope, name: str, text: str, schema: Json, parameters: list[Any], *, missing: bool = False
) -> dict[str, Any]:
    problem = _ref("Problem")
    answers = {
        "200": _json(text, schema),
        "401": _json("No key, or one that opens nothing", problem),
        "403": _json(f"The key may not read {scope.value}", problem),
        "429": _json("Too many requests; Retry-After says when again", _ref("Problem")),
        "503": _json("The store does not answer; try again in a moment", problem),
    }
    answers |= {"404": _json("Not there, or not for this key", problem)} if missing else {}
    answers |= {} if missing else {"400": _json("A parameter cannot be meant", problem)}
    operation = {"operationId": name, "summary": text, "parameters": parameters, "responses": answers}
    return {"get": {**operation, "description": f"Needs the scope `{scope.value}`."}}


def _or_null(schema: Json) -> dict[str, Any]:
    return {"oneOf": [dict(schema), {"type": "null"}]}


def _object(**properties: Json) -> dict[str, Any]:
    """All of them are always there, and nothing else is."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer"}
_TIME: Json = {"type": "string", "format": "date-time"}
_MAYBE_TEXT, _MAYBE_TIME = _or_null(_TEXT), _or_null(_TIME)
_MAYBE_MONEY = _or_null(_ref("Money"))
_DOCUMENT: Json = {
    "type": "object",
    "description": "What the receipt says: amounts in minor units with currency, energy as decimal text, times in UTC.",
}

_LISTED: dict[str, Json] = {
    "number": {**_WHOLE, "description": "Names the session at the desk; it opens nothing"},
    "charger": {**_TEXT, "description": "The code on its sticker"},
    "connector": _WHOLE,
    "bay": {**_TEXT, "description": "What is painted on the ground, else the connector's number"},
    "site": _MAYBE_TEXT,
    "time_zone": {**_TEXT, "description": "Of the site, for whoever shows a time"},
    "phase": _words(Phase),
    "status": {**_MAYBE_TEXT, "description": "Plugchoice's word; a new one may come"},
    "final": {"type": "boolean", "description": "Nothing of it is read any more; a refund may still come"},
    "requested_at": _TIME,
    "charging_started_at": _MAYBE_TIME,
    "completed_at": _MAYBE_TIME,
    "ended_at": _MAYBE_TIME,
    "energy_kwh": _or_null({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}),
    "cost": _MAYBE_MONEY,
    "held": _MAYBE_MONEY,
    "taken": {**_MAYBE_MONEY, "description": "Of the hold, refunds not counted"},
    "released": {**_MAYBE_MONEY, "description": "What the hold left"},
    "sent_back": {**_MAYBE_MONEY, "description": "Refunds of what was taken, all together"},
    "card_last4": _MAYBE_TEXT,
}

_SCHEMAS: dict[str, Json] = {
    "Money": {
        **_object(
            minor={**_WHOLE, "description": "Minor units as Stripe counts them"},
            currency={"type": "string", "pattern": "^[A-Z]{3}$"},
            amount={"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "The same as people write it"},
        )
    },
    "Problem": _object(
        error={**_TEXT, "description": "A word for the program"}, message={**_TEXT, "description": "For people"}
    ),
    "Listed": _object(**_LISTED),
    "SessionPage": _object(sessions={"type": "array", "items": _ref("Listed")}, next=_MAYBE_TEXT),
    "Session": _object(
        **_LISTED,
        mark={**_TEXT, "description": "As it stands in logs"},
        receipt=_MAYBE_TEXT,
        payment_intent=_MAYBE_TEXT,
        proof=_or_null(
            _object(
                read_at=_TIME,
                status=_TEXT,
                held=_MAYBE_MONEY,
                received=_MAYBE_MONEY,
                sent_back=_MAYBE_MONEY,
                ended={"type": "boolean"},
            )
        ),
        story={"type": "array", "items": _object(at=_TIME, text=_TEXT)},
    ),
    "Receipt": _object(
        number=_TEXT,
        issued_at=_TIME,
        revised_at=_MAYBE_TIME,
        document=_DOCUMENT,
        earlier={"type": "array", "items": _object(until=_TIME, document=_DOCUMENT)},
    ),
    "QueuePage": _object(rows={"type": "array", "items": _ref("Row")}, next=_MAYBE_TEXT),
    "Row": _object(
        number=_WHOLE,
        kind=_words(Attention),
        what=_TEXT,
        level=_words(Level),
        charger=_TEXT,
        bay=_MAYBE_TEXT,
        site=_MAYBE_TEXT,
        session={**_MAYBE_TEXT, "description": "The mark of its session"},
        amount=_MAYBE_MONEY,
        since=_TIME,
        noticed_at=_TIME,
        closed_at=_MAYBE_TIME,
        owner=_MAYBE_TEXT,
        set_aside_until=_MAYBE_TIME,
        act=_words(Act),
    ),
}
