"""`gunicorn wsgi:app`: the kiosk for production. gunicorn.conf.py starts the engine in the worker."""

import sys

from kiosk.app import create_app
from kiosk.config.logs import configure_logs
from kiosk.config.settings import SettingsError, load_settings
from kiosk.store.errors import Damaged, TooNew, Unavailable

WILL_NOT_BOOT = 3
"""gunicorn's own code for a worker that cannot start: the master ends too. With any other it would start the next one
for ever."""

try:
    settings = load_settings()
    configure_logs(settings.log_format)
    app = create_app(settings)
except SettingsError as error:
    sys.stderr.write(f"kiosk: {error}\n")
    sys.exit(WILL_NOT_BOOT)
except Unavailable as error:
    sys.stderr.write(f"kiosk: The database cannot be used just now ({error.trouble.value}). It is tried again.\n")
    sys.exit(WILL_NOT_BOOT)
except TooNew as error:
    sys.stderr.write(f"kiosk: The database cannot be used: {error}. Start that release, or restore an older backup.\n")
    sys.exit(WILL_NOT_BOOT)
except Damaged as error:
    sys.stderr.write(f"kiosk: The database cannot be brought to the newest version: {error}. Restore a backup.\n")
    sys.exit(WILL_NOT_BOOT)
