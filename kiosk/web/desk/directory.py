"""The way to the operator's own directory and back, with what a browser keeps meanwhile."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urljoin

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer

from kiosk.domain.desk import Role
from kiosk.domain.directory import FLOW_LIVES_SECONDS, Directory
from kiosk.service.desk_directory import Flow, NotLetIn, begin, come_back
from kiosk.service.desk_people import Entered
from kiosk.web.desk.access import keep_token, needs, open_to_strangers, own_path, signed_in, whoever
from kiosk.web.desk.words import not_let_in
from kiosk.web.shared.limits import client_address
from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import DESK

bp = Blueprint("desk_directory", __name__)

_SALT = "kiosk.desk.flow"


@bp.get("/sign-in/directory")
@open_to_strangers
def go() -> ResponseReturnValue:
    return _sent(begin(parts(), _directory(), _back(), own_path(request.args.get("after", DESK))))


@bp.get("/confirm/directory")
@needs(Role.VIEWER)
def go_again() -> ResponseReturnValue:
    """Whoever is signed in proves at the directory once more who they are, before money moves."""
    return _sent(begin(parts(), _directory(), _back(), own_path(request.args.get("after", DESK)), signed_in()))


@bp.get("/sign-in/directory/back")
@open_to_strangers
def back() -> ResponseReturnValue:
    """Where the directory sends people. What their browser kept is used up by it."""
    flow = _flow()
    found = come_back(parts(), flow, _back(), request.args, client_address(), whoever())
    after = own_path(flow.after) if flow is not None else DESK
    if isinstance(found, NotLetIn):
        return _forget(_refused(found))
    answer = make_response(redirect(after, 303))
    return _forget(keep_token(answer, found.token) if isinstance(found, Entered) else answer)


def _directory() -> Directory:
    """Without one there is no such page."""
    found = parts().directory
    if found is None:
        abort(404)
    return found


def _sent(found: tuple[str, Flow] | NotLetIn) -> Response:
    if isinstance(found, NotLetIn):
        return _refused(found)
    address, flow = found
    content = [flow.state, flow.nonce, flow.verifier, flow.began_at.isoformat(), flow.after, flow.signed_in]
    answer = make_response(redirect(address, 303))
    secure = parts().settings.https
    answer.set_cookie(
        _cookie(),
        _serializer().dumps(content),
        FLOW_LIVES_SECONDS,
        secure=secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return answer


def _refused(why: NotLetIn) -> Response:
    status = {NotLetIn.AWAY: 503, NotLetIn.WAIT: 429}.get(why, 403)
    return make_response(
        render_template("desk/sign_in.html", after=DESK, name="", problem=not_let_in(why), wants_code=False), status
    )


def _back() -> str:
    """As it is registered at the directory: by the address that browsers are told, never by what a request names."""
    return urljoin(parts().settings.public_url, url_for("desk_directory.back"))


def _flow() -> Flow | None:
    try:
        content = _serializer().loads(request.cookies.get(_cookie(), ""))
    except BadData:
        return None
    match content:
        case [str(state), str(nonce), str(verifier), str(began), str(after), (int() | None) as number]:
            return Flow(state, nonce, verifier, datetime.fromisoformat(began), after, number)
    return None


def _serializer() -> URLSafeSerializer:
    # itsdangerous signs with the last key of its list.
    return URLSafeSerializer(list(reversed(parts().settings.secret_keys)), salt=_SALT)


def _cookie() -> str:
    return "__Host-desk-flow" if parts().settings.https else "desk-flow"


def _forget(answer: Response) -> Response:
    answer.delete_cookie(_cookie(), path="/", secure=parts().settings.https, httponly=True, samesite="Lax")
    return answer
