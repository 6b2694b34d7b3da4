"""`gunicorn wsgi:app`: the kiosk for production. gunicorn.conf.py starts the engine in the worker."""

import sys

from kiosk.app import create_app
from kiosk.config.logs import configure_logs
from kiosk.config.settings import SettingsError, load_settings

try:
    settings = load_settings()
    configure_logs(settings.log_format)
    app = create_app(settings)
except SettingsError as error:
    sys.exit(f"kiosk: {error}")
