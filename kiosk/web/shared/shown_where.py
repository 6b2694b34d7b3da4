"""Where a page is shown: on the driver's own device; on a site's tablet, which is everything under `/tablet/`; at the
operator's desk, which is everything under `/desk`.
"""

from __future__ import annotations

from flask import has_request_context, request
from flask.blueprints import BlueprintSetupState

TABLET = "/tablet/"
DESK = "/desk/"


def on_tablet() -> bool:
    """This request is for the tablet's own screen. The address alone says so, never a cookie."""
    return has_request_context() and request.path.startswith(TABLET)


def on_desk() -> bool:
    """This request is for the operator's desk."""
    return has_request_context() and f"{request.path}/".startswith(DESK)


def install(state: BlueprintSetupState) -> None:
    """For `Blueprint.record_once`: what templates may ask."""
    state.app.jinja_env.globals.update(on_tablet=on_tablet, layout=layout, bay_url=bay_url)


def bay_url(code: str, connector_id: int) -> str:
    """Where a bay's price and its start are."""
    return f"{TABLET}bay/{code}/{connector_id}" if on_tablet() else f"/c/{code}"


def layout() -> str:
    """The frame that a session's page stands in."""
    return "tablet/frame.html" if on_tablet() else "shared/base.html"
