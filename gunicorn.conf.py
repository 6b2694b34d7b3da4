"""How gunicorn serves the kiosk: one process, many threads, because every open page keeps one.

Imports little: gevent must patch the standard library before anything opens a TLS context.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from kiosk.config.settings import SettingsError, is_loopback, load_settings

try:
    _settings = load_settings()
except SettingsError as error:
    sys.exit(f"kiosk: {error}")

os.umask(0o077)  # what is stored is for the kiosk's own user alone
bind = _settings.listen
worker_class = "kiosk.serving.HurryingWorker" if _settings.worker_class == "gthread" else _settings.worker_class
workers = 1  # SQLite, and news for open pages that stay inside one process
threads = 600  # above KIOSK_MAX_STREAMS, so that a health check always finds a free one
worker_connections = 1000 if _settings.worker_class == "gthread" else 3000
timeout = 30
graceful_timeout = 5
control_socket_disable = True
preload_app = False
accesslog = None  # the kiosk logs each request itself, by its route
access_log_format = '%(h)s "%(m)s" %(s)s %(b)s %(M)sms'  # for whoever turns it on: no address, no query, no referer


def on_starting(server: Any) -> None:
    """Refuse what the command line may have asked for."""
    listens = [host for host, *_ in (address for address in server.cfg.address if not isinstance(address, str))]
    if _settings.trusted_proxies and is_loopback(_settings.bind) and not all(map(is_loopback, listens)):
        sys.exit(
            "kiosk: whoever reaches this address could name any address as theirs, because KIOSK_TRUSTED_PROXIES is "
            "set: set KIOSK_BIND instead of --bind, if only the proxy can reach it."
        )
    if _settings.sqlite and server.cfg.workers > 1:
        sys.exit("kiosk: SQLite takes one worker: start gunicorn with --workers 1.")
    if server.cfg.worker_class_str == "sync":
        sys.exit("kiosk: the sync worker would stop at the first open page: set KIOSK_WORKER_CLASS to gthread.")


def post_worker_init(worker: Any) -> None:
    from kiosk.app import start

    try:
        start(worker.wsgi)
    except SettingsError as error:
        sys.stderr.write(f"kiosk: {error}\n")
        sys.exit(3)  # its own code for "will not boot": with any other it would start the worker again for ever


def worker_exit(server: Any, worker: Any) -> None:
    del server
    if getattr(worker, "wsgi", None) is not None:  # it is missing when the app could not be loaded
        from kiosk.app import stop

        stop(worker.wsgi)
