"""What production's gunicorn.conf.py says, for any app: worker class, threads and times, without the kiosk's hooks.

So the engine does not run, and what is measured is the page alone.
"""

from __future__ import annotations

import runpy
from pathlib import Path

TAKEN = (
    "worker_class",
    "workers",
    "threads",
    "worker_connections",
    "timeout",
    "control_socket_disable",
    "preload_app",
    "accesslog",
)

_production = runpy.run_path(str(Path(__file__).parent.parent / "gunicorn.conf.py"))
globals().update({name: _production[name] for name in TAKEN})
graceful_timeout = 1  # nobody waits for the streams of a benchmark
