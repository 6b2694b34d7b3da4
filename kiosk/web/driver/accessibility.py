"""The accessibility statement: what these pages do for whom, what they cannot do, and whom to tell. Rule EU-14."""

from __future__ import annotations

from flask import Blueprint, render_template

from kiosk.web.shared.limits import limit_page
from kiosk.web.shared.local_text import said
from kiosk.web.shared.parts import parts
from kiosk.web.shared.site_facts import accessible_bays

bp = Blueprint("accessibility", __name__)


@bp.get("/accessibility")
@limit_page
def statement() -> str:
    book = parts().site
    bays = [(said(site.name), ", ".join(labels)) for site in book.sites if (labels := accessible_bays(site))]
    return render_template("driver/accessibility.html", bays=bays, more=said(book.operator.accessibility))
