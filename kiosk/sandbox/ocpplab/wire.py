"""What comes in and goes out of OCPPLAB's stand-in: tokens, bodies and queries, errors as its framework writes them."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response, request


class Problem(Exception):
    """An answer that is an error; `detail` is a text, or the list of a 422."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


def allowed(token: str) -> bool:
    given = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {token}".encode())


def worked(work: Callable[[], Response]) -> Response:
    try:
        return work()
    except Problem as problem:
        return answer_error(problem.status, problem.detail)


def answer_json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def answer_error(status: int, detail: object) -> Response:
    return answer_json({"detail": detail}, status)


def complaint(loc: list[str], msg: str, given: object) -> dict[str, Any]:
    """As the framework behind the gateway writes it, with what was sent."""
    return {"type": "missing" if msg == "Field required" else "value_error", "loc": loc, "msg": msg, "input": given}


# --- what comes in


def read_body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Problem(422, [complaint(["body"], "Input should be a valid dictionary", None)])
    return body


def read_texts(body: dict[str, Any], names: tuple[str, ...], required: tuple[str, ...]) -> dict[str, str]:
    missing = [complaint(["body", name], "Field required", body) for name in required if body.get(name) is None]
    given = {name: body[name] for name in names if body.get(name) is not None}
    wrong = [
        complaint(["body", name], "Input should be a valid string", value)
        for name, value in given.items()
        if not isinstance(value, str) or not value
    ]
    if missing or wrong:
        raise Problem(422, missing + wrong)
    return given


def read_whole(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name, str(default))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else least - 1
    if not least <= number <= most:
        raise Problem(422, [complaint(["query", name], f"Input should be from {least} to {most}", text)])
    return number


def read_moment(name: str) -> datetime | None:
    text = request.args.get(name)
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise Problem(422, [complaint(["query", name], "Input should be a valid datetime", text)]) from None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
