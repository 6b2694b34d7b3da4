"""The picture of a charger, from the kiosk's own address: a driver's phone asks nobody else for it."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request, url_for

from kiosk.domain import codes, lab
from kiosk.web.shared.limits import limit_poll
from kiosk.web.shared.parts import parts

YEAR = 365 * 24 * 3600

bp = Blueprint("pictures", __name__)


def picture_url(code: str, make: lab.LabFacts | None) -> str | None:
    """The address of the charger's picture, which changes with it; None when there is none."""
    if make is None or make.image_url is None:
        return None
    stamp = parts().store.picture_stamp(make.image_url)
    return url_for("pictures.picture", code=code, v=stamp) if stamp is not None else None


@bp.get("/c/<code>/picture")
@limit_poll
def picture(code: str) -> Response:
    if not codes.possible(code):
        abort(404)
    store = parts().store
    make = store.lab_facts([code]).get(code)
    url = make.image_url if make is not None else None
    stamp = store.picture_stamp(url) if url is not None else None
    found = store.picture(url) if url is not None and stamp is not None else None
    if found is None or stamp is None:
        abort(404)
    response = Response(found.body, mimetype=found.kind)
    response.cache_control.public = True
    response.cache_control.max_age = YEAR if request.args.get("v") == stamp else 3600
    response.set_etag(stamp)
    response.make_conditional(request)
    return response
