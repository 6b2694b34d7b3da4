"""Every error as one sentence and a next step, in HTML or JSON, never a stack trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from werkzeug.exceptions import HTTPException

from kiosk.news.news import TooManyStreams
from kiosk.store.errors import Unavailable
from kiosk.web.shared.formats import duration
from kiosk.web.shared.limits import seconds_to_wait
from kiosk.web.shared.security import keep_private
from kiosk.web.shared.shown_where import TABLET, on_desk, on_tablet
from kiosk.web.shared.text import _

MOST_BYTES = 16 * 1024
"""Body of a request: forms are short. Webhooks have their own limit."""
BUSY_SECONDS = 10
API = "/api/"
"""Below it programs of the operator's ask, which read a word and a sentence."""
UNWRITTEN_SECONDS = 10
"""After so long it makes sense to ask a store again that could not write."""

_TRY_AGAIN = f'<meta http-equiv="refresh" content="15;url={TABLET}">'
"""Nobody stands by a tablet to load a page again."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Problem:
    """What a person reads: what happened, and what to do."""

    status: int
    title: str
    text: str
    retry_after: int | None = None


def init_errors(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(TooManyStreams, _too_many_streams)
    app.register_error_handler(Unavailable, _unavailable)


def wants_json() -> bool:
    """A script asks, which reads JSON rather than a page: by the address, or by what it accepts."""
    if request.path.endswith((".json", "/events")) or request.path.startswith(API):
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html") == "application/json"


def refusal(reason: str, status: int, **more: str) -> Response:
    """What a script is told when its wish is refused: `reason` is a word for the script, not a sentence."""
    response = jsonify(error=reason, **more)
    response.status_code = status
    return response


def problem_of(status: int, retry_after: int | None = None) -> Problem:
    """The words for a status. One that has none of its own is a bad request or a fault of ours."""
    if status == HTTPStatus.FORBIDDEN:
        title, text = (
            _("We did not do that"),
            _("Nothing was changed. Open the page of your charger and try once more."),
        )
    elif status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        title, text = _("This page is not here"), _("Check the code on the charger and type it again.")
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        title, text = _("That does not work here"), _("Nothing was changed. Go back one page and use its buttons.")
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        title, text = _("That was too much text"), _("Nothing was changed. Go back and write less.")
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = duration(timedelta(seconds=retry_after or 60))
        title = _("Too many tries")
        text = _(
            "We did not do that. What was done before still stands. Try again in %(wait)s. To stop a running charge, "
            "unplug the cable at the car.",
            wait=wait,
        )
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        title, text = _("Very busy just now"), _("A running charge goes on. Wait a moment, then load this page again.")
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        title = _("Something broke on our side")
        text = _(
            "A running charge goes on, and every hold still ends. Load this page again. "
            "To stop, unplug the cable at the car."
        )
    else:
        title, text = _("We could not read that"), _("Nothing was changed. Go back one page and try once more.")
    return Problem(status, title, text, retry_after)


def respond(problem: Problem) -> Response:
    """The answer for a problem, in the form that the caller reads."""
    if request.path.startswith(API):
        response = jsonify(error=HTTPStatus(problem.status).name.lower(), message=f"{problem.title}. {problem.text}")
    elif wants_json():
        response = jsonify(
            error={
                "status": problem.status,
                "title": problem.title,
                "text": problem.text,
                "retry_after": problem.retry_after,
            }
        )
    else:
        response = make_response(_page(problem))
    response.status_code = problem.status
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return keep_private(response)


def _page(problem: Problem) -> str:
    try:
        return render_template("desk/error.html" if on_desk() else "shared/error.html", problem=problem)
    except Exception:
        # The page's frame may be the very thing that is broken.
        log.exception("the error page could not be drawn")
        return (
            f'<!doctype html><html><meta charset="utf-8">{_TRY_AGAIN if on_tablet() else ""}'
            f"<title>{escape(problem.title)}</title>"
            f"<h1>{escape(problem.title)}</h1><p>{escape(problem.text)}</p></html>"
        )


def _answer(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()
    response = respond(problem_of(status, _seconds(error)))
    for name, value in error.get_headers():
        if name in {"Allow", "WWW-Authenticate"}:
            response.headers[name] = value
    return response


def _too_many_streams(error: TooManyStreams) -> ResponseReturnValue:
    del error
    return respond(problem_of(503, BUSY_SECONDS))


def _unavailable(error: Unavailable) -> ResponseReturnValue:
    """Others keep the store locked, or the disk is full. It is the driver's wish that was not stored: they may repeat
    it, and know what helps meanwhile.
    """
    log.warning("a request could not be answered, because of the store", trouble=error.trouble.value)
    text = _(
        "Nothing was changed. A running charge goes on, and every hold still ends. Try again in %(wait)s. "
        "To stop now, unplug the cable at the car or press stop at the charger.",
        wait=duration(timedelta(seconds=UNWRITTEN_SECONDS)),
    )
    return respond(Problem(503, _("We cannot write that down just now"), text, UNWRITTEN_SECONDS))


def _seconds(error: HTTPException) -> int | None:
    """After how many seconds a new try makes sense."""
    if error.code == HTTPStatus.TOO_MANY_REQUESTS:
        return seconds_to_wait()
    if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
        return BUSY_SECONDS
    return None
