"""For machines: is the process up, and can it do its work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from kiosk.web.shared.parts import parts

bp = Blueprint("health", __name__)


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
    """The store answers and the engine goes round; 503 otherwise."""
    state = {"store": parts().store.healthy(), "engine": parts().engine.alive()}
    return jsonify(**state), 200 if all(state.values()) else 503
