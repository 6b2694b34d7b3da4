"""The baseline: Flask with nothing added, a page from a Jinja template of a given size, and a small JSON."""

from __future__ import annotations

import os

from flask import Flask, Response, jsonify, render_template
from jinja2 import DictLoader

BYTES = "BENCH_PAGE_BYTES"
LINE = "<p>{{ name }}: the price is on this page, and the hold too.</p>\n"


def create_bare_app(page_bytes: int) -> Flask:
    """`/page` has that many bytes."""
    app = Flask("bare", static_folder=None)
    whole, rest = divmod(page_bytes, 100)
    line = LINE + "." * (100 - len(LINE.replace("{{ name }}", "Charger 2")))
    # One line in a hundred bytes has a variable, about as many as a real page has.
    app.jinja_loader = DictLoader({"page.html": line * whole + "." * rest})

    @app.get("/page")
    def page() -> str:
        return render_template("page.html", name="Charger 2")

    @app.get("/small.json")
    def small() -> Response:
        return jsonify(status="charging", energy_kwh="4.2", cost="2.41", power_kw="11.0")

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(up=True)

    return app


app = create_bare_app(int(os.environ.get(BYTES, "1000")))
