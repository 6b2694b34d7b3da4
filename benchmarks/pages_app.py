"""The kiosk as in production without its engine: pages are made from what is stored, and nobody is asked."""

from __future__ import annotations

from dataclasses import replace

from kiosk.app import create_app
from kiosk.config.logs import configure_logs
from kiosk.config.settings import load_settings

_settings = load_settings()
configure_logs(_settings.log_format)
app = create_app(_settings)
app.extensions["kiosk"] = replace(app.extensions["kiosk"], patience=0.0)  # there is no engine to wait for
