"""The parts of the kiosk that answers this request."""

from __future__ import annotations

from typing import cast

from flask import current_app

from kiosk.service.parts import Parts


def parts() -> Parts:
    return cast(Parts, current_app.extensions["kiosk"])
