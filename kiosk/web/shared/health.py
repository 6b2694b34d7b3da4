"""For machines: is the process up, can it do its work, and what has it counted."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from kiosk.config.addresses import is_loopback
from kiosk.config.logs import session_mark
from kiosk.metrics import CONTENT_TYPE, Metrics
from kiosk.service.selling import learns_own
from kiosk.web.shared.parts import parts

bp = Blueprint("health", __name__)

_FORWARDED = ("x-forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-", "forwarded", "via")
"""Headers that only proxies add begin with one of these."""


@bp.after_request
def _not_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers. Nothing else is asked, so that a slow disk does not restart a running charge's server."""
    return jsonify(up=True)


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The store answers, a round of the engine ended well a moment ago, and a write works; 503 otherwise.

    Then `trouble` says in a word what keeps it from being read or written: away, locked, full, read_only, broken, or
    tables, where they are missing. `duties_late` are those whose turn was due half a minute ago, and those that fail
    without which nothing works: such a process is not ready either.

    With `?verbose` also the state of every duty of the engine, what was put aside, how old the operator's own list of
    chargers is, and by how much the kiosk is behind a machine's clock that leapt ahead: 404 for everybody but a machine
    that may see it.
    """
    verbose = "verbose" in request.args
    if verbose and not _is_allowed():
        abort(404)
    writing = parts().store.trouble
    trouble = parts().store.ill() or (writing.value if writing is not None else None)
    late = parts().engine.unwell()
    state = {"store": trouble is None, "engine": parts().engine.alive() and not late}
    more: dict[str, object] = {"duties_late": late} if late else {}
    if verbose:
        more |= {"duties": parts().engine.duties(), "aside": _aside(), "own_chargers": _own_chargers()}
        more["clock_behind_seconds"] = round(parts().clock.behind().total_seconds())
    if trouble is not None:
        more["trouble"] = trouble
    return jsonify(**state, **more), 200 if all(state.values()) else 503


def _aside() -> dict[str, object]:
    """The rows that cannot be read: how many, and the marks of the sessions among them."""
    rows = parts().store.unreadable()
    return {"rows": len(rows), "sessions": sorted(session_mark(row.key) for row in rows if row.key is not None)}


def _own_chargers() -> dict[str, object] | None:
    """How the reading of the operator's list goes: None where it is not read. `sold` counts what it has shown."""
    if not learns_own(parts().settings):
        return None
    known, chargers = parts().store.own_list(), parts().store.own_chargers()
    return {
        "sold": sum(each.code is not None for each in chargers),
        "listed": len(chargers),
        "read_whole_at": _iso(known.whole_at),
        "learnt_at": _iso(known.learnt_at),
        "problem": known.problem,
        "problem_since": _iso(known.problem_since),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """The counters in Prometheus' format; 404 for everybody but a machine that may see them."""
    if not _is_allowed():
        abort(404)
    counted = cast(Metrics, current_app.extensions["kiosk.metrics"])
    return Response(counted.text(), content_type=CONTENT_TYPE)


def _is_allowed() -> bool:
    """It has the token, or comes from this machine itself: not through a proxy, and not under the name of the drivers.

    A proxy on this machine has its address too. It gives itself away by the headers that it adds, or by the host.
    """
    token = parts().settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.get_secret_value().encode())
    direct = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR", request.remote_addr)
    forwarded = any(name.lower().startswith(_FORWARDED) for name, _ in request.headers)
    return is_loopback(direct) and not forwarded and is_loopback(urlsplit(f"//{request.host}").hostname)
